"""An engine dies, and the next one is of another version: it takes what the older one did as having happened.

The older versions of these tests would decide otherwise at every turn: other client ids, other sizes, other
places for stops. What they had sent is found again, never doubled, and everything comes to rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from decimal import Decimal
from typing import Any, Final
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from engine.core import cover, ids, ladder, rung, stops
from engine.core.cycle import Cycle
from engine.core.settings import Ladder
from engine.journal import chain

from .chapters import chapter
from .plans import PLANS, steps_of
from .rest import at_rest, hands_are_told_apart
from .run import Run
from .scenario import Ending, Scenario

STRIDE: Final = 7
SEEDS: Final = range(40)


def other_ids() -> dict[tuple[Any, str], Any]:
    """It counted attempts from five."""
    return {
        (rung, "bank_id"): lambda cycle, number, attempt=1: ids.bank_id(cycle, number, attempt + 4),
        (rung, "add_id"): lambda cycle, number, attempt=1: ids.add_id(cycle, number, attempt + 4),
    }


def other_stops() -> dict[tuple[Any, str], Any]:
    """It put every stop a third of a percent further away."""

    def further(cycle: Cycle, *args: Any, **more: Any) -> Any:
        away = 1 - cycle.side.d * Decimal("0.003")
        wanted = stops.wanted_stops(cycle, *args, **more)
        return tuple(replace(w, trigger=(w.trigger * away).quantize(Decimal("0.1"))) for w in wanted)

    return {(cover, "wanted_stops"): further}


def other_sizes() -> dict[tuple[Any, str], Any]:
    """It banked a quarter of what is banked now."""

    def less(cycle: Cycle, rules: Ladder, instrument: Any) -> Any:
        parts = ladder.bank_parts(cycle, rules, instrument)
        return tuple(
            (leg, max(instrument.lot, qty / 4 // instrument.lot * instrument.lot)) for leg, qty in parts
        )

    return {(rung, "bank_parts"): less}


OLDER: Final = {"other ids": other_ids, "other stops": other_stops, "other sizes": other_sizes}


@contextmanager
def of_version(older: str) -> Iterator[None]:
    with ExitStack() as changed:
        for (owner, name), then in OLDER[older]().items():
            changed.enter_context(patch.object(owner, name, then))
        yield


class Upgraded(Run):
    """The first life is of an older version. Whether a replay decides the same is not asked: it does not."""

    def __init__(self, scenario: Scenario, older: str) -> None:
        super().__init__(scenario)
        self._older: str | None = older
        self.was_taken_over = False

    def _live(self, ending: Ending) -> bool | None:
        older, self._older = self._older, None
        with of_version(older) if older else nullcontext():
            return super()._live(ending)

    def _last_look(self) -> None:
        assert self.engine is not None
        at_rest(self.world, self.watch, self.engine, self.disk)
        hands_are_told_apart(self.world, self.watch, self.disk)


def violations(scenario: Scenario, older: str, *, until_rest: bool = False) -> list[str]:
    run = Upgraded(scenario, older)
    run.ends_at_rest = until_rest
    return [f"{scenario.name}, {older}: {said}" for said in run.outcome().violations]


@pytest.mark.parametrize("older", OLDER)
@pytest.mark.parametrize("name", PLANS)
def test_a_crash_in_a_plan_and_another_version_after_it(name: str, older: str) -> None:
    plan = PLANS[name]
    with of_version(older):
        steps = steps_of(plan)
    told: list[str] = []
    for step in range(1, steps + 1, STRIDE):
        crash = Ending(step=step, down=1.0, torn=bool(step % 2))
        told += violations(replace(plan, endings=(crash,)), older, until_rest=True)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("older", OLDER)
def test_stormy_days_with_an_upgrade_after_the_first_crash(older: str) -> None:
    told: list[str] = []
    for seed in SEEDS:
        if chapter(seed).endings:
            told += violations(chapter(seed), older)
    assert not told, "\n".join(told)


def test_what_was_believed_is_read_back_although_it_would_be_decided_otherwise_now() -> None:
    plan = replace(PLANS["rung"], endings=(Ending(at=9.0, down=1.0),))
    run = Upgraded(plan, "other sizes")
    run.timeline.run_until(plan.starts)
    run._write_agenda()
    run._live(plan.endings[0])
    assert run.engine is not None
    believed = asyncio.run(run.disk.recover()).believed
    assert believed is not None
    assert chain.write_state(believed) == chain.write_state(run.engine.state)
