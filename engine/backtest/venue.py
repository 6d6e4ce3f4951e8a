"""Bitget in this process: the engine's venue port over the simulated exchange, without sockets and without a
clock of its own.

Bodies, rows, frames, trades and outcomes go through the same code as on the real wire; only the way between
differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from engine.backtest.network import Direct, Network
from engine.backtest.wire import InProcessRest
from engine.core.actions import LookUp, PlaceMarket, Read, Reading, Work
from engine.core.events import Answered, AnyBody, FillSeen, InstrumentsRead, LinkChanged
from engine.core.exchange import Fill, OrderRow, RestingOrder, Unknown
from engine.core.instrument import Instrument
from engine.simulator.digits import plain
from engine.simulator.exchange import Exchange
from engine.simulator.push import Push
from engine.simulator.push_rows import account_row
from engine.simulator.quote import Quote
from engine.venue import frames
from engine.venue.malformed import Malformed, shaped
from engine.venue.orders import Orders
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.port import Sink, VenueRefused, dated
from engine.venue.prices import Prices
from engine.venue.reads import Reads
from engine.venue.rest import PRODUCT, Clock
from engine.venue.rows import ContractRow, FeeRates, OrderDetail, TierRow
from engine.venue.streams import PRIVATE_ARGS
from engine.venue.tap import AccountTap
from engine.venue.trades import Trades

REDIAL_S: Final = 0.5
"""How long after a loss the private link is dialled again."""

LOOK_BACK_MS: Final = 3_600_000
"""How far back trades are read again after a frame could not be read."""

CHANNELS: Final = frozenset(arg.channel for arg in PRIVATE_ARGS)


class InProcessBitget:
    """One account on a simulated exchange. Implements `engine.venue.port.Venue`.

    `clock` is the engine's own, milliseconds UTC: it dates the arrival of prices. Whoever moves the market
    shows each quote to the exchange, and then here (`price`). Where prices may lag, the exchange is asked
    every `lag_s` seconds how late they are.
    """

    def __init__(
        self,
        exchange: Exchange,
        account_id: str,
        *,
        clock: Callable[[], int],
        network: Network | None = None,
        lag_s: float | None = None,
    ) -> None:
        self._exchange = exchange
        self._account_id = account_id
        self._clock = clock
        self._network = network or Direct()
        self._rest = InProcessRest(exchange, account_id, self._network)
        self._hedged = False
        self._sink: Sink | None = None
        self._lag_s = lag_s
        self._prices = Prices(self._rest, lambda tick: self._told().tick(tick), lag_s or math.inf)
        self._resync = asyncio.Event()
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._trades = Trades(self._tell_fill, self._read_order, self._resync.set, self.market_ms)
        self._orders = Orders(self._rest, lambda: self._hedged, self._trades.own)
        self._reads = Reads(self._rest, self._trades, self.market_ms, self._see_mode)

    @property
    def mode(self) -> str:
        """Always `SIM`."""
        return "SIM"

    @property
    def account(self) -> str:
        """The account's id on the simulated exchange."""
        return self._account_id

    def market_ms(self) -> int:
        """The exchange's clock, milliseconds UTC."""
        return self._exchange.now_ms

    def latency_ms(self) -> float:
        """Round trip of the newest answer; NaN before the first, and while requests get none."""
        return self._rest.latency_ms

    def unanswered(self) -> str:
        """Why the newest request got no answer; empty when it got one."""
        return self._rest.unanswered

    def silence_ms(self, link: str) -> float:
        """Nothing in between can be silent."""
        return 0.0

    async def open(self, sink: Sink, symbols: tuple[str, ...], known: tuple[Instrument, ...] = ()) -> None:
        """Read the contracts and the position mode, tell `InstrumentsRead`. Raises VenueRefused."""
        self._sink = sink
        self._reads.symbols = symbols
        instruments = []
        for symbol in symbols:
            instruments.append(await self._insist(symbol))
        sink.tell(InstrumentsRead(tuple(instruments)))

    async def run(self) -> None:
        """Keep the private link and what hangs on it. Ends only by cancellation."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_private(), name="private link")
            tasks.create_task(self._keep_public(), name="public link")
            if self._lag_s is not None:
                tasks.create_task(self._prices.watch_lag(), name="lag of prices")
            tasks.create_task(self._trades.follow(), name="origins of trades")
            tasks.create_task(self._keep_resynced(), name="resync")

    async def do(self, work: Work) -> tuple[AnyBody, ...]:
        """Carry one action out. A `LookUp` waits its `after_ms` here."""
        match work:
            case Read():
                return await self._reads.do(work)
            case LookUp():
                return (await self._orders.look_up(work),)
            case _:
                return (await self._orders.do(work),)

    def have_ready(self, orders: Sequence[PlaceMarket]) -> None:
        """Nothing takes time here."""

    async def close(self) -> None:
        """Nothing is open."""

    def price(self, quote: Quote) -> None:
        """The market showed a quote: its ticker frame is on its way."""
        if self._sink is None:
            return
        row = {
            "instId": quote.symbol,
            "markPrice": plain(quote.mark),
            "lastPr": plain(quote.last),
            "bidPr": plain(quote.bid),
            "askPr": plain(quote.ask),
        }
        frame = {"arg": {"channel": "ticker"}, "data": [row], "ts": quote.ts}
        self._network.bring("ticker", quote.symbol, json.dumps(frame), self._tick)

    # -- the beginning ------------------------------------------------------------------------------------

    async def _insist(self, symbol: str) -> Instrument:
        """The contract of `symbol` with tiers and the account's own fees, asked until it is answered."""
        while True:
            try:
                await self._reads.balance()
                asked = {"symbol": symbol, "businessType": "mix"}
                rates = shaped("trade-rate", await self._rest.get("v2/common/trade-rate", asked), FeeRates)
            except (NoAnswer, Malformed):
                await asyncio.sleep(REDIAL_S)
                continue
            except Refusal as refusal:
                raise VenueRefused(f"The simulated exchange refuses: {refusal}.") from None
            contract = shaped("contracts", self._exchange.contract(symbol), ContractRow)
            tiers = shaped("query-position-lever", self._exchange.tiers(symbol), list[TierRow])
            return contract.instrument(tiers, rates)

    # -- the links ----------------------------------------------------------------------------------------

    async def _keep_public(self) -> None:
        while True:
            await self._network.connected("public")
            self._told().tell(LinkChanged("public", True))
            self._told().tell(LinkChanged("public", False, await self._network.lost("public")))
            await asyncio.sleep(REDIAL_S)

    async def _keep_private(self) -> None:
        """Subscribe, tell the snapshots of a fresh subscription, then every push until the link is lost."""
        while True:
            await self._network.connected("private")
            tap = AccountTap(
                Clock(),
                lambda bad: self._resync.set(),
                sink=self._told(),
                trades=self._trades,
                see_mode=self._see_mode,
                childless=self._childless,
            )
            connection = Connection(tap, self._broken)
            leave = self._exchange.subscribe(partial(self._push, connection=connection))
            try:
                self._greet(connection)
                self._told().tell(LinkChanged("private", True))
                lost = asyncio.ensure_future(self._network.lost("private"))
                await asyncio.wait([lost, self._broken], return_when=asyncio.FIRST_COMPLETED)
                if self._broken.done():
                    self._broken.result()
            finally:
                leave()
                connection.is_open = False
            self._told().tell(LinkChanged("private", False, lost.result()))
            await asyncio.sleep(REDIAL_S)

    def _greet(self, connection: Connection) -> None:
        account = self._exchange.account(self._account_id)
        self._push(
            Push(self._account_id, "positions", "", self._exchange.snapshot(self._account_id)), connection
        )
        self._push(Push(self._account_id, "account", "", [account_row(account)]), connection)

    def _push(self, push: Push, connection: Connection) -> None:
        if push.account_id != self._account_id or push.channel not in CHANNELS:
            return
        about = {"coin": "default"} if push.channel == "account" else {"instId": "default"}
        frame = {
            "action": "snapshot",
            "arg": {"instType": PRODUCT, "channel": push.channel, **about},
            "data": push.rows,
            "ts": self._exchange.now_ms,
        }
        self._network.bring(push.channel, push.symbol, json.dumps(frame), connection.take)

    def _tick(self, frame: str) -> None:
        read = frames.ticker_frame(frame)
        if read is None:
            return
        for row in read.data:
            # as on the real wire, a price that cannot be read is none
            with contextlib.suppress(Malformed):
                self._prices.frame(frames.tick_of(row, self._clock()), read.ts)

    # -- what the parts tell ------------------------------------------------------------------------------

    def _told(self) -> Sink:
        if self._sink is None:
            raise RuntimeError("the venue was not opened: call open() first")
        return self._sink

    def _tell_fill(self, fill: Fill) -> None:
        self._told().tell(FillSeen(fill, live=True))

    async def _read_order(self, symbol: str, order_id: str) -> OrderDetail:
        return await self._orders.detail(symbol, order_id=order_id)

    def _see_mode(self, hedged: bool) -> None:
        self._hedged = hedged

    def _childless(self, stop: tuple[RestingOrder, OrderRow]) -> None:
        self._resync.set()

    async def _keep_resynced(self) -> None:
        """Read everything back whenever something was missed, until it could be read."""
        while True:
            await self._resync.wait()
            self._resync.clear()
            everything = (Reading.POSITIONS, Reading.ORDERS, Reading.BALANCE, Reading.FILLS)
            work = Read("resync", everything, since=self.market_ms() - LOOK_BACK_MS)
            asked = self._told().stamp()
            *told, answered = await self._reads.do(work)
            for body in told:
                self._told().tell(dated(body, asked))
            if isinstance(answered, Answered) and isinstance(answered.outcome, Unknown):
                self._resync.set()
            await asyncio.sleep(REDIAL_S)


class Connection(msgspec.Struct):
    """One life of the private link: frames that arrive after its end belong to nobody."""

    tap: AccountTap
    broken: asyncio.Future[str]
    is_open: bool = True

    def take(self, frame: str) -> None:
        """Read a frame; a fault of the engine itself comes out of `broken`."""
        if not self.is_open:
            return
        self.tap.take(frame)
        if self.tap.broken.done() and not self.broken.done():
            fault = self.tap.broken.exception()
            if fault is not None:
                self.broken.set_exception(fault)
