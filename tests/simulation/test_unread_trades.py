"""The trades cannot be read for long, and a position is closed and opened again: what protects it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.instrument import Side
from engine.core.shield import UNTOLD_MS
from engine.protocol import Mode
from engine.runtime.snapshot import snapshot_of

from .plans import STORIES
from .run import Run
from .scenario import Ending, Scenario

AGAIN = "closed and opened again while the trades cannot be read"
OWN_ADD = "closed by hand, and opened again by an add that is late, while the trades cannot be read"
NOTICED_S = 2.0
"""How long it may take until the row of a position that was opened again is read."""


def played(story: Scenario) -> Run:
    run = Run(story)
    assert run.outcome().violations == []
    return run


def test_a_position_of_ours_is_protected_while_its_trades_cannot_be_read() -> None:
    """42.8 s without a stop it was, of a position whose size, entry and liquidation were known."""
    run = played(STORIES[OWN_ADD])
    assert run.watch.longest_uncovered < UNTOLD_MS / 1000 + NOTICED_S
    assert run.watch.counts["place-tpsl-order"] == 3, "the rest of leg 1, everything, and then leg 2"
    assert [plan.qty for plan in run.watch.our_plans()] == [Decimal("0.0021")]


def test_a_leg_is_not_closed_for_the_stop_of_another() -> None:
    """The stop of leg 2 had closed it; as it was not told, as much again was closed, and that was leg 1."""
    run = played(STORIES["a stop is carried out unheard, and its trades cannot be read"])
    position = run.world.account.position("BTCUSDT", Side.SHORT)
    assert position is not None
    assert position.qty == Decimal("0.0010")
    assert [plan.qty for plan in run.watch.our_plans()] == [position.qty]


def test_a_hard_stop_goes_on_from_one_cycle_to_the_next() -> None:
    run = played(STORIES[AGAIN])
    assert run.watch.counts["place-tpsl-order"] == 2, "one for each position"
    assert not run.watch.counts["cancel-plan-order"]
    [stop] = run.watch.our_plans()
    assert run.engine is not None
    [cycle] = run.engine.state.cycles.values()
    assert [known.client_id for known in cycle.stops] == [stop.client_oid]
    assert cycle.id not in stop.client_oid, "it was placed under the name of the cycle before"


def test_every_screen_is_told_what_is_missing_and_what_protects_meanwhile() -> None:
    run = Run(replace(STORIES[AGAIN], ends=30.0))
    run.outcome()
    assert run.engine is not None
    now = snapshot_of(run.engine, Mode.DEMO)
    assert (now.engine.reconciled, now.engine.unread) == (True, ("trades",))
    [position] = now.positions
    missing = "its trades since 22:58:42 UTC are not read yet; what Bitget shows is protected"
    assert position.blocked == missing
    assert position.if_machine_dies.endswith(f" I{missing[1:]}: the next start asks again.")


@pytest.mark.parametrize("name", [AGAIN, OWN_ADD])
def test_a_crash_at_any_time_of_it_is_survived(name: str) -> None:
    """Two crashes: one while nobody can read the trades, and one while they come."""
    story = STORIES[name]
    [outage] = story.outages
    for at in (outage.begins + 9.0, outage.begins + 12.0, outage.begins + 20.0, outage.ends - 0.5):
        for later in (outage.ends + 0.3, outage.ends + 1.2, outage.ends + 9.0):
            crashes = tuple(Ending(at=when, down=0.4) for when in (at, later))
            played(replace(story, endings=(*story.endings, *crashes)))
