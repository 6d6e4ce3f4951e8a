"""The bottom line is true: every key in it does what it says."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tui.pages import PAGES
from tui.view_model.ink import Ink


async def test_with_the_vim_keymap_the_bottom_line_of_the_journal_is_true(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, keymap="vim") as (pilot, _, desk):
        await pilot.press("4")
        await until(lambda: "o go to" in words(pilot), pilot)
        await pilot.press("o")
        await until(lambda: desk.focused is desk.screen.query_one("#goto"), pilot)


async def test_the_numbers_of_the_screens_are_told_only_where_they_do_something(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, _, _desk):
        assert "2 Signals" in words(pilot).splitlines()[-1]
        for opens in ("slash", "m", "o"):
            await pilot.press(opens)
            await settled(pilot)
            assert "2 Signals" not in words(pilot).splitlines()[-1], opens
            await pilot.press("escape")
            await settled(pilot)
        assert "2 Signals" in words(pilot).splitlines()[-1]


async def test_the_bottom_line_never_has_more_than_eight_keys(socket: Path, clocks: Clocks) -> None:
    busy = replace(scenes.KILLED, positions=(scenes.STRANGER, scenes.BTC))
    async with watching(socket, clocks, busy, size=(200, 50)) as (pilot, _, desk):
        for page in "12345":
            await pilot.press(page)
            await settled(pilot)
            told = [span for span in desk.foot_line(400) if span.ink is Ink.KEY]
            assert 3 <= len(told) - len(PAGES) <= 8, page
