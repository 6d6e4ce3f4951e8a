"""The whole of it: a simulated Bitget, the real venue, journal and engine, the phone on a Bot API of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.core.cycle import Cycle
from engine.core.events import Timer
from engine.core.instrument import Side
from engine.core.settings import Ladder, Limits, Rungs, Settings
from engine.journal.sqlite import SqliteJournal
from engine.notify.outbox import Outbox
from engine.notify.telegram.contact import Contact
from engine.notify.telegram.fake import FakeTelegram
from engine.notify.telegram.phone import Phone
from engine.protocol import Answer, AnyCommand, Request
from engine.runtime.engine import Engine
from engine.runtime.telling import TellingFace, TellingJournal
from engine.simulator.hand import Hand
from engine.simulator.plan_orders import PlanOrder
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from tests.notify.pocket import QUICK, TRADER

BTC = "BTCUSDT"
SETTINGS = Settings(account="test", limits=Limits(entry_margin=Decimal("0.5")))


def asking(**ladder: object) -> Settings:
    """Rungs wait for a yes."""
    return Settings(account="test", limits=SETTINGS.limits, ladder=Ladder(rungs=Rungs.ASK, **ladder))  # type: ignore[arg-type]


class Followed(TellingFace):
    """A face that stays when its engine is started again, as a client's eyes do."""

    def follow(self, engine: Engine) -> None:
        self._engine = engine


def venue_of(sim: SimulatedBitget) -> Bitget:
    return Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)


@dataclass
class Whole:
    """Everything at work."""

    sim: SimulatedBitget
    hand: Hand
    engine: Engine
    face: Followed
    api: FakeTelegram
    phone: Phone
    journal: TellingJournal
    running: asyncio.Task[None]

    def type(self, text: str) -> None:
        self.api.type(text, user=TRADER)

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110 - what is waited for lives in another part
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never: {what}\n{self.engine.state.cycles}") from None

    def cycle(self) -> Cycle:
        return self.engine.state.cycles[f"{BTC}:short"]

    async def opens(self) -> Cycle:
        """The trader opens LADDER's example A by hand: short 0.002 at 100,000 and 20x."""
        await self.hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
        await self.until(lambda: f"{BTC}:short" in self.engine.state.cycles, "adopted")
        await self.until(lambda: self.cycle().armed is not None, "armed")
        return self.cycle()

    async def asks_for_the_first_rung(self) -> None:
        await self.opens()
        await self.hand.mark(BTC, Decimal(95_000))
        await self.until(lambda: self.cycle().approval is not None, "asks")

    async def reads_again(self) -> None:
        """Everything is read over REST, as every ten seconds."""
        self.engine.take(Timer(reconcile=True))
        await self.until(lambda: not self.engine.errands.in_flight, "read")

    def resting(self) -> list[PlanOrder]:
        """The stops that rest on the exchange."""
        return list(self.sim.exchange.account(self.sim.keys[0].account_id).waiting[BTC].values())

    async def restart(self) -> None:
        """The engine ends, all that it decided on the disk; another one begins on the same journal."""
        await self.engine.durable()
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running
        await self.engine.venue.close()
        self.engine = Engine(self.engine.settings, venue_of(self.sim), self.journal, version="test")
        self.face.follow(self.engine)
        ready = asyncio.Event()
        self.running = asyncio.create_task(self.engine.run(ready))
        await ready.wait()
        await self.until(lambda: self.engine.state.is_reconciled, "reconciled")

    async def desk(self, command: AnyCommand) -> Answer:
        """The trader does it at the desk."""
        return await self.face.command(Request(f"desk-{self.engine.change}", "desk on tty2", command))


@asynccontextmanager
async def whole(folder: Path, settings: Settings = SETTINGS) -> AsyncIterator[Whole]:
    """A market that stands still at 100,000, an engine at rest on it, a phone that is connected."""
    async with (
        SimulatedBitget(speed=0, balance=Decimal(100), ideal=True) as sim,
        FakeTelegram() as api,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        venue = venue_of(sim)
        journal = TellingJournal(await SqliteJournal.open(folder / "state.db", account=venue.account))
        engine = Engine(settings, venue, journal, version="test")
        face = Followed(engine, journal)
        outbox = await Outbox.open(folder / "engine.outbox")
        phone = Phone(Contact(api.token, TRADER, TRADER, api.url), outbox, face, journal, rhythm=QUICK)
        journal.listeners.append(phone)
        running = asyncio.create_task(engine.run())
        on = Whole(sim, hand, engine, face, api, phone, journal, running)
        calling = asyncio.create_task(phone.run())
        try:
            await on.until(lambda: phone.line.up and engine.state.is_reconciled, "up")
            yield on
        finally:
            for task in (on.running, calling):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await outbox.close()
            await on.engine.venue.close()
            await journal.close()
