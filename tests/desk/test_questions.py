"""What asks on the desk: entries and adoptions beside rungs, half of them, and letting a position go."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol import ApprovalView, Approve, Asks, Deny, HalfView, Release, Resume, Side
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tests.desk.scenes import D
from tui.link import Link
from tui.view_model.approvals import approvals
from tui.view_model.choices import choices
from tui.view_model.ink import text_of, width_of
from tui.view_model.scene import Scene
from tui.widgets.positions_grid import PositionsGrid

ENTRY = ApprovalView(
    *("entry1", 0, "SOLUSDT", Side.LONG, D("40.5"), D(0), D("149.25"), D("150.75"), scenes.NOW + 42_000),
    *(D(0), D("-41.2")),
    asks=Asks.ENTRY,
    qty=D("10.8"),
    leverage=D(40),
    price=D(150),
    liquidation=D("146.93"),
    fee=D("0.97"),
    by="webhook, buy long",
    half=HalfView(D("20.25"), D("5.4"), D("-20.6")),
    price_decimals=2,
    qty_decimals=1,
)
ADOPTION = replace(ENTRY, cycle="adopt1", asks=Asks.ADOPTION, low=D(0), high=D(0), half=None, worst_case=None)
ASKING = replace(scenes.LIVE, version=6, approvals=(ENTRY, ADOPTION))


def scene_of() -> Scene:
    return Scene(Link(), ASKING, 0, scenes.NOW)


@pytest.mark.parametrize("width", [120, 80, 46])
def test_an_entry_and_an_adoption_are_drawn_with_all_their_numbers(width: int) -> None:
    lines = approvals(scene_of(), width, 0)
    drawn = " ".join(text_of(line) for line in lines)
    for told in ("SOLUSDT long entry", "10.8 @ 150.00", "40.50 at 40x", "−41.20", "liq 146.93", "0:42"):
        assert told in drawn, told
    assert "while the mark is 149.25 – 150.75" in drawn
    assert drawn.count("while the mark is") == 1, "an adoption has no band"
    assert "SOLUSDT long adoption" in drawn
    assert all(width_of(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("enter", Approve("entry1", 0)),
        ("h", Approve("entry1", 0, half=True)),
        ("n", Deny("entry1", 0)),
    ],
)
async def test_an_entry_is_answered_from_the_panel(
    socket: Path, clocks: Clocks, key: str, command: object
) -> None:
    async with watching(socket, clocks, ASKING) as (pilot, face, _):
        await pilot.press("tab")
        await settled(pilot)
        assert "enter yes · h half · n no" in words(pilot)
        await pilot.press(key)
        await until(lambda: face.commands, pilot)
        assert face.commands == [command]


async def test_half_of_an_adoption_does_not_exist(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, replace(ASKING, approvals=(ADOPTION,))) as (pilot, face, _):
        await pilot.press("tab", "h")
        await settled(pilot)
        assert "enter yes · n no" in words(pilot)
        assert face.commands == []


def test_the_menu_of_a_position_offers_half_of_its_rung_and_says_what_a_release_leaves() -> None:
    half = HalfView(D("4.8"), D("0.1"), D("-1.5"))
    asked = replace(scenes.APPROVAL, half=half)
    snapshot = replace(scenes.LIVE, approvals=(asked,))
    scene = Scene(Link(), snapshot, 0, scenes.NOW)
    offered = {choice.words: choice for choice in choices(scene, scenes.ETH, None)}
    assert offered["Approve half of rung 1"].command == Approve("c2", 1, half=True)
    assert ("Add", "0.10, 4.80 USDT margin") in offered["Approve half of rung 1"].facts
    release = next(c for c in choices(scene, scenes.BTC, None) if c.command == Release("BTCUSDT", Side.SHORT))
    assert release.question is not None
    told = dict(release.question.facts)
    assert told["Stops"].endswith("stay on Bitget and are yours")
    assert told["Ratchet"] == "does nothing to it any more: no rung, no stop moved"


async def test_a_second_press_never_answers_the_next_question_unread(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, ASKING) as (pilot, face, _):
        await pilot.press("tab", "enter")
        await until(lambda: face.commands, pilot)
        await face.tell(replace(ASKING, version=7, approvals=(ADOPTION,)))
        await until(lambda: "enter marks one" in words(pilot), pilot)
        assert "▸ SOLUSDT" not in words(pilot)
        await pilot.press("n")
        await pilot.press("enter")
        await settled(pilot)
        assert face.commands == [Approve("entry1", 0)]
        assert "▸ SOLUSDT long adoption" in words(pilot)
        await pilot.press("enter")
        await until(lambda: len(face.commands) == 2, pilot)
        assert face.commands[1] == Approve("adopt1", 0)


async def test_the_keys_go_back_to_the_positions_with_the_last_answer(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, replace(ASKING, approvals=(ADOPTION,))) as (pilot, face, desk):
        await pilot.press("tab", "n")
        await until(lambda: face.commands, pilot)
        await face.tell(replace(ASKING, version=7, approvals=()))
        await until(lambda: "Approvals" not in words(pilot), pilot)
        await settled(pilot)
        assert isinstance(desk.focused, PositionsGrid)


async def test_a_question_that_is_marked_is_in_view_also_in_a_small_terminal(
    socket: Path, clocks: Clocks
) -> None:
    many = tuple(replace(ADOPTION, cycle=f"adopt{k}", symbol=f"COIN{k}USDT") for k in range(6))
    asking = replace(scenes.LIVE, version=6, approvals=many)
    async with watching(socket, clocks, asking, size=(80, 24)) as (pilot, _, _desk):
        await pilot.press("tab")
        for k in (0, 1, 2, 3, 4, 5, 0):
            await settled(pilot)
            shown = words(pilot).splitlines()
            at = next(y for y, line in enumerate(shown) if f"▸ COIN{k}USDT long adoption" in line)
            assert "liq" in shown[at + 1], "the numbers of it are there as well"
            await pilot.press("down")


async def test_a_yes_to_one_halt_does_not_end_another(socket: Path, clocks: Clocks) -> None:
    loss = replace(scenes.KILLED.engine, killed="by limits: daily loss", killed_at=scenes.NOW)
    async with watching(socket, clocks, scenes.KILLED) as (pilot, face, desk):
        await pilot.press("ctrl+r")
        await face.tell(replace(scenes.KILLED, version=9, engine=loss))
        await until(lambda: desk.scene.killed == "by limits: daily loss", pilot)
        await pilot.press("tab", "enter")
        await until(lambda: "halted again since it was asked" in words(pilot), pilot)
        assert face.commands == []
        await pilot.press("ctrl+r", "tab", "enter")
        await until(lambda: face.commands == [Resume()], pilot)
