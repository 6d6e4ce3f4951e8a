"""From short to long: what a crash, a halt and a newer wish between the exit and the entry come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.entry import entry_id
from engine.core.events import AnyCommand, Deny, Enter, Exit, Halt, Reduce
from engine.core.instrument import Side

from .plans import DOWN_S, FLIP, PLANS, steps_of
from .run import Run
from .scenario import Asked, Ending


@dataclass
class Played:
    """What came of it."""

    notes: list[str]
    counts: dict[str, int]
    run: Run

    def told(self, words: str) -> bool:
        return any(words in note for note in self.notes)


def played(*endings: Ending, asked: tuple[AnyCommand, ...] = (), at: float = 5.5) -> Played:
    plan = PLANS["flip"]
    more = tuple(Asked(at, command) for command in asked)
    run = Run(replace(plan, endings=endings, asked=(*plan.asked, *more)))
    run.ends_at_rest = True
    outcome = run.outcome()
    assert outcome.violations == []
    return Played(list(outcome.notes), dict(outcome.counts), run)


def between() -> float:
    """Seconds: the short is left, that the long was asked for is not on the disk yet."""
    notes = played().notes
    left, entering = (
        next(note for note in notes if words in note) for words in ("short closed", "long: entering")
    )
    return (int(left.split()[0]) + int(entering.split()[0])) / 2 / 1000


def test_a_flip_leaves_then_enters_with_what_is_free_then() -> None:
    flip = played()
    assert flip.told("BTCUSDT short closed (exit by the proof)")
    assert flip.told("BTCUSDT long: entered 0.0019.")


@pytest.mark.parametrize("when", [lambda: 6.0, between], ids=["while it leaves", "between"])
def test_a_crash_before_the_entry_is_gone_on_from(when: Callable[[], float]) -> None:
    flip = played(Ending(at=when(), down=5.0))
    assert flip.told("BTCUSDT long: entered 0.0019.")
    assert flip.counts["entered"] == flip.counts["left"] == 1


def test_a_crash_at_any_step_costs_no_flip() -> None:
    """From the moment that it is promised until the long is there: what was lost is found, or done again."""
    plan = PLANS["flip"]
    asked, over = steps_of(replace(plan, spared_at=plan.asked[0].at)), steps_of(plan)
    crashes = [Ending(step=step, down=DOWN_S, torn=step % 2 == 0) for step in range(asked, over + 1)]
    promised = [flip for flip in map(played, crashes) if flip.run.world.happened["asked: Flip"]]
    assert len(promised) > len(crashes) // 2
    assert [flip.notes for flip in promised if flip.counts.get("entered") != 1] == []


def test_a_flip_that_came_too_late_out_of_a_crash_is_refused_and_told() -> None:
    flip = played(Ending(at=between(), down=60.0))
    assert flip.told("the long that the proof wanted is not entered: 50 s are over, and ")
    assert "entered" not in flip.counts


def test_a_halt_leaves_and_does_not_enter() -> None:
    flip = played(asked=(Halt("news"),))
    assert flip.told("BTCUSDT short closed (exit by the proof)")
    assert flip.told("the long that the proof wanted is not entered: trading was halted.")
    assert "entered" not in flip.counts


def test_the_entry_of_a_flip_can_be_taken_back() -> None:
    flip = played(asked=(Deny(entry_id("c1"), 0),))
    assert flip.told("the long that the proof wanted is not entered: taken back by the proof.")
    assert "entered" not in flip.counts


@pytest.mark.parametrize(
    "newer", [Exit("BTCUSDT", Side.SHORT), Enter("BTCUSDT", Side.LONG, margin=FLIP.share), FLIP]
)
def test_what_comes_while_it_leaves_is_refused_and_changes_nothing(newer: AnyCommand) -> None:
    flip = played(asked=(newer,))
    assert flip.told("BTCUSDT long: entered 0.0019.")
    assert flip.counts["entered"] == 1


def test_a_trader_who_closes_by_hand_meanwhile_does_not_get_the_other_side() -> None:
    flip = played(asked=(Reduce("BTCUSDT", Side.SHORT, Decimal(1)),))
    assert flip.told("the long that the proof wanted is not entered: something newer was asked for")
    assert "entered" not in flip.counts
