"""Bitget's answers and streams come in time and in form, and are not true."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.instrument import Side

from .plans import STORIES
from .run import Run
from .scenario import Scenario

EMPTY = STORIES["the list of positions is empty for long, and the stream does not say so"]
LATE = STORIES["prices that come steadily late tell of a crossing that is long over"]
BESIDE = STORIES["a rung beside the trader's own stop for the whole position"]


def played(story: Scenario) -> Run:
    run = Run(story)
    assert run.outcome().violations == []
    return run


def test_a_list_of_positions_is_one_source_however_often_it_is_read() -> None:
    """It was taken for gone at the second reading, and for a new one when it was listed again."""
    engine = played(EMPTY).engine
    assert engine is not None
    [cycle] = engine.state.cycles.values()
    assert (cycle.rungs, engine.state.closed) == (1, ())
    kept = "neither trades nor the stream tell its end: it is kept until it is certain. Look at Bitget."
    assert [line.text for line in engine.log.lines() if kept in line.text] == [
        f"BTCUSDT short: Bitget lists the position no more, and {kept}"
    ]


def test_a_crossing_that_is_told_when_it_is_over_is_none() -> None:
    assert not played(LATE).watch.counts["place-order"]
    assert played(replace(LATE, lags=())).watch.counts["adds"] == 1


def test_the_traders_own_stop_covers_nothing_that_the_ladder_has_to() -> None:
    run = played(BESIDE)
    held, short = Decimal("0.0031"), ("BTCUSDT", Side.SHORT)
    assert [plan.qty for plan in run.watch.our_plans()] == [Decimal("0.0010"), Decimal("0.0021")]
    assert run.watch.uncovered(short) == 0
    for plan in run.watch.our_plans():
        run.world.cancel_stop(plan.symbol, plan.order_id, plan.plan_type.value)
    assert len(run.world.account.waiting["BTCUSDT"]) == 1, "the trader's, for everything"
    assert run.watch.uncovered(short) == held
