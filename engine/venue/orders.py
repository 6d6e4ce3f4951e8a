"""Orders and stops: the exact bodies, and what the exchange made of them. Nothing here retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

from engine.core.actions import (
    CancelOrder,
    CancelStop,
    LookUp,
    MoveStop,
    PlaceLimit,
    PlaceMarket,
    PlaceStop,
    SetLeverage,
)
from engine.core.events import Answered, LookedUp
from engine.core.exchange import OrderRow, Outcome, Refused, Unknown
from engine.core.instrument import Side
from engine.venue.lanes import Lane
from engine.venue.malformed import Malformed, plain, shaped
from engine.venue.outcomes import NOT_FOUND, NoAnswer, Refusal, listed, placed, unknown
from engine.venue.rest import ORDER, PRODUCT, Ready, Rest
from engine.venue.rows import OrderDetail, Page, PlanRow, page_of

Deed = PlaceMarket | PlaceLimit | SetLeverage | PlaceStop | MoveStop | CancelStop | CancelOrder
ORDERS: Final = (PlaceMarket, PlaceLimit)

PLACE: Final = ORDER
PLACE_STOP: Final = "v2/mix/order/place-tpsl-order"
MOVE_STOP: Final = "v2/mix/order/modify-tpsl-order"
CANCEL_STOP: Final = "v2/mix/order/cancel-plan-order"
SET_MARGIN_MODE: Final = "v2/mix/account/set-margin-mode"
SET_LEVERAGE: Final = "v2/mix/account/set-leverage"
CANCEL: Final = "v2/mix/order/cancel-order"
DETAIL: Final = "v2/mix/order/detail"
PLANS: Final = "v2/mix/order/orders-plan-pending"
PLANS_BEFORE: Final = "v2/mix/order/orders-plan-history"


class Orders:
    """Carries out what changes something. `hedged` tells the account's position mode as last seen.

    `own` is told the client id of each market order just before it is sent.
    """

    def __init__(self, rest: Rest, hedged: Callable[[], bool], own: Callable[[str], None]) -> None:
        self._rest = rest
        self._hedged = hedged
        self._own = own
        self._ready: dict[Deed, Ready] = {}

    def have_ready(self, deeds: Iterable[Deed]) -> None:
        """Sign these now: they may be asked for at any moment. What cannot be written is refused then."""
        self._ready = {}
        for deed in deeds:
            with contextlib.suppress(ValueError):
                self._ready[deed] = self._rest.ready(*self.request(deed))

    async def do(self, deed: Deed) -> Answered:
        """Send one request and say what became of it; what cannot be written down is refused here."""
        try:
            send = self._to_send(deed)
        except ValueError as error:
            return Answered(deed.id, Refused("local", f"not sent: {error}"))
        if isinstance(deed, ORDERS):
            self._own(deed.id)
        if isinstance(deed, SetLeverage):
            await self._isolate(deed)
        try:
            data = await send(lane_of(deed))
        except (Refusal, NoAnswer) as error:
            return Answered(deed.id, unknown(error))
        return Answered(deed.id, accepted(deed, data))

    def _to_send(self, deed: Deed) -> Callable[[Lane], Awaitable[Any]]:
        """What was made ready for this, or a request made now. Raises ValueError as `request` does."""
        ready = self._ready.pop(deed, None)
        if ready is not None and ready.is_fresh:
            return partial(self._rest.post_ready, ready)
        return partial(self._rest.post, *self.request(deed))

    def request(self, deed: Deed) -> tuple[str, dict[str, Any]]:
        """The path and the body of a deed (WIRE §5, §6). Raises ValueError for a number that is none."""
        common = {"symbol": deed.symbol, "productType": PRODUCT}
        match deed:
            case PlaceMarket():
                return PLACE, common | self._order(deed) | {"orderType": "market"}
            case PlaceLimit():
                priced = {"orderType": "limit", "force": "gtc", "price": plain(deed.price)}
                return PLACE, common | self._order(deed) | priced
            case SetLeverage():
                isolated = {"holdSide": deed.side.value} if self._hedged() else {}
                leverage = {"marginCoin": "USDT", "leverage": plain(deed.leverage)}
                return SET_LEVERAGE, common | leverage | isolated
            case PlaceStop():
                return PLACE_STOP, common | self._stop(deed)
            case MoveStop():
                return MOVE_STOP, common | _move(deed)
            case CancelStop():
                ids = {"orderId": deed.order_id, "clientOid": deed.client_id}
                named = {key: value for key, value in ids.items() if value}
                return CANCEL_STOP, common | {
                    "marginCoin": "USDT",
                    "planType": deed.kind.value,
                    "orderIdList": [named],
                }
            case CancelOrder():
                return CANCEL, common | {"marginCoin": "USDT", "orderId": deed.order_id}

    async def _isolate(self, deed: SetLeverage) -> None:
        """Isolated margin first, for the leverage belongs to a mode. With a position or orders the mode stays
        as it is (45117), and the entry's own marginMode is what counts.
        """
        mode = {"marginCoin": "USDT", "marginMode": "isolated"}
        with contextlib.suppress(Refusal, NoAnswer):
            body = {"symbol": deed.symbol, "productType": PRODUCT} | mode
            await self._rest.post(SET_MARGIN_MODE, body, lane_of(deed))

    def _order(self, deed: PlaceMarket | PlaceLimit) -> dict[str, str]:
        """In hedge mode the side names the position and tradeSide the deed; in one-way mode the trade."""
        long = deed.side is Side.LONG
        if self._hedged():
            way = {"side": "buy" if long else "sell", "tradeSide": "open" if deed.opens else "close"}
        else:
            buys = long == deed.opens
            way = {"side": "buy" if buys else "sell", "reduceOnly": "NO" if deed.opens else "YES"}
        preset = {} if deed.stop is None else {"presetStopLossPrice": plain(deed.stop)}
        return {
            **preset,
            "marginMode": "isolated",
            "marginCoin": "USDT",
            "size": plain(deed.qty),
            "clientOid": deed.id,
            **way,
        }

    def _stop(self, deed: PlaceStop) -> dict[str, str]:
        """Triggered by the mark, executed at market; without a size it is the whole position's."""
        long = deed.side is Side.LONG
        hold = deed.side.value if self._hedged() else ("buy" if long else "sell")
        sized = {"planType": "loss_plan", "size": plain(deed.qty)} if deed.qty is not None else {}
        return {
            "marginCoin": "USDT",
            "planType": "pos_loss",
            "triggerPrice": plain(deed.trigger),
            "triggerType": "mark_price",
            "executePrice": "0",
            "holdSide": hold,
            "clientOid": deed.id,
            **sized,
        }

    async def look_up(self, work: LookUp) -> LookedUp | Answered:
        """What became of a client id, after waiting `after_ms`; Answered Unknown when nobody could say."""
        await asyncio.sleep(work.after_ms / 1000)
        try:
            row = await (self._find_stop(work) if work.stop else self._find_order(work))
        except NoAnswer as error:
            return Answered(work.id, Unknown(error.cause))
        except Refusal as error:
            return Answered(work.id, Unknown(f"the look-up was refused: {error}"))
        except Malformed as error:
            return Answered(work.id, Unknown(f"the answer could not be read: {error}"))
        return LookedUp(work.id, work.client_id, row)

    async def detail(self, symbol: str, *, order_id: str = "", client_id: str = "") -> OrderDetail:
        """A normal order. Raises Refusal (one of NOT_FOUND when it is not there), NoAnswer or Malformed."""
        name = {"orderId": order_id} if order_id else {"clientOid": client_id}
        data = await self._rest.get(DETAIL, {"symbol": symbol, "productType": PRODUCT, **name})
        return shaped("order detail", data, OrderDetail)

    async def _find_order(self, work: LookUp) -> OrderRow | None:
        try:
            detail = await self.detail(work.symbol, client_id=work.client_id)
        except Refusal as error:
            if error.code in NOT_FOUND:
                return None
            raise
        return detail.order()

    async def _find_stop(self, work: LookUp) -> OrderRow | None:
        """Among the resting ones, then in the history; one that moved between the two is looked for again."""
        for path in (PLANS, PLANS_BEFORE, PLANS):
            row = await self.find_plan(path, work.symbol, client_id=work.client_id)
            if row is not None:
                return row.order()
        return None

    async def find_plan(
        self, path: str, symbol: str, *, client_id: str = "", order_id: str = ""
    ) -> PlanRow | None:
        """A TP/SL order in the list at `path`, by either id. Raises Refusal, NoAnswer or Malformed."""
        asked = {"symbol": symbol, "productType": PRODUCT, "planType": "profit_loss", "limit": "100"}
        wanted = {"orderId": order_id} if order_id else {"clientOid": client_id}
        page = await self._page(path, asked | wanted)
        while page.rows:
            for row in page.rows:
                if any(key not in row for key in wanted):
                    raise Malformed("plan order", "a row has no id: it may be the one looked for")
                if all(row[key] == value for key, value in wanted.items()):
                    return shaped("plan order", row, PlanRow)
            if not page.end_id or len(page.rows) < 100:
                break
            page = await self._page(path, asked | wanted | {"idLessThan": page.end_id})
        return None

    async def _page(self, path: str, params: dict[str, str]) -> Page:
        try:
            return page_of("plan orders", await self._rest.get(path, params), "entrustedList")
        except Refusal as error:
            if error.code in NOT_FOUND:
                return Page(rows=[], end_id="")
            raise


def _move(deed: MoveStop) -> dict[str, str]:
    """The size is required by the wire and blank for the whole position (WIRE §2)."""
    named = {"orderId": deed.order_id} if deed.order_id else {"clientOid": deed.client_id}
    return {
        **named,
        "marginCoin": "USDT",
        "triggerPrice": plain(deed.trigger),
        "triggerType": "mark_price",
        "executePrice": "0",
        "size": plain(deed.qty) if deed.qty is not None else "",
    }


def lane_of(deed: Deed) -> Lane:
    """Only an opening order adds risk."""
    return Lane.ADD if isinstance(deed, ORDERS) and deed.opens else Lane.REDUCE


def accepted(deed: Deed, data: object) -> Outcome:
    """The outcome of a request that was answered with success."""
    return listed(data, deed.order_id) if isinstance(deed, CancelStop) else placed(data)
