"""Two clocks: what is timed by a market of its own says so, and where both agree nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol import Snapshot
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tui.link import Link, LinkState
from tui.view_model.header import header
from tui.view_model.ink import text_of, width_of
from tui.view_model.scene import Scene

UP = Link(LinkState.UP, scenes.NOW, 0, "", 3.0, scenes.HELLO)


def told(width: int, pace: int | None = None, snapshot: Snapshot = scenes.LIVE) -> str:
    return text_of(header(Scene(UP, snapshot, 0, scenes.NOW, pace=pace), width))


def test_a_market_with_a_clock_of_its_own_is_named_at_every_width() -> None:
    assert "  market 14:03  14:03:21 UTC" in told(80)
    assert "  market 05-05 14:03:21  14:03:21 UTC" in told(120)
    assert "  market 2025-05-05 14:03:21  14:03:21 UTC" in told(160)


def test_a_halt_beside_it_takes_the_zone_and_not_the_market() -> None:
    assert " SIM ×60   HALTED  main" in told(80, 60, scenes.KILLED)
    assert "  market 14:03  14:03:21 " in told(80, 60, scenes.KILLED)


def test_how_fast_it_runs_stands_beside_whose_money_it_is() -> None:
    assert " SIM ×60  AUTO main " in told(80, 60)
    assert " SIM paused  AUTO main " in told(80, 0)
    assert " SIM  AUTO main " in told(80)


def test_where_both_clocks_agree_the_header_has_one() -> None:
    for width in (80, 120):
        one = told(width, 1, scenes.REAL_MONEY)
        assert "market" not in one
        assert "×" not in one
        assert "14:03:21 UTC" in one


def test_the_second_clock_gives_way_before_the_kill_state_does() -> None:
    gone = Link(LinkState.GONE, scenes.NOW - 12_000, 31, "nobody listens", None, scenes.HELLO)
    shown = text_of(header(Scene(gone, scenes.LIVE, 0, scenes.NOW, pace=1200), 80))
    assert " SIM  AUTO " in shown, "nor does the pace of a market that nobody watches"
    assert "market" not in shown


@pytest.mark.parametrize("width", [60, 80, 99, 100, 140])
def test_the_header_is_as_wide_as_the_screen(width: int) -> None:
    line = header(Scene(UP, scenes.KILLED, 0, scenes.NOW, read_only=True, pace=1200), width)
    assert width_of(line) == width


@pytest.mark.parametrize(("snapshot", "signed"), [(scenes.LIVE, True), (scenes.REAL_MONEY, False)])
async def test_chart_and_history_say_that_they_are_timed_by_the_market(
    socket: Path, clocks: Clocks, snapshot: Snapshot, signed: bool
) -> None:
    async with watching(socket, clocks, snapshot, size=(80, 24)) as (pilot, _, _desk):
        for keys, shown, title in (
            (("j", "c"), " candles", " candles"),
            (("3",), "enter opens one", "─ Cycles "),
            (("down", "enter"), "esc closes · w", "USDT"),
        ):
            await pilot.press(*keys)
            await until(lambda shown=shown: shown in words(pilot), pilot)  # type: ignore[misc]
            await settled(pilot)
            [frame] = [line for line in words(pilot).splitlines() if title in line and "╭" in line]
            assert (" · market time" in frame) is signed, frame


async def test_the_desk_measures_the_pace_of_the_market_by_what_the_engine_sends(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, size=(80, 24)) as (pilot, face, _):
        assert "×" not in words(pilot).splitlines()[0]
        now = scenes.ENGINE.now + 3_000
        later = replace(scenes.ENGINE, now=now, market=scenes.ENGINE.market + 180_000)
        await face.tell(replace(scenes.LIVE, version=9, engine=later))
        await until(lambda: " SIM ×60 " in words(pilot).splitlines()[0], pilot)
