"""A real engine whose disk takes no more bytes (RLIMIT_FSIZE): it says so, adds nothing, closes when told to,
and recovers.
"""

from __future__ import annotations

import resource
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.instrument import Side
from engine.journal.reader import JournalReader
from engine.protocol import Answer, Flatten, Pause, Verdict
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from tests.kill.process import EngineProcess

BTC = "BTCUSDT"

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's own")


def disk_of(engine: EngineProcess, *, is_full: bool) -> None:
    _, hard = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (1 if is_full else hard, hard))


async def test_an_engine_whose_disk_is_full_adds_nothing_closes_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    markets = {BTC: Decimal(100_000)}
    async with SimulatedBitget(ideal=True, markets=markets) as sim, Hand(sim.url, sim.keys[0]) as hand:
        engine = EngineProcess(tmp_path, sim)
        try:
            engine.start()
            await engine.shows(lambda now: now.engine.reconciled, "it is up")
            await hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
            await engine.shows(lambda now: now.positions and now.positions[0].managed, "under care")
            await hand.mark(BTC, Decimal(95_000))
            await engine.shows(lambda now: now.positions[0].rungs == 1 and not now.unknown, "rung 1")
            await engine.shows(lambda _: len(engine.stops(BTC)) == 2, "both legs are covered")
            stops, sent = engine.stops(BTC), len(engine.client_ids())

            disk_of(engine, is_full=True)
            refused = engine.socket.command(Pause(BTC, Side.SHORT), by="test")
            assert isinstance(refused, Answer)
            assert refused.verdict is Verdict.REFUSED
            assert "nothing of this was recorded" in refused.text
            now = await engine.shows(lambda now: now.engine.read_only, "it says so")
            assert now.engine.read_only.endswith("health. What rests on Bitget stays.")
            await hand.mark(BTC, Decimal(90_250))
            await engine.shows(lambda now: now.positions[0].mark == 90_250, "it hears the price")
            assert len(engine.client_ids()) == sent
            assert engine.stops(BTC) == stops
            assert any("Nothing is decided or sent" in line.text for line in now.log)

            disk_of(engine, is_full=False)
            await engine.shows(lambda now: not now.engine.read_only and now.engine.reconciled, "it recovers")
            await hand.mark(BTC, Decimal("90249.9"))
            now = await engine.shows(lambda now: now.positions[0].rungs == 2, "the rung that was due runs")
            assert engine.held() == {(BTC, "short"): now.positions[0].size}

            disk_of(engine, is_full=True)
            done = engine.socket.command(Flatten("enough"), by="test")
            assert isinstance(done, Answer)
            assert done.verdict is Verdict.DONE
            assert "done from memory, and recorded when it writes again" in done.text
            await engine.shows(lambda now: now.engine.killed and not now.positions, "all is closed")
            assert engine.held() == {}

            disk_of(engine, is_full=False)
            await engine.shows(lambda now: not now.engine.read_only and now.engine.reconciled, "it recovers")
            engine.kill()
            engine.start()
            now = await engine.shows(lambda now: now.engine.reconciled, "it is up again")
            assert now.engine.killed == "by test: enough"
            assert [ended.rungs for ended in now.closed] == [2]
            engine.kill()
        finally:
            engine.end()
    async with await JournalReader.open(tmp_path / "state.db") as journal:
        assert await journal.verify() > 0
