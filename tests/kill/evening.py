"""An evening of kills: a recorded rally with rungs, an engine that dies at bad moments, what must hold."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from engine.core.instrument import Side
from engine.journal.reader import JournalReader
from engine.protocol import PositionView, Snapshot, Status
from engine.simulator.catalogue import RECORDED
from engine.simulator.feed import Halt, Stops
from engine.simulator.hand import Hand, HandError
from engine.simulator.server import SimulatedBitget
from tests.kill.process import EngineProcess

ETH = "ETHUSDT"
LEVERAGE, MARGIN = Decimal(40), Decimal(10)
BANDS = dict[str, tuple[Decimal | None, Decimal | None]]
STEP = re.compile(r"rt-(?P<cycle>\w+)-(?P<step>r\d+-(?:bank|add))-\d+")
CALM_S = 150.0
"""A request that nobody answered is proven absent after some forty seconds."""
WORST_MOMENT_S = 0.35
"""After a trigger, within this time a rung is under way."""


class Evening:
    """Kills one engine again and again while ETH plays; `dice` decide when."""

    def __init__(self, home: Path, sim: SimulatedBitget, hand: Hand, dice: random.Random) -> None:
        self.engine = EngineProcess(home, sim)
        self.sim = sim
        self.hand = hand
        self.dice = dice
        self.rungs = 0
        self.over = False

    async def begin(self) -> None:
        self.engine.start()
        await self.engine.shows(lambda now: now.engine.reconciled, "the engine is up")

    async def one_kill(self) -> None:
        """To the next price that matters, a moment longer, SIGKILL, a new start: all must be equal."""
        await self._have_a_position()
        before = await self._at_rest()
        if any(each.next_rung is None for each in before.positions):
            # an add that died unsent ends the climb: the trader closes, and begins again
            await self.hand.close(ETH, Side.LONG)
            await self.engine.shows(lambda now: not now.positions, "it is closed")
            await self._have_a_position()
            before = await self._at_rest()
        self.sim.feed.play("max", Stops(bands=self._bands(before), at_funding=self.dice.random() < 0.2))
        await self.sim.feed.halted()
        self.over = self.sim.feed.halt is Halt.END
        await asyncio.sleep(self.dice.uniform(0, WORST_MOMENT_S))
        assert self.engine.kill() == -signal.SIGKILL
        if self.dice.random() < 0.3 and not self.over:
            await self.sim.feed.advance(self.dice.randrange(1_000, 120_000))
        self.engine.start()
        self.must_be_equal(await self._at_rest())

    async def end(self) -> None:
        """SIGTERM: a clean end that leaves the stops where they are; the journal's chain is whole."""
        before = self.engine.stops(ETH)
        assert self.engine.kill(signal.SIGTERM) == 0, self.engine.words()
        assert self.engine.stops(ETH) == before
        said = (self.engine.home / "logs" / "engine.log").read_text()
        assert "Ended by a signal." in said
        async with await JournalReader.open(self.engine.home / "state.db") as journal:
            assert await journal.verify() > 0

    def must_be_equal(self, now: Snapshot) -> None:
        """What the engine believes is what the exchange holds, and no step was carried out twice."""
        believed = {(p.symbol, p.side.value): p.size for p in now.positions if p.size}
        assert believed == self.engine.held()
        for position in now.positions:
            assert sum(leg.qty for leg in position.legs) == position.size, "the legs are the position"
            ours = sorted(s.trigger for s in position.stops if s.ours)
            assert ours == sorted(t for _, t in self.engine.stops(position.symbol))
            if position.rungs:
                covered = sum((s.qty for s in position.stops if s.ours), Decimal(0))
                assert covered >= position.size, "stops rest for all of it"
        if not now.positions:
            assert self.engine.stops(ETH) == [], "no stop is left behind"
        done = Counter(
            (m["cycle"], m["step"]) for each in self.engine.client_ids() if (m := STEP.match(each))
        )
        assert {step: n for step, n in done.items() if n > 1} == {}, "no order doubled"
        self.rungs = sum(step.endswith("-add") for _, step in done)

    async def _have_a_position(self) -> None:
        """The hand shares the account's rate with an engine that has just started: it may have to wait."""
        while not self.engine.held():
            try:
                await self.hand.open(ETH, Side.LONG, LEVERAGE, margin=MARGIN)
            except HandError as refused:
                if "429" not in str(refused):
                    raise
                await asyncio.sleep(1.0)
                continue
            await self.engine.shows(lambda now: now.positions and now.positions[0].managed, "it is adopted")

    async def _at_rest(self) -> Snapshot:
        """Nothing under way, nothing unknown, everything read, and as large as the exchange says."""
        give_up = time.monotonic() + CALM_S
        while True:
            now = await self.engine.shows(lambda now: not now.engine.unread and not now.unknown, "reconciled")
            held = {(p.symbol, p.side.value): p.size for p in now.positions if p.size}
            if held == self.engine.held() and all(map(_is_calm, now.positions)) and self._fits(now):
                return now
            assert time.monotonic() < give_up, f"never at rest: {now.positions} {now.log[-12:]}"
            await asyncio.sleep(0.05)

    def _fits(self, now: Snapshot) -> bool:
        shown = sorted(s.trigger for p in now.positions for s in p.stops if s.ours)
        return shown == sorted(trigger for _, trigger in self.engine.stops(ETH))

    def _bands(self, now: Snapshot) -> BANDS:
        """Down to the nearest stop or liquidation, up to the next rung."""
        bands: BANDS = {}
        for p in now.positions:
            below = max(
                [s.trigger for s in p.stops] + ([p.liquidation] if p.liquidation else []), default=None
            )
            bands[p.symbol] = (below, p.next_rung.trigger if p.next_rung else None)
        return bands


def _is_calm(position: PositionView) -> bool:
    rests = all(stop.state == "resting" and stop.confirmed for stop in position.stops if stop.ours)
    due = position.next_rung and position.mark and position.mark >= position.next_rung.trigger
    told = position.next_rung is not None or (bool(position.legs) and position.legs[-1].locked)
    is_still = position.status in (Status.ACTIVE, Status.BREAKEVEN)
    return rests and told and is_still and (not due or bool(position.blocked))


async def play(home: Path, kills: int, seed: int) -> tuple[int, int]:
    """As many kills as the recording has room for, at most `kills`; returns how many, and how many rungs."""
    dice = random.Random(seed)
    recording = next(RECORDED.glob(f"{ETH}-*.csv.gz"))
    start = 1_746_600_000_000 + dice.randrange(0, 5 * 86_400_000)
    async with (
        SimulatedBitget(data=[recording], speed=0, start=start, balance=Decimal(1_000), seed=seed) as sim,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        evening = Evening(home, sim, hand, dice)
        done = 0
        try:
            await evening.begin()
            while done < kills and not evening.over:
                await evening.one_kill()
                done += 1
            await evening.end()
        finally:
            evening.engine.end()
        return done, evening.rungs
