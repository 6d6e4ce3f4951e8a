"""The mouse: a click is a key, marks and opens, and never acts on money by itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.events import Click
from textual.pilot import Pilot

from engine.protocol import Approve, Halt, Reduce, Resume, Side
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tests.desk.test_questions import ASKING
from tui.messages import KeyClicked
from tui.screens.ask import Ask
from tui.screens.help import HelpScreen
from tui.screens.position_menu import PositionMenu
from tui.screens.ticket import Ticket


async def click(pilot: Pilot[Any], words_there: str, times: int = 1) -> None:
    """Click on these words, the last ones on the screen that read so."""
    rows = words(pilot).split("\n")
    y = max(k for k, row in enumerate(rows) if words_there in row)
    await pilot.click(offset=(rows[y].rindex(words_there) + 1, y), times=times)
    await settled(pilot)


def foot(pilot: Pilot[Any]) -> str:
    return words(pilot).split("\n")[-1].strip()


async def test_what_the_bottom_line_tells_can_be_clicked(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await click(pilot, "3 History")
        await until(lambda: "Equity" in words(pilot) and desk.book.front is not None, pilot)
        await click(pilot, "Desk")
        await until(lambda: "Positions 2" in words(pilot), pilot)
        await click(pilot, "help")
        assert isinstance(desk.screen, HelpScreen)
        await pilot.press("escape")
        await click(pilot, "ticket")
        assert isinstance(desk.screen, Ticket)
        await pilot.press("escape")
        await click(pilot, "halt")
        await until(lambda: face.commands == [Halt()], pilot)


async def test_a_click_on_a_key_of_the_traders_own_is_that_key(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, keymap={"ticket": "t"}) as (pilot, _, desk):
        await click(pilot, "t ticket")
        assert isinstance(desk.screen, Ticket)


@pytest.mark.parametrize(
    ("key", "armed"), [("flatten", "FLATTEN ARMED"), ("quit", "^C again within 3 s leaves the desk")]
)
async def test_no_number_of_clicks_flattens_or_leaves(
    socket: Path, clocks: Clocks, key: str, armed: str
) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        at = foot(pilot).index(key) + 1, 39
        for times in (1, 2, 3):
            await pilot.click(offset=at, times=times)
            await settled(pilot)
            assert armed in foot(pilot)
        desk.post_message(KeyClicked({"flatten": "^X", "quit": "q"}[key]))
        await settled(pilot)
        assert armed in foot(pilot)
        assert face.commands == []
        assert desk.is_running


async def test_under_a_dialog_or_beside_a_line_the_bottom_line_is_no_key(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await pilot.press("slash")
        await click(pilot, "halt")
        assert desk.focused is not None
        assert desk.focused.id == "filter"
        await pilot.press("escape", "o")
        await click(pilot, "flatten")
        assert not desk.orders.is_armed
        assert face.commands == []


async def test_a_click_marks_the_approval_under_it_and_answers_nothing(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, ASKING) as (pilot, face, _):
        await click(pilot, "SOLUSDT long adoption", times=2)
        assert "▸ SOLUSDT long adoption" in words(pilot)
        assert face.commands == []
        await pilot.press("enter")
        await until(lambda: face.commands == [Approve("adopt1", 0)], pilot)


async def test_in_a_menu_a_click_marks_and_only_another_one_acts(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await pilot.press("m")
        await until(lambda: "Close at market  " in words(pilot), pilot)
        await click(pilot, "Close at market", times=2)
        assert isinstance(desk.screen, PositionMenu), "what it does is read first"
        assert face.commands == []
        await click(pilot, "Close at market")
        await until(lambda: face.commands == [Reduce("ETHUSDT", Side.LONG, Decimal(1))], pilot)


async def test_the_second_half_of_a_double_click_is_no_yes(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.KILLED) as (pilot, face, desk):
        await pilot.press("ctrl+r")
        await until(lambda: isinstance(desk.screen, Ask), pilot)
        yes = desk.screen.query_one("#yes")
        second = Click(yes, 1, 0, 0, 0, 1, shift=False, meta=False, ctrl=False, chain=2)
        yes.post_message(second)
        await settled(pilot)
        assert face.commands == []
        await pilot.click("#yes")
        await until(lambda: face.commands == [Resume()], pilot)
