"""An engine in process with its journal in memory, on a simulated Bitget, with a trader's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from engine.core.cycle import Cycle
from engine.core.instrument import Side
from engine.core.settings import Managed, Settings
from engine.journal.memory import MemoryJournal
from engine.journal.port import Journal
from engine.runtime.engine import Engine
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from tests.replay.stage import Stage

BTC = "BTCUSDT"
SETTINGS = Settings("main", managed=(Managed(BTC, Decimal(20)),))
PATIENCE_S = 60.0
J = TypeVar("J", bound=Journal)


@dataclass
class Desk(Stage, Generic[J]):
    """Everything that plays, and the journal; one in memory can be made to refuse."""

    journal: J

    async def mark(self, price: int | str | Decimal) -> None:
        """Two seconds later the market is there: no two trades share a moment."""
        await self.sim.feed.advance(2_000)
        await self.hand.mark(BTC, Decimal(price))

    async def opens(self) -> None:
        """Example A: short 0.002 from 100,000 at 20x, taken under care."""
        await self.hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
        await self.until(lambda: bool(self.engine.state.cycles), "the position is under care")
        await self.at_rest()

    async def falls_to(self, price: int | str | Decimal, rungs: int) -> None:
        await self.mark(price)
        await self.until(lambda: self.cycle.rungs == rungs, f"rung {rungs} is done")
        await self.at_rest()

    @property
    def cycle(self) -> Cycle:
        [cycle] = self.engine.state.cycles.values()
        return cycle

    def orders_sent(self) -> int:
        return len(self._orders())

    def orders_taken(self) -> int:
        """Those that the exchange did not refuse."""
        return len([row for row in self._orders() if row["code"] == "00000"])

    def _orders(self) -> list[dict[str, Any]]:
        return [row for row in self.sim._rest.log.rows(0) if row["path"].endswith("place-order")]

    def told(self, words: str) -> bool:
        return any(words in line.text for line in self.engine.log.lines())

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < give_up, f"never: {what}; {[x.text for x in self.engine.log.lines()]}"
            await asyncio.sleep(0.01)

    async def held(self) -> Decimal:
        """What the exchange holds, without a sign."""
        return Decimal((await self.hand.position(BTC))["total"])


@asynccontextmanager
async def desk() -> AsyncIterator[Desk[MemoryJournal]]:
    """A market that stands still at 100,000, and an engine at rest on it, its journal in memory."""
    async with on_a_desk(MemoryJournal("main")) as on:
        yield on


@asynccontextmanager
async def on_a_desk(journal: J) -> AsyncIterator[Desk[J]]:
    """The same with this journal, which is closed at the end."""
    async with SimulatedBitget(speed=0, ideal=True, markets={BTC: Decimal(100_000)}) as sim:
        venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
        engine = Engine(SETTINGS, venue, journal, version="test")
        running = asyncio.create_task(engine.run())
        try:
            async with Hand(sim.url, sim.keys[0]) as hand:
                on = Desk(sim, engine, hand, journal)
                await on.at_rest()
                yield on
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await venue.close()
            await journal.close()
