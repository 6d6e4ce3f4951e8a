"""Bitget behind the engine's port: one account, classic API, USDT perpetuals, over ccxt.pro."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from engine.core.actions import LookUp, PlaceMarket, Read, Reading, Work
from engine.core.events import Answered, AnyBody, FillSeen, InstrumentsRead, StopSeen
from engine.core.exchange import Fill, OrderRow, Refused, RestingOrder, Unknown
from engine.core.instrument import Instrument
from engine.venue.backoff import Backoff
from engine.venue.client import make_client, socket_addresses
from engine.venue.frames import Arg
from engine.venue.keys import Keys
from engine.venue.malformed import Malformed
from engine.venue.orders import PLANS_BEFORE, Orders
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.port import Sink, VenueRefused, dated
from engine.venue.preflight import OFF, SKEW_LIMIT_MS, Preflight, skewed
from engine.venue.prices import Prices
from engine.venue.reads import Reads
from engine.venue.rest import Clock, Rest
from engine.venue.rows import OrderDetail
from engine.venue.streams import PRIVATE_ARGS, Link, Patience, price_args
from engine.venue.tap import AccountTap, PriceTap, Tap
from engine.venue.trades import Trades

__all__ = ["Bitget", "Keys", "Patience"]

log = logging.getLogger("ratchet.venue")

CLOCK_EVERY_S: Final = 300.0
CONTRACTS_EVERY_S: Final = 60.0
WRONG_MODE: Final = "40774"
"""The order had the shape of the other position mode: it was changed by hand, and must be read again."""
OTHER_STEPS: Final = frozenset({"40808", "45115"})
"""A price or a size lay between two steps of the contract: they are others than those that were read."""

LOOK_BACK_MS: Final = 3_600_000
"""How far back trades are read again after a frame could not be read."""


class Bitget:
    """One account on Bitget, on its demo trading, or on another Bitget at `url`. Implements `Venue`."""

    def __init__(
        self,
        keys: Keys,
        *,
        url: str = "",
        demo: bool = False,
        account_name: str = "",
        patience: Patience | None = None,
        backoff_s: tuple[float, float] = (0.25, 10.0),
    ) -> None:
        self._keys = keys
        self._mode = "SIM" if url else "DEMO" if demo else "LIVE"
        self._account_name = account_name or keys.account
        self._patience = patience or Patience()
        self._backoff_s = backoff_s
        self._clock = Clock()
        self._client = make_client(
            keys, url=url, demo=demo, timeout_s=self._patience.answer_s, ping_s=self._patience.ping_s
        )
        self._client.listen = self._listen
        self._rest = Rest(self._client, keys, self._clock, self._patience.answer_s)
        self._preflight = Preflight(self._rest, Backoff(*self._backoff_s))
        self._hedged = False
        self._instruments: tuple[Instrument, ...] = ()
        self._sink: Sink | None = None
        self._links: dict[str, Link] = {}
        self._complained: set[str] = set()
        self._resync = asyncio.Event()
        self._outdated = asyncio.Event()
        self._childless: asyncio.Queue[tuple[RestingOrder, OrderRow]] = asyncio.Queue()
        self._trades = Trades(self._tell_fill, self._read_order, self._resync.set, self.market_ms)
        self._orders = Orders(self._rest, lambda: self._hedged, self._trades.own)
        self._reads = Reads(self._rest, self._trades, self.market_ms, self._see_mode)

    @property
    def mode(self) -> str:
        """`LIVE`, `DEMO` or `SIM`."""
        return self._mode

    @property
    def account(self) -> str:
        """The account's name, or eight characters made from the key."""
        return self._account_name

    def market_ms(self) -> int:
        """The exchange's clock, milliseconds UTC."""
        return self._clock.now_ms()

    def latency_ms(self) -> float:
        """Round trip of the newest REST answer; NaN before the first, and while requests get none."""
        return self._rest.latency_ms

    def unanswered(self) -> str:
        """Why the newest request got no answer; empty when it got one."""
        return self._rest.unanswered

    def silence_ms(self, link: str) -> float:
        """Milliseconds since the newest frame or pong of a websocket, or the newest answer of `rest`; NaN
        before the first.
        """
        if link == "rest":
            return (time.monotonic() - self._rest.answered_at) * 1000
        for line in self._links.values():
            if line.name == link:
                return (asyncio.get_running_loop().time() - line.heard_at) * 1000
        return math.nan

    async def open(self, sink: Sink, symbols: tuple[str, ...], known: tuple[Instrument, ...] = ()) -> None:
        """Check everything, read the contracts and tell them. Raises VenueRefused."""
        if not symbols:
            raise VenueRefused("No symbol is configured: name at least one, such as BTCUSDT.")
        self._sink = sink
        self._prices = Prices(self._rest, sink.tick, self._patience.still_s)
        preflight = self._preflight
        await preflight.check()
        self._instruments = await preflight.instruments(symbols, known)
        symbols = tuple(each.symbol for each in self._instruments if each.status != OFF) or symbols
        self._reads.symbols = symbols
        await preflight.insist(self._reads.balance)
        self._clock.market((await preflight.insist(lambda: self._prices.ask(symbols[0]))).ts)
        sink.tell(InstrumentsRead(self._instruments))

    async def run(self) -> None:
        """Keep both websockets and what hangs on them. Ends only by cancellation."""
        public, private = self._make_links()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(public.keep(), name="public link")
            tasks.create_task(private.keep(), name="private link")
            tasks.create_task(self._prices.watch(public.stands_still, public.cut), name="silent prices")
            tasks.create_task(self._prices.watch_lag(), name="lag of prices")
            tasks.create_task(self._trades.follow(), name="origins of trades")
            tasks.create_task(self._follow_children(), name="children of stops")
            tasks.create_task(self._rest.line.keep(), name="line for orders")
            tasks.create_task(self._keep_resynced(), name="resync")
            tasks.create_task(self._keep_clock(), name="clock")
            tasks.create_task(self._ask_for_leaps(), name="leaps of the market's time")
            tasks.create_task(self._keep_contracts(), name="contracts")

    async def do(self, work: Work) -> tuple[AnyBody, ...]:
        """Carry one action out. A `LookUp` waits its `after_ms` here."""
        match work:
            case Read():
                return await self._reads.do(work)
            case LookUp():
                return (await self._orders.look_up(work),)
            case _:
                answered = await self._orders.do(work)
                if isinstance(answered.outcome, Refused) and answered.outcome.code == WRONG_MODE:
                    self._resync.set()
                if isinstance(answered.outcome, Refused) and answered.outcome.code in OTHER_STEPS:
                    self._outdated.set()
                return (answered,)

    def have_ready(self, orders: Sequence[PlaceMarket]) -> None:
        """Sign them now."""
        self._orders.have_ready(orders)

    async def follow_clock(self) -> int:
        """See `Rest.follow_clock`; what was signed by the clock as it was known before is signed again."""
        skew_ms = await self._rest.follow_clock()
        self._orders.have_ready(())
        return skew_ms

    async def look_at_contracts(self) -> None:
        """Trading in a contract is suspended and taken up again, its steps and tiers change: tell it."""
        try:
            now = await self._preflight.again(self._instruments)
        except VenueRefused as refused:
            log.warning("the contracts could not be read again: %s", refused)
            return
        if now != self._instruments:
            self._instruments = now
            self._told().tell(InstrumentsRead(now))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _make_links(self) -> tuple[Link, Link]:
        sink, prices = self._told(), self._prices
        public_url, private_url = socket_addresses(self._client)

        def public_tap() -> PriceTap:
            return PriceTap(self._clock, self._complain, prices.frame)

        def private_tap() -> AccountTap:
            return AccountTap(
                self._clock,
                self._complain,
                sink=sink,
                trades=self._trades,
                see_mode=self._see_mode,
                childless=self._childless.put_nowait,
            )

        public = self._link(public_url, price_args(self._reads.symbols), public_tap)
        private = self._link(private_url, PRIVATE_ARGS, private_tap)
        self._links = {public_url: public, private_url: private}
        return public, private

    def _link(self, url: str, args: tuple[Arg, ...], make_tap: Callable[[], Tap]) -> Link:
        return Link(
            client=self._client,
            keys=self._keys,
            url=url,
            make_tap=make_tap,
            args=args,
            sink=self._told(),
            patience=self._patience,
            backoff=Backoff(*self._backoff_s),
        )

    def _listen(self, url: str) -> Callable[[str], bool]:
        return self._links[url].listen()

    def _told(self) -> Sink:
        if self._sink is None:
            raise RuntimeError("the venue was not opened: call open() first")
        return self._sink

    def _tell_fill(self, fill: Fill) -> None:
        self._told().tell(FillSeen(fill, live=True))

    async def _read_order(self, symbol: str, order_id: str) -> OrderDetail:
        return await self._orders.detail(symbol, order_id=order_id)

    def _see_mode(self, hedged: bool) -> None:
        if hedged != self._hedged:
            log.info("position mode: %s", "hedge" if hedged else "one-way")
            self._orders.have_ready(())
        self._hedged = hedged

    def _complain(self, bad: Malformed) -> None:
        """A frame was dropped: say so once for each field, and read back what it may have said."""
        if str(bad) not in self._complained:
            self._complained.add(str(bad))
            log.error("a frame was dropped, reading back over REST: %s", bad)
        if bad.where != "ticker":
            self._resync.set()

    async def _keep_resynced(self) -> None:
        """Read everything back whenever something was missed, until it could be read."""
        backoff = Backoff(*self._backoff_s)
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
                log.warning("reading back failed: %s", answered.outcome.cause)
                self._resync.set()
            else:
                backoff.rest()
            await asyncio.sleep(backoff.next_s())

    async def _follow_children(self) -> None:
        """A stop was carried out and the push did not name the order it became: the history does."""
        while True:
            resting, row = await self._childless.get()
            try:
                found = await self._orders.find_plan(PLANS_BEFORE, row.symbol, order_id=row.order_id)
                order = found.order() if found is not None else row
            except (Refusal, NoAnswer, Malformed) as error:
                log.warning("the order of an executed stop on %s could not be read: %s", row.symbol, error)
                continue
            if order.child:
                self._trades.plan(order)
                self._told().tell(StopSeen(resting, order))

    async def _keep_contracts(self) -> None:
        """Read the contracts every minute, and at once when an order was refused for its steps."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONTRACTS_EVERY_S):
                    await self._outdated.wait()
            self._outdated.clear()
            await self.look_at_contracts()

    async def _ask_for_leaps(self) -> None:
        """A frame told a time far from now: REST says whether it is true. Ends by cancellation."""
        while True:
            await self._clock.leapt.wait()
            self._clock.leapt.clear()
            with contextlib.suppress(Refusal, NoAnswer, Malformed):
                self._clock.market((await self._prices.ask(self._reads.symbols[0])).ts)

    async def _keep_clock(self) -> None:
        """Follow the exchange's clock: every five minutes, and at once when a time stamp was refused."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOCK_EVERY_S):
                    await self._rest.skewed.wait()
            self._rest.skewed.clear()
            try:
                skew_ms = await self.follow_clock()
            except (Refusal, NoAnswer) as error:
                log.warning("the exchange's clock could not be read: %s", error)
                await asyncio.sleep(1.0)
                continue
            if abs(skew_ms) > SKEW_LIMIT_MS:
                log.error(skewed(skew_ms))
