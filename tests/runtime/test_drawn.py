"""What no price moves is drawn once for each value of its cycle, and is what drawing it anew would give."""

from __future__ import annotations

from msgspec.structs import replace

from engine.protocol import Mode, Snapshot
from engine.runtime.drawn import Still
from engine.runtime.engine import Engine
from engine.runtime.snapshot import snapshot_of
from tests.runtime.desk import BTC, desk


def standing(snapshot: Snapshot) -> Snapshot:
    """Without what goes on by itself between two looks: the clock, and the ages that are told by it."""
    engine = replace(snapshot.engine, now=0, market=0)
    positions = tuple(replace(each, mark_age_ms=None) for each in snapshot.positions)
    return replace(snapshot, engine=engine, positions=positions, links=())


def both(engine: Engine, still: Still) -> tuple[Snapshot, Snapshot]:
    """The same look with what was kept, and without."""
    return standing(snapshot_of(engine, Mode.SIM, still)), standing(snapshot_of(engine, Mode.SIM))


async def test_what_is_kept_follows_the_position_from_its_opening_to_its_end() -> None:
    still = Still()
    async with desk() as on:
        await on.opens()
        kept, anew = both(on.engine, still)
        assert kept == anew
        [opened] = kept.positions
        await on.mark(99_000)
        await on.until(lambda: both(on.engine, still)[0].positions[0].mark == 99_000, "the price is here")
        kept, anew = both(on.engine, still)
        assert kept == anew
        [moved] = kept.positions
        assert opened.mark == 100_000
        assert moved.legs is opened.legs, "a price draws no leg anew"
        await on.falls_to(95_000, rungs=1)
        kept, anew = both(on.engine, still)
        assert kept == anew
        [stepped] = kept.positions
        assert (len(opened.legs), len(stepped.legs)) == (1, 2)
        await on.hand.close(BTC, None)
        await on.until(lambda: not on.engine.state.cycles, "the position is closed")
        kept, anew = both(on.engine, still)
        assert kept == anew
        assert [each.rungs for each in kept.closed] == [1]
        assert both(on.engine, still)[0].closed is kept.closed
        assert repr(still) == "<Still 0 positions>"
