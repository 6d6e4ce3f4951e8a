"""Every frame of a websocket, decoded where it arrives: ccxt's own watchers lose frames and wake-ups."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from engine.core.events import BalanceRead, OrderSeen, PositionsRead, StopSeen
from engine.core.exchange import OrderRow, OrderState, RestingOrder, Tick
from engine.venue import frames
from engine.venue.frames import AccountPush, Arg, Envelope, OrderPush, PlanPush, PositionPush
from engine.venue.malformed import Malformed
from engine.venue.port import Sink
from engine.venue.rest import Clock
from engine.venue.rows import FillRow, positions_of
from engine.venue.terms import HEDGE
from engine.venue.trades import Trades

log = logging.getLogger("ratchet.venue")


class Acks:
    """Which subscriptions of one connection were answered, and how."""

    def __init__(self) -> None:
        self.accepted: set[tuple[str, str]] = set()
        self.refused: dict[tuple[str, str], str] = {}
        self.news = asyncio.Event()

    def accept(self, arg: Arg) -> None:
        self.accepted.add(arg.key)
        self.news.set()

    def refuse(self, arg: Arg, reason: str) -> None:
        self.refused[arg.key] = reason
        self.news.set()


class Tap:
    """The reader of one connection. `take` says whether it took the text; acks, pong and login go on to ccxt.

    `data` counts frames with rows and `pongs` the pongs: the watchdog looks at both. A frame that cannot be
    read is dropped and told to `on_malformed`; a fault of the engine itself comes out of `broken`.
    """

    def __init__(self, name: str, clock: Clock, on_malformed: Callable[[Malformed], None]) -> None:
        self.name = name
        self.acks = Acks()
        self.data = 0
        self.pongs = 0
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._on_malformed = on_malformed

    def take(self, text: str) -> bool:
        """Read one text frame."""
        try:
            return self.read(text)
        except Malformed as bad:
            self._on_malformed(bad)
        except Exception as fault:  # noqa: BLE001 – raised here it would silently end ccxt's receive loop
            if not self.broken.done():
                self.broken.set_exception(fault)
        return True

    def heard(self) -> None:
        """The stream is known to be true although it is silent."""
        self.data += 1

    def read(self, text: str) -> bool:
        """Read one text frame. Raises Malformed for a frame that cannot be read."""
        if text == "pong":
            self.pongs += 1
            return False
        envelope = frames.envelope(self.name, text)
        if envelope.event:
            return self.control(envelope)
        if envelope.ts:
            self._clock.frame(envelope.ts)
        self.data += 1
        self.rows(envelope)
        return True

    def control(self, envelope: Envelope) -> bool:
        """An ack or an error. A refused subscription stays here: ccxt would fail all others with it."""
        if envelope.event == "subscribe":
            self.acks.accept(envelope.arg)
        elif envelope.event == "error" and envelope.arg.channel:
            self.acks.refuse(envelope.arg, f"{envelope.code} {envelope.msg}".strip())
            return True
        return False

    def rows(self, envelope: Envelope) -> None:
        """The rows of a channel."""
        raise NotImplementedError


class PriceTap(Tap):
    """The public connection: each price to `tick`, with the moment that its frame names."""

    def __init__(
        self, clock: Clock, on_malformed: Callable[[Malformed], None], tick: Callable[[Tick, int], None]
    ) -> None:
        super().__init__("public", clock, on_malformed)
        self._tick = tick

    def read(self, text: str) -> bool:
        """A price frame takes the short way; anything else the long one."""
        frame = frames.ticker_frame(text) if text.startswith("{") else None
        if frame is None:
            return super().read(text)
        self._clock.frame(frame.ts)
        self.data += 1
        arrived = time.time_ns() // 1_000_000
        for row in frame.data:
            self._tick(frames.tick_of(row, arrived), frame.ts)
        return True

    def rows(self, envelope: Envelope) -> None:
        """A price frame that did not read: say what is wrong with it."""
        if envelope.arg.channel == "ticker":
            frames.tickers(envelope.data)


class AccountTap(Tap):
    """The private connection: positions, balance, orders, stops and fills.

    `see_mode` is told whether the account is in hedge mode, `childless` each executed stop without its order.
    """

    def __init__(
        self,
        clock: Clock,
        on_malformed: Callable[[Malformed], None],
        *,
        sink: Sink,
        trades: Trades,
        see_mode: Callable[[bool], None],
        childless: Callable[[tuple[RestingOrder, OrderRow]], None],
    ) -> None:
        super().__init__("private", clock, on_malformed)
        self._sink = sink
        self._trades = trades
        self._see_mode = see_mode
        self._childless = childless

    def rows(self, envelope: Envelope) -> None:
        """Each row is told in its order; `positions` is a full replacement, and empty means flat."""
        data = envelope.data
        match envelope.arg.channel:
            case "positions":
                pushed = frames.rows("positions", data, PositionPush)
                if pushed:
                    self._see_mode(pushed[0].pos_mode == HEDGE)
                self._sink.tell(PositionsRead(positions_of(pushed), rest=False))
            case "account":
                for account in frames.rows("account", data, AccountPush):
                    if account.margin_coin == "USDT":
                        self._sink.tell(BalanceRead(account.balance()))
            case "orders":
                for order in frames.rows("orders", data, OrderPush):
                    self._sink.tell(OrderSeen(order.order()))
                    self._trades.order(order)
            case "orders-algo":
                for plan in frames.rows("orders-algo", data, PlanPush):
                    self._plan(plan.resting(), plan.order())
            case "fill":
                for fill in frames.rows("fill", data, FillRow):
                    self._trades.trade(fill)
            case _:
                log.debug("%s: a frame of %s was not asked for", self.name, envelope.arg.channel)

    def _plan(self, resting: RestingOrder, row: OrderRow) -> None:
        self._trades.plan(row)
        self._sink.tell(StopSeen(resting, row))
        if row.state is OrderState.FILLED and not row.child:
            self._childless((resting, row))
