"""What every family of private endpoints needs: the floor, the account, the symbol of a request, a page of
rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from engine.simulator import params as p
from engine.simulator.account import Account
from engine.simulator.errors import refusal
from engine.simulator.floor import Floor
from engine.simulator.listing import Listing
from engine.simulator.params import Params

if TYPE_CHECKING:
    from engine.simulator.exchange import Exchange

DAY_MS = 86_400_000

Row = TypeVar("Row")


class Endpoints:
    """One account at one exchange."""

    def __init__(self, exchange: Exchange, account_id: str) -> None:
        self._exchange = exchange
        self._floor: Floor = exchange.floor
        self._account: Account = exchange.account(account_id)

    def _listing(self, params: Params) -> Listing:
        """The symbol that the request names. Raises 40019 without one, 40034 for an unknown one, 40020 for a
        product or coin that is not traded here."""
        p.check_product(params)
        p.check_coin(params)
        symbol = p.required(params, "symbol").upper()
        listing = self._floor.listings.get(symbol)
        if listing is None:
            raise refusal("40034", symbol)
        return listing

    def _symbol_filter(self, params: Params) -> str | None:
        """The symbol that a reading request is about, None for all."""
        p.check_product(params)
        return self._listing(params).symbol if p.text(params, "symbol") else None


def page(
    rows: Iterable[Row],
    params: Params,
    *,
    row_id: Callable[[Row], str],
    row_time: Callable[[Row], int],
    now_ms: int,
    limit: int = 100,
    keep_days: int = 90,
    span_days: int | None = None,
) -> tuple[list[Row], str | None]:
    """The newest rows that the request asks for, newest first, and the id to page on with (None without
    rows).

    `idLessThan` goes back, `startTime` and `endTime` are inclusive milliseconds, `limit` is at most 100;
    nothing older than `keep_days` is shown. Raises 40017 for a range that is turned around or longer than
    `span_days`.
    """
    start, end = p.whole(params, "startTime"), p.whole(params, "endTime")
    before = p.whole(params, "idLessThan")
    if start is not None and end is not None:
        is_too_long = span_days is not None and end - start > span_days * DAY_MS
        if start > end or is_too_long:
            raise refusal("40017", "startTime endTime")
    count = p.whole(params, "limit") or limit
    oldest = max(start or 0, now_ms - keep_days * DAY_MS)
    found = [
        row
        for row in rows
        if row_time(row) >= oldest
        and (end is None or row_time(row) <= end)
        and (before is None or int(row_id(row)) < before)
    ]
    found.sort(key=lambda row: int(row_id(row)), reverse=True)
    found = found[: min(count, 100)]
    return found, (row_id(found[-1]) if found else None)


def acceptance(order_id: str, client_oid: str) -> dict[str, Any]:
    """The answer to an accepted order; acceptance is all it says."""
    return {"clientOid": client_oid, "orderId": order_id}
