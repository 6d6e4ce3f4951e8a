"""Keys that come before what they are meant for."""

from __future__ import annotations

from pathlib import Path

from textual.events import Key

from tests.desk import scenes
from tests.desk.conftest import Clocks, until, watching
from tui.screens.desk import DeskScreen
from tui.widgets.filter_line import FilterLine


async def test_what_is_typed_at_once_after_the_slash_is_the_filters(socket: Path, clocks: Clocks) -> None:
    """A quick hand, or a paste: the line had no focus yet, and its letters were commands of the page."""
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, face, desk):
        for _ in range(2):
            for key in ("slash", "o", "x", "5"):
                desk.post_message(Key(key, "/" if key == "slash" else key))
            await until(lambda: desk.query("FilterLine"), pilot)
            await until(lambda: desk.query_one(FilterLine).value == "ox5", pilot)
            assert type(desk.screen) is DeskScreen
            await pilot.press("escape")
        assert face.commands == []
