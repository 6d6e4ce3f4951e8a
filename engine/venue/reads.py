"""Reading back: positions, orders from all four lists, balance, trades and bills, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from engine.core.actions import Read, Reading
from engine.core.events import (
    Answered,
    AnyBody,
    BalanceRead,
    BillSeen,
    FillSeen,
    FillsRead,
    OrdersRead,
    PositionsRead,
)
from engine.core.exchange import Accepted, Outcome, Unknown
from engine.venue.malformed import Malformed, shaped
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.rest import PRODUCT, Rest
from engine.venue.rows import (
    AccountRow,
    BillRow,
    FillRow,
    OrderDetail,
    PlanRow,
    PositionRow,
    page_of,
    positions_of,
)
from engine.venue.terms import HEDGE
from engine.venue.trades import Origin, Trades

PAGE: Final = 100
PAGES: Final = 200
PENDING: Final = "v2/mix/order/orders-pending"
PLANS: Final = "v2/mix/order/orders-plan-pending"
HISTORY: Final = "v2/mix/order/orders-history"
PLAN_LISTS: Final = ("normal_plan", "track_plan", "profit_loss")
WEEK_MS: Final = 7 * 86_400_000
"""Fills are told for at most seven days in one question (WIRE §2)."""

MANY: Final = 3
"""From so many unknown orders on, their origins are read as a list instead of one by one."""


class Reads:
    """Reads over REST. `mode` is told the position mode (hedged or not) whenever an answer shows it."""

    def __init__(
        self, rest: Rest, trades: Trades, clock_ms: Callable[[], int], mode: Callable[[bool], None]
    ) -> None:
        self._rest = rest
        self._trades = trades
        self._clock_ms = clock_ms
        self._mode = mode
        self.symbols: tuple[str, ...] = ()

    async def do(self, work: Read) -> tuple[AnyBody, ...]:
        """What was asked for, as far as it could be read, and whether it was all."""
        told: list[AnyBody] = []
        outcome: Outcome = Accepted()
        for what in work.what:
            try:
                told += await self.read(what, work.since)
            except (Refusal, NoAnswer, Malformed) as error:
                outcome = Unknown(f"{what.value}: {error}")
        return *told, Answered(work.id, outcome)

    async def read(self, what: Reading, since: int) -> list[AnyBody]:
        """One kind of reading. Raises Refusal, NoAnswer or Malformed; then nothing of it counts."""
        match what:
            case Reading.POSITIONS:
                return [await self.positions()]
            case Reading.ORDERS:
                return [await self.orders()]
            case Reading.BALANCE:
                return [await self.balance()]
            case Reading.FILLS:
                return await self.fills(since)
            case Reading.BILLS:
                return await self.bills(since)

    async def positions(self) -> PositionsRead:
        """All open positions; a row that is missing is not there."""
        data = await self._rest.get(
            "v2/mix/position/all-position", {"productType": PRODUCT, "marginCoin": "USDT"}
        )
        rows = shaped("positions", data, list[PositionRow])
        if rows:
            self._mode(rows[0].pos_mode == HEDGE)
        return PositionsRead(positions_of(rows), rest=True)

    async def orders(self) -> OrdersRead:
        """The four lists of resting orders (PITFALLS 13), all of them or none."""
        asked = self._clock_ms()
        pending, *plans = await asyncio.gather(
            self._all(PENDING, {}, "entrustedList"),
            *(self._all(PLANS, {"planType": plan_type}, "entrustedList") for plan_type in PLAN_LISTS),
        )
        resting = [shaped("orders", row, OrderDetail).resting() for row in pending]
        for rows in plans:
            resting += [shaped("plan orders", row, PlanRow).resting() for row in rows]
        return OrdersRead(tuple(resting), asked)

    async def balance(self) -> BalanceRead:
        """The futures account; the same answer is the only read of the position mode."""
        data = await self._rest.get(
            "v2/mix/account/account",
            {"symbol": self.symbols[0], "productType": PRODUCT, "marginCoin": "USDT"},
        )
        row = shaped("account", data, AccountRow)
        self._mode(row.pos_mode == HEDGE)
        return BalanceRead(row.balance())

    async def fills(self, since: int) -> list[AnyBody]:
        """All trades since then, oldest first, then FillsRead."""
        rows: list[FillRow] = []
        for span in self._weeks(since):
            for row in await self._all("v2/mix/order/fills", span, "fillList"):
                rows.append(shaped("fills", row, FillRow))
        await self._origins(rows)
        seen: list[AnyBody] = [FillSeen(fill) for fill in await self._trades.read_back(rows)]
        return [*seen, FillsRead(since)]

    async def bills(self, since: int) -> list[AnyBody]:
        """What moved the balance without being a trade, oldest first."""
        rows: list[BillRow] = []
        for span in self._weeks(since):
            for row in await self._all("v2/mix/account/bill", span, "bills"):
                rows.append(shaped("bills", row, BillRow))
        rows.sort(key=lambda row: (row.c_time, row.bill_id))
        return [BillSeen(row.bill()) for row in rows if not is_trade(row.business_type)]

    async def _origins(self, rows: list[FillRow]) -> None:
        """Learn the orders behind many trades from orders-history; the rest is read one by one later."""
        missing = {row.order_id for row in rows if not self._trades.knows(row.order_id)}
        if len(missing) < MANY:
            return
        first = min(row.c_time for row in rows if row.order_id in missing)
        for span in self._weeks(first - 60_000):
            for found in await self._all(HISTORY, span, "entrustedList"):
                order = shaped("orders history", found, OrderDetail)
                if order.order_id in missing:
                    self._trades.learn(
                        order.order_id, Origin(order.client_oid, order.order_source, order.pos_side)
                    )

    def _weeks(self, since: int) -> list[dict[str, str]]:
        """Spans of at most seven days from `since` on; the newest is open, whatever the clocks say."""
        now = self._clock_ms()
        start = max(since, now - 13 * WEEK_MS)
        spans = []
        while start + WEEK_MS <= now:
            spans.append({"startTime": str(start), "endTime": str(start + WEEK_MS - 1)})
            start += WEEK_MS
        return [*spans, {"startTime": str(start)}]

    async def _all(self, path: str, params: dict[str, str], key: str) -> list[object]:
        """Every row of a list, newest first, following `endId`. Raises Malformed when it never ends."""
        rows: list[object] = []
        asked = {"productType": PRODUCT, "limit": str(PAGE), **params}
        for _ in range(PAGES):
            page = page_of(key, await self._rest.get(path, asked), key)
            rows += page.rows
            if len(page.rows) < PAGE or not page.end_id:
                return rows
            asked["idLessThan"] = page.end_id
        raise Malformed(key, f"the list did not end after {PAGES} pages")


TRADES: Final = frozenset(
    {"open_long", "open_short", "close_long", "close_short", "buy", "sell", "force_buy", "force_sell"}
)


def is_trade(business_type: str) -> bool:
    """Whether a bill books a trade; those are told as fills. Source: business types of the bill endpoint."""
    return business_type in TRADES or business_type.startswith(
        ("force_", "burst_", "offset_", "dte_", "reduce_")
    )
