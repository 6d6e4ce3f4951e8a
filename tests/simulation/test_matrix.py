"""F1: a crash at every step, with every fault on every request, for each plan. Here a part of the product,
each cell played from its beginning until it is at rest; `make prove ARGS=--matrix` plays all of it, each
world once. That cells which it takes for one world are one is held here against playing each of them, and
that rest is the end against the whole time.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from threading import get_ident

import pytest

from engine.core.state import State
from engine.journal import chain
from engine.venue.orders import PLACE, PLACE_STOP

from .matrix import READ_AS, Matrix, Moment, digest, walk
from .misfortune import OnRequest
from .network import Strike, strikes_left
from .plans import PLANS, STORIES, cell, cell_named, cells, crash, requests_of, steps_of
from .planted import bug
from .prove import run_cells, shared_out
from .rest import journal_holds
from .run import Left, Outcome, Run, revived, simulate

STRIDE = 97
"""A prime, so that the part meets every request, every fault and steps everywhere."""


@pytest.mark.parametrize("name", PLANS)
def test_no_cell_of_the_matrix_violates_anything(name: str) -> None:
    tally = run_cells(name, STRIDE)
    assert not tally.failed, "\n".join(f"{name}: {said}" for name, said in tally.failed)
    assert tally.ran


@pytest.mark.parametrize("name", PLANS)
def test_a_crash_before_any_single_step_is_survived(name: str) -> None:
    """Every fifth step of the undisturbed plan."""
    plan = PLANS[name]
    steps = steps_of(plan)
    undisturbed = (each for each in cells(plan, stride=5) if "no fault" in each.name)
    failed = []
    for ran, each in enumerate(undisturbed):
        outcome = simulate(each, until_rest=True)
        if outcome.violations:
            failed.append((each.name, outcome.violations))
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


ADDED_TWICE = (Strike(PLACE, 2, OnRequest.RESPONSE_LOST),)
STOP_LATE = (Strike(PLACE_STOP, 1, OnRequest.LATE),)
BALANCE = "v2/mix/account/account"
BAD_GATEWAY = b"the exchange answered HTTP 502"


def all_of(run: Run, outcome: Outcome) -> tuple[object, ...]:
    """All that is held at the end: the journal to its last link, the exchange, the belief, what was said."""
    assert run.engine is not None
    belief = chain.write_state(run.engine.state)
    return run.disk.link, run.world.exchange.state(), belief, outcome.notes, outcome.violations


def told_by(outcome: Outcome) -> list[str]:
    """What the trader was told, without the times."""
    return [note.split(maxsplit=1)[1] for note in outcome.notes]


@pytest.mark.parametrize(("name", "strikes"), [("rung", ADDED_TWICE), ("rung", STOP_LATE), ("kill", ())])
def test_cells_taken_for_one_world_come_to_the_same_when_each_is_played_whole(
    name: str, strikes: tuple[Strike, ...]
) -> None:
    """The first and the last crash of every other world, against what stood for both of them."""
    plan, way = PLANS[name], walk(PLANS[name], strikes)

    def world(moment: Moment) -> bytes:
        return digest(revived(Left(way.left[moment.leaves], ()), plan).come_up().world)

    merged = 0
    worlds = {key: list(those) for key, those in groupby(sorted(way.moments, key=world), key=world)}
    for those in list(worlds.values())[::2]:
        stood = revived(Left(way.left[those[0].leaves], ()), plan)
        came = all_of(stood, stood.go_on())
        for moment in those if len(those) == 1 else (those[0], those[-1]):
            whole = Run(cell(plan, strikes, crash(moment.step, torn=moment.torn)))
            assert all_of(whole, whole.outcome()) == came, f"{moment} is another world than {those[0]}"
        merged += len(those) - 1
    assert merged


@pytest.mark.parametrize("strike", [Strike(PLACE, 2, OnRequest.LOST), Strike(PLACE, 9, OnRequest.DOUBLED)])
def test_a_fault_that_is_still_to_come_strikes_after_the_crash_as_in_the_whole_cell(strike: Strike) -> None:
    """The second order of a rung is struck by whichever engine sends it; a ninth is never sent."""
    plan, calm = PLANS["rung"], walk(PLANS["rung"], ())
    ahead = [m for m in calm.moments if strikes_left((strike,), m.made)]
    for moment in ahead[::30]:
        to_come = strikes_left((strike,), moment.made)
        went_on = revived(Left(calm.left[moment.leaves], to_come), plan)
        whole = Run(cell(plan, (strike,), crash(moment.step, torn=moment.torn)))
        assert all_of(went_on, went_on.go_on()) == all_of(whole, whole.outcome())
        assert whole.world.happened[strike.what] == (strike.number == 2)


def test_a_crash_leaves_the_same_whether_it_comes_or_might_have_come() -> None:
    """The walk looks at what a crash would leave and goes on: it is no other walk for that."""
    plan = PLANS["rung"]
    assert walk(plan, ADDED_TWICE).outcome.digest == simulate(cell(plan, ADDED_TWICE, None)).digest


@pytest.mark.parametrize("what", READ_AS)
def test_a_fault_on_a_reading_is_felt_as_the_one_that_is_played_for_it(what: OnRequest) -> None:
    """Another pace of the network, but the same story and the same end."""
    plan, stands_for = PLANS["adoption"], READ_AS[what]
    struck = simulate(cell(plan, (Strike(BALANCE, 3, what),), crash(60, torn=True)))
    felt = (Strike(BALANCE, 3, stands_for),) if stands_for else ()
    played = simulate(cell(plan, felt, crash(60, torn=True)))
    assert struck.happened[what.value] == 1
    assert told_by(struck) == told_by(played)
    assert struck.violations == played.violations == []


def test_an_order_older_than_its_window_is_felt_as_one_that_was_lost() -> None:
    plan = PLANS["rung"]
    struck, lost = (
        simulate(cell(plan, (Strike(PLACE, 1, what),), None)) for what in (OnRequest.EXPIRED, OnRequest.LOST)
    )
    assert struck.happened[OnRequest.EXPIRED] == 1
    assert told_by(struck) == told_by(lost)
    assert struck.violations == lost.violations == []


@pytest.mark.parametrize("path", [PLACE, PLACE_STOP, BALANCE])
def test_too_many_requests_is_another_word_for_a_failure_that_did_nothing(path: str) -> None:
    """To the last byte of the journal but for that word: so one of the two is played."""
    ended = []
    for what, word in ((OnRequest.TOO_MANY, b"rate limited"), (OnRequest.PLAIN_5XX, BAD_GATEWAY)):
        run = Run(cell(PLANS["rung"], (Strike(path, 1, what),), None))
        outcome = run.outcome()
        assert outcome.happened[what] == 1
        entries = (chain.write_entry(run.disk.entry(seq)) for seq in range(1, len(run.disk) + 1))
        journal = [line.replace(word, b"no answer") for line in entries]
        ended.append((journal, run.world.exchange.state(), outcome.violations))
    assert ended[0] == ended[1]


def test_faults_that_nothing_has_told_of_yet_leave_the_same() -> None:
    """The order reached nobody, and the engine still waits: lost, refused or answered with an error."""
    faults = (OnRequest.LOST, OnRequest.REJECTED, OnRequest.PLAIN_5XX)
    ways = [walk(PLANS["rung"], (Strike(PLACE, 1, what),)) for what in faults]
    assert len({way.moments[0].leaves for way in ways}) == 1
    assert [way.outcome.happened[what] for way, what in zip(ways, faults, strict=True)] == [1, 1, 1]
    assert len({way.outcome.digest for way in ways}) == 3


def test_what_is_not_fed_to_the_core_again_cannot_be_changed_unnoticed() -> None:
    """What a journal came to up to the crash is known from another world; its bytes are still looked at."""
    plan, known = PLANS["rung"], dict[bytes, State]()
    left = list(walk(plan, ()).left.values())[-1]
    for _ in range(2):
        run = revived(Left(left, ()), plan)
        run.replayed, run.ends_at_rest = known, True
        assert run.go_on().violations == []
        assert len(known) == 1
    run.disk._lines[0] = run.disk._lines[0].replace(b"proof", b"prove")
    assert run.engine is not None
    journal_holds(run.watch, run.disk, run.engine, known)
    assert "the journal's chain does not hold" in run.watch.violations[0]


def test_every_request_is_played_once_and_a_worker_keeps_to_its_plan() -> None:
    requests = {name: deque(((Strike(PLACE, n, OnRequest.LOST),),) for n in range(9)) for name in PLANS}
    asked = {(name, rows) for name, each in requests.items() for rows in each}
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        played = list(shared_out(requests, (one, other), lambda name, rows: (name, rows, get_ident())))
    assert len(played) == len(asked)
    assert {(name, rows) for name, rows, _ in played} == asked
    for worker in {thread for _, _, thread in played}:
        kept = [name for name, _ in groupby(name for name, _, thread in played if thread == worker)]
        assert len(kept) == len(set(kept))


@pytest.mark.parametrize("name", PLANS)
def test_a_world_that_came_to_rest_stays_there(name: str) -> None:
    """Ending early leaves the exchange and the trader with what the whole time would leave them."""
    plan = PLANS[name]
    for left in list(walk(plan, ()).left.values())[::40]:
        early, late = revived(Left(left, ()), plan), revived(Left(left, ()), plan)
        early.ends_at_rest = True
        soon, at_last = early.go_on(), late.go_on()
        assert early.timeline.now < late.timeline.now
        assert early.world.exchange.state()["accounts"] == late.world.exchange.state()["accounts"]
        assert told_by(soon) == told_by(at_last)
        assert soon.violations == at_last.violations == []


def test_a_bug_shows_in_the_matrix_in_a_cell_that_its_name_plays_again() -> None:
    name = "no stop after a restart (hummingbot-api#243)"
    with bug(name):
        failed = Matrix(PLANS["rung"], stride=5).play(()).failed
        again, violations = failed[0]
        assert simulate(cell_named(again)).violations == violations
    assert simulate(cell_named(again)).violations == []


def test_a_cell_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="the matrix has no cell 'rung: bad luck'"):
        cell_named("rung: bad luck")
