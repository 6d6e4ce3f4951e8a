"""The other screens: History, Journal, Settings, Signals, and the chart on the Desk."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol import Candle, ChartView, Enter, EquityPoint, Halt, LimitView, OptionView, Side
from tests.desk import past, scenes
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tui.screens.desk import DeskScreen
from tui.screens.history import HistoryScreen
from tui.screens.journal import JournalScreen
from tui.screens.settings import SettingsScreen
from tui.view_model.chart import Rule, distances, grouped, labelled, picture, sparkline
from tui.view_model.history import drawdown, inside, record
from tui.view_model.ink import Ink, text_of
from tui.view_model.options import option_line
from tui.view_model.story import Loudness, next_match, wanted
from tui.view_model.ticket import limit_facts
from tui.widgets.positions_grid import PositionsGrid

SHORT = replace(scenes.LIVE, positions=(scenes.BTC,))


async def test_every_number_key_opens_its_screen_and_the_kill_key_works_on_each(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, desk):
        for number, name in enumerate(("Desk", "Signals", "History", "Journal", "Settings"), 1):
            await pilot.press(str(number))
            await settled(pilot)
            assert type(desk.screen).__name__.startswith(name)
            await pilot.press("ctrl+k")
            await until(lambda number=number: len(face.commands) == number, pilot)
        assert face.commands == [Halt()] * 5


async def test_the_desk_keeps_its_cursor_while_another_screen_is_in_front(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("end")
        assert isinstance(desk.screen, DeskScreen)
        chosen = desk.screen.grid.chosen
        await pilot.press("3", "1")
        await settled(pilot)
        assert isinstance(desk.screen, DeskScreen)
        assert desk.screen.grid.chosen == chosen == "BTCUSDT:short"


async def test_a_number_key_leaves_a_dialog_alone(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, _, desk):
        await pilot.press("a", "3")
        await at_rest(pilot)
        assert isinstance(desk.page, DeskScreen)


async def test_the_history_tells_what_all_cycles_came_to_and_opens_one(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        await pilot.press("3")
        await until(lambda: "Ended 7  Net +4.60" in words(pilot), pilot)
        assert "Profit factor 1.29" in words(pilot)
        assert "Equity 108.88" in words(pilot)
        await pilot.press("down", "enter")
        await until(lambda: "BTCUSDT short · ended 2025-05-08 05:03:21 · +11.20 USDT" in words(pilot), pilot)
        for told in ("Legs", "Rungs", "Trades", "94,998.2", "ladder stop"):
            assert told in words(pilot), told
        await pilot.press("escape")
        await settled(pilot)
        assert "Equity 108.88" in words(pilot)
        await pilot.press("w")
        await until(lambda: isinstance(desk.page, JournalScreen), pilot)
        assert isinstance(desk.page, JournalScreen)
        await until(lambda: desk.page.subject == "past1", pilot)  # type: ignore[union-attr]


async def test_the_history_can_be_filtered(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        await pilot.press("3")
        await until(lambda: "Cycles 8" in words(pilot), pilot)
        await pilot.press("slash", *"stop", "enter")
        await settled(pilot)
        page = desk.page
        assert isinstance(page, HistoryScreen)
        assert {cycle.reason for cycle in page.shown} == {"stop"}
        assert "Cycles 3" in words(pilot)


async def test_a_history_that_cannot_be_read_says_why(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        del face.looks["/v1/history"]
        await pilot.press("3")
        await until(lambda: "there is no /v1/history" in words(pilot), pilot)


async def test_what_was_not_read_is_unknown_and_neither_zero_nor_up(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, desk):
        await face.vanish()
        await until(lambda: desk.scene.is_gone, pilot)
        await pilot.press("3")
        await until(lambda: "Ended --  Net --" in words(pilot), pilot)
        assert "Funding --" in words(pilot)
        assert "The curve begins" not in words(pilot)
        await pilot.press("5")
        await until(lambda: "?  public" in words(pilot) or "? public" in words(pilot), pilot)
        assert "● public" not in words(pilot)
        assert "not the default" not in words(pilot)
        clocks.pass_s(11)
        await until(lambda: "? daily loss   --, limit" in words(pilot), pilot)


async def test_the_journal_tells_the_selected_position_newest_first(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        await pilot.press("w")
        await until(lambda: "Story of BTCUSDT short · c1 · 8 of 8 lines" in words(pilot), pilot)
        page = desk.page
        assert isinstance(page, JournalScreen)
        assert page.shown[0].seq == 143
        await pilot.press("l", "l")
        await settled(pilot)
        assert "Story of BTCUSDT short · c1 · 1 of 8 lines" in words(pilot)
        await pilot.press("l", "slash", *"bank", "enter")
        await settled(pilot)
        assert "2 of 8 lines" in words(pilot)
        await pilot.press("y")
        assert desk.clipboard.startswith("140\t2025-05-08 14:02:58\tsent\t")


async def test_the_journal_finds_words_round_and_round(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        await pilot.press("4")
        await until(lambda: "8 of 8" in words(pilot), pilot)
        page = desk.page
        assert isinstance(page, JournalScreen)
        await pilot.press("f", *"fill", "enter")
        await settled(pilot)
        assert page.shown[page.listing.chosen].text.startswith("a fill of 0.0020")
        await pilot.press("slash", *"nothing like it", "enter")
        await settled(pilot)
        assert "No line matches the filter" in words(pilot)


async def test_the_journal_is_read_again_as_soon_as_it_is_in_front(
    socket: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.journal.READ_S", 3600.0)
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        await pilot.press("4")
        await until(lambda: "8 of 8" in words(pilot), pilot)
        await pilot.press("1")
        await settled(pilot)
        asked = len(face.looked)
        await pilot.press("4")
        await until(lambda: len(face.looked) > asked, pilot)


async def test_the_journal_reads_another_name(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        face.looks["/v1/why/ETHUSDT"] = past.WHY[:2]
        await pilot.press("4")
        await until(lambda: "8 of 8" in words(pilot), pilot)
        await pilot.press("g", *"ethusdt", "enter")
        await until(lambda: "Story of ETHUSDT · 2 of 2 lines" in words(pilot), pilot)
        await pilot.press("g", *"nobody", "enter")
        await until(lambda: "there is no /v1/why/nobody" in words(pilot), pilot)


async def test_a_cycle_that_is_looked_into_goes_on_and_ends_before_the_traders_eyes(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        still = replace(past.STORY, cycle=replace(past.STORY.cycle, closed=0, reason="active"))
        face.looks["/v1/history/past1"] = still
        await pilot.press("3")
        page = desk.page
        assert isinstance(page, HistoryScreen)
        await until(lambda: page.shown, pilot)
        at = next(k for k, cycle in enumerate(page.shown) if cycle.cycle == "past1")
        await pilot.press(*["down"] * at, "enter")
        await until(lambda: "still open" in words(pilot), pilot)
        face.looks["/v1/history/past1"] = past.STORY
        page._read_again()
        await until(lambda: "ended: " in words(pilot), pilot)
        assert "still open" not in words(pilot)


async def test_the_settings_tell_where_each_value_comes_from(socket: Path, clocks: Clocks) -> None:
    limits = (LimitView("daily loss", "20.00 (20.0 %)", "4.00", False, "16.00 left today"),)
    async with watching(socket, clocks, replace(SHORT, limits=limits)) as (pilot, _, desk):
        await pilot.press("5")
        await until(lambda: "RATCHET_LIMITS__DAILY" in words(pilot), pilot)
        assert "16.00 left today" in words(pilot)
        assert "0.1.0, process 4711" in words(pilot)
        await pilot.press("slash", *"ladder", "enter")
        await settled(pilot)
        page = desk.page
        assert isinstance(page, SettingsScreen)
        assert [option.name for option in page.shown] == ["ladder.roe", "ladder.stops"]


async def test_a_theme_is_tried_while_the_cursor_passes_it_and_left_with_escape(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        await pilot.press("5", "t", "home")
        await until(lambda: desk.theme != "ratchet-dark", pilot)
        await pilot.press("escape")
        await until(lambda: desk.theme == "ratchet-dark", pilot)
        await pilot.press("t", "end")
        worn = desk.theme
        await pilot.press("enter")
        await settled(pilot)
        assert desk.theme == worn != "ratchet-dark"
        assert f"theme {worn} · done · until the desk closes" in words(pilot)


async def test_another_keymap_holds_at_once(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("5", "m", "end", "enter")
        await settled(pilot)
        assert desk.looks.keymap == "vim"
        await pilot.press("1", "G")
        await settled(pilot)
        assert isinstance(desk.screen, DeskScreen)
        assert desk.screen.grid.chosen == "BTCUSDT:short"


async def test_the_signals_screen_is_honest_about_having_none(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, _desk):
        await pilot.press("2")
        await settled(pilot)
        assert "No signal is configured on this engine." in words(pilot)


async def test_the_chart_stands_in_the_place_of_the_ladder(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, desk):
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" in words(pilot)
        await pilot.press("c")
        await until(lambda: "5 min candles" in words(pilot), pilot)
        for told in (
            "● mark 95,010.2 · ○ entry 2 95,000.0",
            "to liquidation",
            "outside: ■ stop 2 99,293.2",
            "12:40",
        ):
            assert told in words(pilot), told
        await pilot.press("c")
        await settled(pilot)
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" in words(pilot)
        await until(lambda: desk.scene.snapshot is not None, pilot)


async def test_a_chart_without_marks_says_when_it_begins(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        face.looks["/v1/chart/BTCUSDT"] = ChartView("BTCUSDT", past.CHART.candles[:1])
        await pilot.press("c")
        await until(lambda: "The chart begins with the engine" in words(pilot), pilot)


def candle(minute: int, *prices: int) -> Candle:
    opens, high, low, close = prices
    return Candle(minute * 60_000, D(opens), D(high), D(low), D(close))


def test_candles_are_grouped_by_the_clock() -> None:
    three = grouped((candle(4, 10, 12, 9, 11), candle(5, 11, 15, 11, 14), candle(9, 14, 14, 8, 8)), 5)
    assert [(c.at // 60_000, c.open, c.high, c.low, c.close) for c in three] == [
        (0, 10, 12, 9, 11),
        (5, 11, 15, 8, 8),
    ]


def test_a_level_far_from_the_candles_is_named_and_does_not_squeeze_them() -> None:
    shown = picture(past.CHART, scenes.BTC, 100)
    assert shown.minutes == 5
    assert all(D(94_000) < rule.price < D(97_000) for rule in shown.rules)
    assert "✖ liquidation 100,979.0" in shown.left_out
    assert [mark.glyph for mark in shown.marks] == ["×", "○"]


def test_levels_on_one_row_share_their_words_and_the_mark_keeps_its_ink() -> None:
    shown = picture(past.CHART, scenes.BTC, 100)
    ((rule, named),) = (pair for pair in labelled(shown.rules, D(50), 1, 60) if "mark" in pair[1])
    assert named == "● mark 95,010.2 · ○ entry 2 95,000.0"
    assert rule.price == scenes.BTC.mark


def test_a_liquidation_beside_an_entry_is_named_at_its_own_price_and_never_gives_way() -> None:
    rules = (
        Rule(D("2115.13"), "○ entry 1", Ink.LABEL),
        Rule(D("2116.02"), "○ entry 2", Ink.LABEL),
        Rule(D("2104.23"), "✖ liquidation", Ink.LOSS),
    )
    ((rule, named),) = labelled(rules, D(15), 2, 80)
    assert named == "○ entry 2 2,116.02 · ○ entry 1 2,115.13 · ✖ liquidation 2,104.23"
    assert rule.price == D("2104.23"), "the line is drawn where it hurts"
    ((_, named),) = labelled(rules, D(15), 2, 30)
    assert named == "✖ liquidation 2,104.23"


def test_levels_that_have_no_room_beside_each_other_are_told_once_or_counted_and_never_cut() -> None:
    rules = (
        Rule(D("2150.20"), "■ stop 1", Ink.ACCENT),
        Rule(D("2150.20"), "■ stop 2", Ink.ACCENT),
        Rule(D("2139.50"), "✖ liquidation", Ink.LOSS),
    )
    told = [named for room in (62, 61, 37) for _, named in labelled(rules, D(15), 2, room)]
    assert told == [
        "■ stop 1 2,150.20 · ■ stop 2 2,150.20 · ✖ liquidation 2,139.50",
        "■ stop 1 ■ stop 2 2,150.20 · ✖ liquidation 2,139.50",
        "✖ liquidation 2,139.50 · 2 more",
    ]


def test_the_distance_is_that_of_the_worst_mark_of_each_minute() -> None:
    chart = ChartView("X", (candle(1, 90, 95, 80, 90), candle(2, 90, 99, 90, 90)))
    assert distances(chart, D(100), 10) == (D(5) / 95, D(1) / 99)
    assert distances(chart, D(0), 10) == ()
    added = replace(past.CHART.trades[-1], at=chart.candles[-1].at + 30_000)
    assert distances(replace(chart, trades=(added,)), D(100), 10) == (D(1) / 99,), "a fill moved it"
    assert sparkline((D(1), D(2), D(8))) == "▁▂█"
    assert sparkline((D(1), D(1))) == "▄▄"


def test_the_record_counts_only_what_ended() -> None:
    of = record(past.CYCLES, past.CURVE)
    assert (of.cycles, of.wins, of.net) == (7, 4, D("4.60"))
    assert of.profit_factor == D("20.69") / D("16.09")
    assert record(past.CYCLES[:1], ()).profit_factor is None


def test_drawdown_is_the_deepest_fall_from_a_top() -> None:
    curve = tuple(EquityPoint(k, D(equity), D(0)) for k, equity in enumerate((100, 120, 90, 130, 117)))
    assert drawdown(curve) == D("0.25")
    assert drawdown(()) is None


def test_a_story_is_filtered_by_words_and_loudness() -> None:
    assert [step.seq for step in wanted(past.WHY, "rung begins", Loudness.ALL)] == [140]
    assert [step.seq for step in wanted(past.WHY, "", Loudness.WARNING)] == [143]
    assert Loudness.WARNING.following is Loudness.ALL
    shown = wanted(past.WHY, "", Loudness.ALL)
    assert next_match(shown, "FILL", 0) == 7
    assert next_match(shown, "nowhere", 0) is None
    assert next_match((), "x", 0) is None


def test_a_long_value_has_the_room_that_a_wide_terminal_leaves() -> None:
    long = OptionView(
        "managed", "{ BTCUSDT = 20, ETHUSDT = 40, SOLUSDT = 10 }", "file", "line 3 of config.toml"
    )
    wide = text_of(option_line(long, 148))
    assert long.value in wide
    assert long.where in wide[:148]


def test_the_money_of_a_cycle_is_never_cut_in_a_narrow_terminal() -> None:
    told = [text_of(words) for words in inside(past.STORY, scenes.NOW, 77)]
    assert all(len(words) <= 77 and not words.endswith("…") for words in told), told
    assert all(name in " ".join(told[:3]) for name in ("Net", "Realised", "fees", "funding", "Opened"))
    for title, right_of in (("FEES", "−0.12"), ("ADDED", "0.0021"), ("CAUSE", "order")):
        at = next(k for k, words in enumerate(told) if title in words)
        assert right_of in told[at + 1], title


def test_what_has_no_room_in_a_cycle_says_so() -> None:
    cause = replace(past.STORY.trades[0], cause="the trader closed it by hand on the exchange")
    told = [text_of(words) for words in inside(replace(past.STORY, trades=(cause,)), scenes.NOW, 77)]
    assert told[-1].endswith("…")
    assert cause.cause in text_of(inside(replace(past.STORY, trades=(cause,)), scenes.NOW, 196)[-1])


def test_the_limits_that_an_entry_keeps_are_told_apart() -> None:
    entry = past.ticket(Enter("BTCUSDT", Side.LONG, margin=D(5)))
    kept = tuple(LimitView(name, "1", "0", False) for name in ("daily loss at worst", "kill below, at worst"))
    ((_, words),) = limit_facts(replace(entry, limits=kept))
    assert words == "daily loss at worst · kill below, at worst"


async def test_escape_shows_all_again_when_a_kept_filter_hides_positions(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        grid = desk.screen.query_one(PositionsGrid)
        await pilot.press("slash", *"eth", "enter")
        await settled(pilot)
        assert grid.border_title == "Positions 1 of 2"
        await pilot.press("ctrl+x", "escape")
        await settled(pilot)
        assert grid.border_title == "Positions 1 of 2", "an armed flatten is what escape is for first"
        assert not desk.orders.is_armed
        await pilot.press("escape")
        await settled(pilot)
        assert grid.border_title == "Positions 2"
