"""What is on its way, on the desk: its line under the positions, and taking it back."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.protocol import Answer, Deny, EntryView, Exit, FlipView, Side, Snapshot, Verdict
from tests.desk import scenes
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tests.desk.engine_face import EngineFace
from tui.link import Link, LinkState
from tui.screens.coming_menu import ComingMenu
from tui.view_model.choices import choices
from tui.view_model.coming import coming_line
from tui.view_model.ink import Ink
from tui.view_model.positions import columns_for
from tui.view_model.scene import Scene
from tui.view_model.taking_back import coming_choices

COMING, ENTERING = scenes.COMING, scenes.ENTERING
PARTLY = replace(ENTERING, filled=D("0.02"))
LEAVING = replace(
    ENTERING, id="out", symbol="BTCUSDT", side=Side.SHORT, want=D("0.0031"), price=D("95010.1"), opens=False
)
FLIP = FlipView("flip1", "BTCUSDT", Side.LONG, "webhook, buy long", scenes.NOW + 110_000, D("0.125"))
LARGEST = replace(
    ENTERING,
    symbol="BTCUSDT",
    side=Side.SHORT,
    want=D("0.0021"),
    filled=D("0.0011"),
    price=D("100979.0"),
    price_decimals=1,
    since=scenes.NOW - 59_000,
    tries=10,
    attempt=10,
)


def scene(snapshot: Snapshot = COMING) -> Scene:
    return Scene(Link(LinkState.UP, scenes.NOW), snapshot, 0, scenes.NOW)


def having(*entries: EntryView, **changes: Any) -> Snapshot:
    return replace(COMING, version=20, entries=entries, **changes)


def row(pilot: Pilot[Any], of: str) -> str:
    """The first line of the screen with these words, without its frame."""
    lines = [line for line in words(pilot).splitlines() if of in line]
    return lines[0].strip("│ ") if lines else ""


async def told(pilot: Pilot[Any], face: EngineFace, snapshot: Snapshot) -> None:
    await face.tell(snapshot)
    await until(lambda: pilot.app.scene.snapshot == snapshot, pilot)  # type: ignore[attr-defined]
    await settled(pilot)


async def menu(pilot: Pilot[Any]) -> None:
    """The menu of the entry, which stands under the one position."""
    await pilot.press("j", "m")
    await until(lambda: isinstance(pilot.app.screen, ComingMenu), pilot)
    await at_rest(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_an_entry_on_its_way_stands_under_the_positions(
    socket: Path, clocks: Clocks, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, COMING, size=size) as (pilot, face, _):
        assert "Positions 1 · 1 entering" in words(pilot)
        line = row(pilot, "ETHUSDT")
        assert line.split(maxsplit=3)[:3] == ["ETHUSDT", "▲", "LONG"]
        assert line.endswith("entering 0.05, at 2,000.00, try 1 of 4, 12s")
        clocks.pass_s(2)
        await told(pilot, face, having(PARTLY))
        assert row(pilot, "ETHUSDT").endswith("entered 0.02 of 0.05, at 2,000.00, try 1 of 4, 12s")
        clocks.pass_s(2)
        await settled(pilot)
        assert row(pilot, "ETHUSDT").endswith("try 1 of 4, 14s")


async def test_the_longest_line_of_all_is_whole_in_the_smallest_terminal(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, having(LARGEST, positions=()), size=(80, 24)) as (pilot, _, _desk):
        assert row(pilot, "entered").endswith("entered 0.0011 of 0.0021, at 100,979.0, try 10 of 10, 59s")
        assert "No open position" not in words(pilot)
        assert "m menu" in words(pilot)


async def test_an_entry_is_taken_back_from_its_menu(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING, size=(80, 24)) as (pilot, face, _):
        await menu(pilot)
        assert "ETHUSDT ▲ LONG · entering" in words(pilot)
        assert "Cancels    0.05 of 0.05, which is not entered" in words(pilot)
        assert "Keeps      what fills until then" in words(pilot)
        assert "webhook, buy long" in words(pilot)
        face.answer = lambda request: Answer(request.id, Verdict.DONE, "the entry is taken back.")
        await pilot.press("enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Deny(ENTERING.id, 0)]
        await until(lambda: "take back ETHUSDT long · done · the entry is taken back." in words(pilot), pilot)


async def test_a_desk_that_only_watches_takes_nothing_back(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING, read_only=True) as (pilot, face, _):
        await menu(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert "take back ETHUSDT long · refused · this desk was attached read-only" in words(pilot)
        assert face.commands == []


async def test_an_engine_that_only_watches_says_so(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING) as (pilot, face, _):
        face.answer = lambda request: Answer(request.id, Verdict.REFUSED, "This engine is read-only: asked.")
        await menu(pilot)
        await pilot.press("enter")
        await until(lambda: "refused · This engine is read-only: asked." in words(pilot), pilot)


async def test_nothing_is_taken_back_that_has_ended_while_its_menu_was_open(
    socket: Path, clocks: Clocks
) -> None:
    """The same words would close the position that it has become."""
    async with watching(socket, clocks, COMING) as (pilot, face, _):
        await menu(pilot)
        await told(pilot, face, having(positions=(scenes.BTC, scenes.ETH)))
        await pilot.press("enter")
        await until(lambda: "On its way no longer" in words(pilot), pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert face.commands == []


async def test_the_cursor_goes_from_an_entry_to_what_it_becomes(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING) as (pilot, face, _):
        await pilot.press("j")
        await settled(pilot)
        assert row(pilot, "ETHUSDT").startswith("▸ ETHUSDT")
        await told(pilot, face, having(positions=(scenes.BTC, scenes.ETH)))
        assert row(pilot, "ETHUSDT").startswith("▸ ETHUSDT")


async def test_an_entry_is_found_copied_and_clicked_like_a_position(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING) as (pilot, _, desk):
        await pilot.click("#positions", offset=(10, 3))
        await pilot.press("y")
        await settled(pilot)
        assert desk.clipboard == "ETHUSDT\tlong\tentering 0.05, at 2,000.00, try 1 of 4\twebhook, buy long"
        await pilot.press("slash", *"entering", "enter")
        await settled(pilot)
        assert "Positions 0 of 1 · 1 entering" in words(pilot)
        assert row(pilot, "at 2,000.00").startswith("▸ ETHUSDT")


def test_a_line_of_a_while_ago_is_dimmed() -> None:
    fresh, old = (
        coming_line(replace(scene(), elapsed_ms=ms), ENTERING, columns_for(78), 78, chosen=False)
        for ms in (0, 4_000)
    )
    assert {span.ink for span in old[1:]} == {Ink.FADED}
    assert Ink.GAIN in {span.ink for span in fresh}


async def test_what_closes_too_is_a_choice_of_its_own(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, COMING) as (pilot, face, _):
        await menu(pilot)
        await pilot.press("j", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Exit("ETHUSDT", Side.LONG)]


async def test_a_flip_stands_under_the_exit_that_it_waits_for(socket: Path, clocks: Clocks) -> None:
    turning = replace(COMING, entries=(LEAVING,), flips=(FLIP,))
    async with watching(socket, clocks, turning, size=(80, 24)) as (pilot, face, _):
        assert "Positions 1 · 1 leaving · 1 flipping" in words(pilot)
        assert row(pilot, "leaving 0.0031").split()[:3] == ["BTCUSDT", "▼", "SHORT"]
        assert row(pilot, "once the").endswith("once the short is closed: 12.5 % of what is free, 1m left")
        await pilot.press("j", "j", "m")
        await until(lambda: isinstance(pilot.app.screen, ComingMenu), pilot)
        await pilot.pause()
        assert "BTCUSDT ▲ LONG · flipping" in words(pilot)
        assert "Closes     the short, all the same" in words(pilot)
        await pilot.press("enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Deny("flip1", 0)]


def test_taking_back_keeps_what_is_filled_and_what_closes_says_so() -> None:
    [nothing, close, _] = coming_choices(scene(), ENTERING)
    assert (nothing.words, nothing.facts[1]) == ("Take it back", ("Keeps", "what fills until then"))
    assert (close.words, close.facts[1]) == (
        "Take it back, close what it fills",
        ("Closes", "what fills until then, at market"),
    )
    held = having(PARTLY, positions=(scenes.ETH,))
    [rest, close, _] = coming_choices(scene(held), ENTERING)
    assert (rest.words, rest.figure, rest.command) == ("Take back the rest", "0.03", Deny(ENTERING.id, 0))
    assert rest.facts == (
        ("Cancels", "0.03 of 0.05, which is not entered"),
        ("Keeps", "the 0.02 filled, and what fills until then"),
        ("Asked by", "webhook, buy long"),
    )
    assert (close.words, close.command) == (
        "Take it back, close the 0.21 held",
        Exit("ETHUSDT", Side.LONG),
    )
    assert close.facts[1] == ("Closes", "all 0.21 that is held and what fills until then, at market")


def test_an_exit_that_is_taken_back_leaves_the_position() -> None:
    [rest, _] = coming_choices(scene(having(LEAVING)), LEAVING)
    assert rest.facts[:2] == (
        ("Cancels", "0.0031 of 0.0031, which is not left"),
        ("Keeps", "what is still held then"),
    )


def test_what_is_being_taken_back_can_still_be_closed_and_what_is_closed_is_not_offered_again() -> None:
    kept = replace(ENTERING, taken_back="phone")
    [back, close, _] = coming_choices(scene(having(kept)), ENTERING)
    assert (back.words, back.command) == ("Being taken back", None)
    assert back.facts == (("By", "phone"), ("Then", "what it has filled stays"))
    assert close.command == Exit("ETHUSDT", Side.LONG)
    [back, story] = coming_choices(scene(having(replace(kept, closes=True))), ENTERING)
    assert (back.command, back.facts[1]) == (None, ("Then", "what it has filled is closed"))
    assert story.opens == "story"


def test_the_menu_of_a_position_says_what_closing_does_to_an_entry_on_its_way() -> None:
    def patiently(snapshot: Snapshot) -> str:
        every = choices(scene(snapshot), scenes.ETH, None)
        return next(choice.facts[0][1] for choice in every if choice.words == "Close patiently")

    assert patiently(scenes.LIVE).startswith("limit orders at the touch")
    assert patiently(having(ENTERING)).startswith("the entry on its way is taken back")
