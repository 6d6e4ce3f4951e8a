"""Each trade told once, with the client id and the cause of its order, whichever channel brings it first.

The `orders` channel carries client id and trade; the `fill` channel and REST carry neither client id nor
position side: for those the order's origin is remembered, or read from order detail before the trade is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import msgspec

from engine.core.exchange import Cause, Fill, OrderKind, OrderRow
from engine.core.instrument import ZERO
from engine.venue.frames import OrderPush
from engine.venue.malformed import Malformed, number_or
from engine.venue.outcomes import NOT_FOUND, NoAnswer, Refusal
from engine.venue.rows import FillRow, OrderDetail
from engine.venue.terms import cause_of, direction_of

log = logging.getLogger("ratchet.venue")

REMEMBERED: Final = 20_000
PATIENCE_S: Final = (0.15, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Waits before the attempts to read an order's origin; the orders channel mostly brings it in the first."""

SETTLED_MS: Final = 60_000
"""After so long order detail knows every order that it will ever know."""

STOPS: Final = frozenset({OrderKind.LOSS_PLAN, OrderKind.POS_LOSS, OrderKind.MOVING_PLAN})
PROFITS: Final = frozenset({OrderKind.PROFIT_PLAN, OrderKind.POS_PROFIT})

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The newest REMEMBERED entries."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def put(self, key: Key, value: Value) -> None:
        self._entries[key] = value
        if len(self._entries) > REMEMBERED:
            self._entries.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        return self._entries.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._entries


class Origin(msgspec.Struct, frozen=True):
    """Where an order came from. `source` is Bitget's `orderSource`."""

    client_id: str
    source: str
    pos_side: str = ""


class Trades:
    """Tells `tell` each trade once. `read_order(symbol, order_id)` reads an order that was not seen.

    `untold` is called when a trade could not be told: the next reading of fills has it. `clock_ms` is the
    exchange's clock.
    """

    def __init__(
        self,
        tell: Callable[[Fill], None],
        read_order: Callable[[str, str], Awaitable[OrderDetail]],
        untold: Callable[[], None],
        clock_ms: Callable[[], int],
    ) -> None:
        self._tell = tell
        self._read_order = read_order
        self._untold = untold
        self._clock_ms = clock_ms
        self._origins: Recent[str, Origin] = Recent()
        self._own: Recent[str, None] = Recent()
        self._told: Recent[str, None] = Recent()
        self._children: Recent[str, Cause] = Recent()
        self._waiting: dict[str, list[FillRow]] = {}
        self._unread: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def own(self, client_id: str) -> None:
        """This client id is about to be sent by us as a market order."""
        self._own.put(client_id, None)

    def plan(self, row: OrderRow) -> None:
        """A plan order changed; the order that it became is a stop's or a take profit's."""
        if row.child and row.kind in STOPS | PROFITS:
            self._children.put(row.child, Cause.STOP if row.kind in STOPS else Cause.TAKE_PROFIT)

    def order(self, row: OrderPush) -> None:
        """An order changed: its origin, then its trade when it has one."""
        source = row.order_source or ("market" if row.client_oid in self._own else "")
        if source:
            self.learn(row.order_id, Origin(row.client_oid, source, row.pos_side))
        trade = row.trade()
        if trade is not None:
            self.trade(trade)

    def learn(self, order_id: str, origin: Origin) -> None:
        """The origin of an order is known: what waited for it is told."""
        self._origins.put(order_id, origin)
        for row in self._waiting.pop(order_id, ()):
            self._say(row, origin)

    def trade(self, row: FillRow) -> None:
        """A trade arrived over the websocket. Told at once, or as soon as its order has been read."""
        if row.trade_id in self._told:
            return
        origin = self._origins.get(row.order_id)
        if origin is not None:
            self._say(row, origin)
            return
        if row.order_id not in self._waiting:
            self._unread.put_nowait((row.symbol, row.order_id))
        self._waiting.setdefault(row.order_id, []).append(row)

    async def read_back(self, rows: list[FillRow]) -> tuple[Fill, ...]:
        """Trades read over REST, oldest first, with their origins. Raises Refusal, NoAnswer or Malformed."""
        fills = []
        for row in sorted(rows, key=lambda each: (each.c_time, each.trade_id)):
            fills.append(self._fill(row, await self._origin(row)))
        for fill in fills:
            self._told.put(fill.trade_id, None)
        return tuple(fills)

    def knows(self, order_id: str) -> bool:
        """Whether the origin of this order is known."""
        return order_id in self._origins

    async def follow(self) -> None:
        """Read the origin of orders that trades wait for, one after the other; ends by cancellation."""
        while True:
            symbol, order_id = await self._unread.get()
            if order_id in self._waiting:
                await self._find(symbol, order_id)

    async def _find(self, symbol: str, order_id: str) -> None:
        for pause_s in PATIENCE_S:
            await asyncio.sleep(pause_s)
            if order_id not in self._waiting:
                return
            try:
                detail = await self._read_order(symbol, order_id)
                self.learn(order_id, Origin(detail.client_oid, detail.order_source, detail.pos_side))
            except (Refusal, NoAnswer, Malformed) as error:
                log.warning("the order of a trade on %s could not be read: %s", symbol, error)
                continue
            return
        self._waiting.pop(order_id, None)
        self._untold()

    async def _origin(self, row: FillRow) -> Origin:
        origin = self._origins.get(row.order_id)
        if origin is None:
            origin = await self._read_origin(row)
            self.learn(row.order_id, origin)
        return origin

    async def _read_origin(self, row: FillRow) -> Origin:
        """What order detail says. An order that Bitget does not know was none of ours: those are found for
        months. Its trade tells by itself what was forced, and all later ones wait for it.
        """
        try:
            detail = await self._read_order(row.symbol, row.order_id)
        except Refusal as refusal:
            if refusal.code not in NOT_FOUND or self._clock_ms() - row.c_time < SETTLED_MS:
                raise
            log.warning("Bitget does not know the order of a trade on %s: it is none of ours", row.symbol)
            return Origin("", "")
        return Origin(detail.client_oid, detail.order_source, detail.pos_side)

    def _say(self, row: FillRow, origin: Origin) -> None:
        if row.trade_id in self._told:
            return
        fill = self._fill(row, origin)
        self._told.put(row.trade_id, None)
        self._tell(fill)

    def _fill(self, row: FillRow, origin: Origin) -> Fill:
        way = direction_of(
            "fill", side=row.side, trade_side=row.trade_side, pos_mode=row.pos_mode, pos_side=origin.pos_side
        )
        cause = cause_of(origin.source, row.trade_side)
        if cause is Cause.ORDER:
            cause = self._children.get(row.order_id) or cause
        return Fill(
            trade_id=row.trade_id,
            order_id=row.order_id,
            client_id=origin.client_id,
            symbol=row.symbol,
            buy=way.buy,
            side=way.side,
            qty=row.base_volume,
            price=row.price,
            fee=row.fee(),
            profit=number_or("fill", "profit", row.profit, ZERO),
            cause=cause,
            at=row.c_time,
        )
