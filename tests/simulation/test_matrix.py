"""F1: a crash at every step, with every fault on every request, for each plan. Here a part of the product;
`make prove ARGS=--matrix` runs all of it.
"""

from __future__ import annotations

import pytest

from .plans import PLANS, STORIES, cells, requests_of, steps_of
from .prove import run_cells
from .run import simulate

STRIDE = 97
"""A prime, so that the part meets every request, every fault and steps everywhere."""


@pytest.mark.parametrize("name", PLANS)
def test_no_cell_of_the_matrix_violates_anything(name: str) -> None:
    tally = run_cells((name, STRIDE, 0))
    assert not tally.failed, "\n".join(f"{cell}: {said}" for cell, said in tally.failed)
    assert tally.ran


@pytest.mark.parametrize("name", PLANS)
def test_a_crash_before_any_single_step_is_survived(name: str) -> None:
    """Every fifth step of the undisturbed plan."""
    plan = PLANS[name]
    steps = steps_of(plan)
    undisturbed = (cell for cell in cells(plan, stride=5) if "no fault" in cell.name)
    failed = []
    for ran, cell in enumerate(undisturbed):
        outcome = simulate(cell)
        if outcome.violations:
            failed.append((cell.name, outcome.violations))
        if ran >= steps // 5:
            break
    assert not failed


@pytest.mark.parametrize("name", STORIES)
def test_a_story_that_a_planted_bug_would_spoil_goes_well(name: str) -> None:
    assert simulate(STORIES[name]).violations == []


def test_every_plan_does_what_it_is_named_for() -> None:
    outcomes = {name: simulate(plan) for name, plan in PLANS.items()}
    assert outcomes["rung"].counts["adds"] == 1
    assert outcomes["stop move"].counts["modify-tpsl-order"] >= 1
    assert outcomes["flip"].counts["left"]
    assert outcomes["flip"].counts["entered"]
    assert outcomes["approval"].counts["adds"] == 1
    assert "FLATTEN" in " ".join(outcomes["kill"].notes).upper()
    assert any("you closed" in note for note in outcomes["manual close"].notes)
    assert all("seen" in " ".join(outcome.notes) for outcome in outcomes.values())


def test_the_matrix_of_a_rung_covers_both_orders_and_both_stops() -> None:
    assert len(requests_of(PLANS["rung"])) == 4
