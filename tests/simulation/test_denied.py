"""An entry that is lost, and its rest taken back: what a full disk and a crash make of that."""

from __future__ import annotations

from msgspec.structs import replace

from .misfortune import OnDisk
from .plans import DOWN_S, STORIES, steps_of
from .run import Outcome, simulate
from .scenario import DiskTrouble, Ending, Scenario

STORY = STORIES["an entry that is lost, and its rest taken back before that is known"]
OVER = "BTCUSDT short: not entered: "


def played(scenario: Scenario) -> Outcome:
    outcome = simulate(scenario)
    assert outcome.violations == []
    return outcome


def test_what_is_lost_and_taken_back_is_never_entered() -> None:
    outcome = played(STORY)
    assert outcome.happened["asked: Deny"] == 1
    assert any(OVER in note for note in outcome.notes)
    assert "entered" not in outcome.counts


def test_on_a_full_disk_it_is_done_from_memory_and_holds_when_there_is_room() -> None:
    outcome = played(replace(STORY, disk_troubles=(DiskTrouble(5.5, OnDisk.FULL, 6.0),)))
    assert outcome.happened["a command that could not be recorded"] == 0
    assert outcome.happened["asked: Deny"] == 1
    assert any("The journal can be written again" in note for note in outcome.notes)
    assert any(OVER in note for note in outcome.notes)
    assert "entered" not in outcome.counts


def test_a_crash_at_any_step_enters_nothing_that_was_taken_back() -> None:
    told, over = (steps_of(replace(STORY, spared_at=at)) for at in (STORY.asked[1].at, 14.0))
    crashes = [Ending(step=step, down=DOWN_S, torn=step % 2 == 0) for step in range(told, over)]
    stories = [played(replace(STORY, spared_at=14.0, endings=(crash,))) for crash in crashes]
    denied = [each for each in stories if each.happened["asked: Deny"]]
    assert len(denied) > len(crashes) // 2
    assert [each.notes for each in denied if "entered" in each.counts] == []
