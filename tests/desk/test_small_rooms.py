"""Terminals that are low or narrow, and desks that are crowded: what matters most stays in view."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol import Level, LogLine
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tui.view_model.log import log
from tui.view_model.scene import Scene
from tui.widgets.approvals_panel import ApprovalsPanel
from tui.widgets.event_log import EventLog

ONE = replace(scenes.LIVE, positions=(scenes.BTC,))


async def test_many_positions_leave_the_ladder_whole_and_the_log_goes_before_it_does(
    socket: Path, clocks: Clocks
) -> None:
    many = tuple(replace(scenes.BTC, key=f"{k}", symbol=f"C{k}USDT") for k in range(9))
    states = ((scenes.LIVE, 24, True), (scenes.KILLED, 24, True), (scenes.LIVE, 17, False))
    for snapshot, height, is_shown in states:
        crowded = replace(snapshot, positions=many)
        async with watching(socket, clocks, crowded, size=(80, height)) as (pilot, _, _desk):
            await until(lambda is_shown=is_shown: ("─ Log ─" in words(pilot)) is is_shown, pilot)
            shown = words(pilot)
            assert "worst case −4.50" in shown, shown
            assert shown.count("╭") == shown.count("╰"), "every frame is closed"


async def test_a_small_terminal_keeps_choices_on_one_line_and_their_worst_cases_in_view(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, ONE, size=(60, 15)) as (pilot, _, _desk):
        await pilot.press("m")
        await until(lambda: "Worst case   −4.50 →" in words(pilot), pilot)
        assert any(
            "Stops: each leg at its own entry" in one and "as now" in one for one in words(pilot).split("\n")
        )


async def test_a_low_terminal_keeps_the_options_and_the_cycles_in_view(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, ONE, size=(60, 15)) as (pilot, _, _desk):
        await pilot.press("5")
        await until(lambda: "bitget.key" in words(pilot) and "daily loss" in words(pilot), pilot)
        await pilot.press("3")
        await until(lambda: "Cycles 8" in words(pilot) and "BTCUSDT" in words(pilot), pilot)
        await pilot.resize_terminal(80, 24)
        await until(lambda: "Equity 108.88" in words(pilot), pilot)
        assert words(pilot).count("╭") == words(pilot).count("╰")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_question_is_as_high_when_it_appears_as_it_stays(
    socket: Path, clocks: Clocks, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, size=size) as (pilot, face, desk):
        panel = desk.screen.query_one(ApprovalsPanel)
        assert panel.room == 0, "it is not shown yet"
        panel.show(Scene(desk.scene.link, scenes.ASKING, 0, scenes.NOW))
        height = len(panel.lines)
        await face.tell(scenes.ASKING)
        await until(lambda: panel.room and "1 waiting" in words(pilot), pilot)
        await settled(pilot)
        assert (len(panel.lines), panel.size.height) == (height, height)


async def test_a_log_that_gets_a_scrollbar_is_wrapped_beside_it(socket: Path, clocks: Clocks) -> None:
    """Also while nothing else happens that would draw it once more."""
    lines = tuple(LogLine(n, scenes.NOW, scenes.NOW, Level.CHATTER, "BTCUSDT", "a " * 100) for n in range(30))
    async with watching(socket, clocks, replace(scenes.LIVE, log=())) as (pilot, face, desk):
        shown = desk.screen.query_one(EventLog)
        assert not shown.show_vertical_scrollbar
        await face.tell(replace(scenes.LIVE, version=9, log=lines))
        await until(lambda: shown.show_vertical_scrollbar, pilot)
        assert shown.lines == log(desk.scene, shown.room)
