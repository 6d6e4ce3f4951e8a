"""The whole of Ratchet on a recorded market: simulated Bitget, real ccxt and sockets, real journal, the
engine; played in lockstep.

The feed runs at full speed between the prices that matter to the engine, and waits at each of them until the
engine has come to rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.core.cycle import Cycle, Rest
from engine.core.events import Timer
from engine.core.settings import Settings
from engine.journal.sqlite import SqliteJournal
from engine.runtime.clock import Clock
from engine.runtime.engine import Engine
from engine.simulator.feed import Halt, Stops
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget, Patience
from engine.venue.keys import Keys

PATIENCE_S = 60.0


@dataclass
class Stage:
    """Everything that plays."""

    sim: SimulatedBitget
    engine: Engine
    hand: Hand

    def cycles(self) -> dict[str, Cycle]:
        return {cycle.symbol: cycle for cycle in self.engine.state.cycles.values()}

    async def at_rest(self) -> None:
        """Wait until the engine has seen the newest prices and nothing is left to do or to learn."""
        give_up = time.monotonic() + PATIENCE_S
        while not self._is_at_rest():
            assert time.monotonic() < give_up, f"never at rest: {self._restless()}"
            await asyncio.sleep(0.002)

    def _restless(self) -> str:
        engine = self.engine
        return f"{engine!r} {engine.errands.in_flight} {engine.state.cycles}"

    def _is_at_rest(self) -> bool:
        engine, market = self.engine, self.sim.market
        for managed in engine.settings.managed:
            tick = engine.prices.of(managed.symbol)
            if tick is None or tick.mark != market[managed.symbol].quote.mark:
                return False
        state = engine.state
        busy = engine.unwritten or engine.errands.in_flight or state.pending or state.unread
        return not busy and all(_is_calm(cycle) for cycle in state.cycles.values())

    async def reconcile(self) -> None:
        """What the ten-second timer does, now."""
        self.engine.take(Timer(reconcile=True))
        await self.at_rest()

    async def play(self, *, until_ms: int | None = None) -> Halt:
        """Play to the next price, funding time or midnight that matters, and let the engine answer it."""
        stops = Stops(bands=self._bands(), until_ms=until_ms, at_funding=True, at_day=True)
        self.sim.feed.play("max", stops)
        await self.sim.feed.halted()
        halt = self.sim.feed.halt
        assert halt is not None
        await self.at_rest()
        if halt in (Halt.FUNDING, Halt.DAY, Halt.BAND):
            await self.reconcile()
        return halt

    def _bands(self) -> dict[str, tuple[Decimal | None, Decimal | None]]:
        bands: dict[str, tuple[Decimal | None, Decimal | None]] = {}
        for symbol, cycle in self.cycles().items():
            adverse = [stop.trigger for stop in cycle.stops]
            if cycle.seen.liquidation:
                adverse.append(cycle.seen.liquidation)
            favour = cycle.armed.trigger if cycle.armed is not None else None
            nearest = (max if cycle.side.d > 0 else min)(adverse) if adverse else None
            bands[symbol] = (nearest, favour) if cycle.side.d > 0 else (favour, nearest)
        return bands


def _is_calm(cycle: Cycle) -> bool:
    return (
        cycle.rung is None
        and cycle.close is None
        and cycle.doubt is None
        and cycle.seen.qty == cycle.held_qty
        and all(stop.state is Rest.RESTING and stop.confirmed for stop in cycle.stops)
    )


@asynccontextmanager
async def stage(
    folder: Path,
    settings: Settings,
    *,
    clock: Clock | None = None,
    patience: Patience | None = None,
    **simulated: object,
) -> AsyncIterator[Stage]:
    """A simulated Bitget that stands still, and an engine that has come to rest on it."""
    async with SimulatedBitget(**({"speed": 0} | simulated)) as sim:  # type: ignore[arg-type]
        keys = Keys(sim.key, sim.secret, sim.passphrase)
        venue = Bitget(keys, url=sim.url, patience=patience)
        journal = await SqliteJournal.open(folder / "state.db", account=venue.account)
        engine = Engine(settings, venue, journal, version="test", clock=clock)
        running = asyncio.create_task(engine.run())
        try:
            async with Hand(sim.url, sim.keys[0]) as hand:
                on = Stage(sim, engine, hand)
                await on.at_rest()
                yield on
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await venue.close()
            await journal.close()
