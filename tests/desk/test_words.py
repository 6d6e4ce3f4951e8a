"""How numbers, levels and lines read, without a screen."""

from __future__ import annotations

import itertools
from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from engine.protocol import LimitView, LinkView, Mode, Side, Status, UnknownView
from tests.desk import scenes
from tui.link import Link, LinkState
from tui.view_model import numbers
from tui.view_model.account import strip
from tui.view_model.approvals import approvals
from tui.view_model.asking import copied
from tui.view_model.footer import Dispatch, Reply, arming_line, dispatch_line
from tui.view_model.header import banners, header
from tui.view_model.ink import Ink, Line, Span, cell, cropped, differing, printable, text_of, width_of
from tui.view_model.ladder import ladder, title
from tui.view_model.levels import gaps, kept, levels
from tui.view_model.log import log
from tui.view_model.obstacle import obstacle
from tui.view_model.positions import MEDIUM, Order, bar, columns_for, grid_line, headings, matches, row, rows
from tui.view_model.scene import Freshness, Scene, freshness

UP = Link(LinkState.UP, scenes.NOW, 0, "", 3.0, scenes.HELLO)
GONE = Link(LinkState.GONE, scenes.NOW - 12_000, 3, "nobody listens", None, scenes.HELLO)


def scene(snapshot: object = scenes.LIVE, *, elapsed_ms: int = 0, link: Link = UP) -> Scene:
    assert snapshot is None or hasattr(snapshot, "engine")
    return Scene(link, snapshot, elapsed_ms, scenes.NOW)  # type: ignore[arg-type]


def grid(view: Scene, width: int = 118) -> list[str]:
    return [text_of(grid_line(r, columns_for(width), chosen=False)) for r in rows(view, Order.LIQUIDATION)]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (numbers.signed(D("4.9684")), "+4.97"),
        (numbers.signed(D("-4.9684")), "−4.97"),
        (numbers.signed(D("-0.0000")), "0.00"),
        (numbers.signed(D("-0.004")), "0.00"),
        (numbers.cautious(D("-0.004")), "−0.01"),
        (numbers.cautious(D("2.9799")), "+2.97"),
        (numbers.signed(None), "--"),
        (numbers.fixed(D("NaN"), 2), "--"),
        (numbers.fixed(D("1234567.5"), 1), "1,234,567.5"),
        (numbers.price(D("0"), 1), "none"),
        (numbers.percent(D("0.06282")), "6.3 %"),
        (numbers.percent(D("0.332"), sign=True), "+33.2 %"),
        (numbers.times(D("20")), "20x"),
        (numbers.times(D("6.22")), "6.2x"),
        (numbers.age(42_900), "42s"),
        (numbers.age(7_300_000), "2h"),
        (numbers.age(None), "--"),
        (numbers.countdown(41_001), "0:42"),
        (numbers.countdown(-5), "0:00"),
        (numbers.latency(14.2), "10 ms"),
        (numbers.latency(1234.0), "1.2 s"),
        (numbers.clock(scenes.NOW), "14:03:21"),
        (numbers.snug("96,612.90", 8), "96,612.9"),
        (numbers.snug("1,234,567.89", 9), "1,234,567"),
        (numbers.snug("+1234.56 %", 9), "+1234.5 %"),
    ],
)
def test_numbers_read_as_the_trader_writes_them(said: str, words: str) -> None:
    assert said == words


def test_a_number_too_long_for_its_column_is_visibly_cut_and_never_another_number() -> None:
    assert cell("1,234,567", 6, right=True).text == "1,234…"


def test_what_the_exchange_says_cannot_steer_the_terminal() -> None:
    assert printable("ok\x1b[2Jgone\x07") == "ok [2Jgone "
    hostile = replace(scenes.LIVE.log[0], text="\x1b]52;c;bWluZQ==\x07")
    drawn = log(scene(replace(scenes.LIVE, log=(hostile,))), 60)
    assert all(char.isprintable() for line in drawn for char in text_of(line))


def test_a_mark_is_fresh_for_three_seconds_stale_for_ten_then_lost() -> None:
    grades = [freshness(ms) for ms in (0, 3_000, 3_001, 10_000, 10_001)]
    fresh, stale, lost = Freshness.FRESH, Freshness.STALE, Freshness.LOST
    assert grades == [fresh, fresh, stale, stale, lost]
    assert freshness(None) is lost


def test_a_fresh_row_shows_its_distance_to_liquidation() -> None:
    assert "6.3 % ▆▆▆▆▁▁" in grid(scene())[1]


def test_a_stale_row_says_how_stale_and_shows_no_distance() -> None:
    for line in grid(scene(elapsed_ms=4_000)):
        assert "STALE 4s" in line
        assert "▆" not in line
        assert "6.3 %" not in line


def test_only_the_row_whose_mark_is_old_is_stale() -> None:
    old = replace(scenes.BTC, mark_age_ms=5_200)
    by_symbol = {
        line.split()[0]: line for line in grid(scene(replace(scenes.LIVE, positions=(old, scenes.ETH))))
    }
    assert "STALE 5s" in by_symbol["BTCUSDT"]
    assert "STALE" not in by_symbol["ETHUSDT"]


def test_after_ten_seconds_the_numbers_of_the_mark_are_gone_and_the_exchanges_facts_stay() -> None:
    line = grid(scene(elapsed_ms=11_000))[1]
    assert "95,010.2" not in line
    assert "+4.97" not in line
    assert line.count("--") == 3
    assert "96,612.9" in line
    assert "100,979.0" in line
    assert "STALE 11s" in line


def test_a_stale_row_is_dimmed_all_over_but_for_its_warning() -> None:
    inks = {
        span.ink for span in grid_line(row(scene(elapsed_ms=4_000), scenes.BTC), MEDIUM, chosen=False)[1:]
    }
    assert inks == {Ink.FADED, Ink.WARN}


def test_a_position_without_a_mark_is_lost_and_not_zero() -> None:
    blind = replace(
        scenes.BTC, mark=None, mark_age_ms=None, unrealized_pnl=None, unrealized_return=None, distance=None
    )
    line = grid(scene(replace(scenes.LIVE, positions=(blind,))))[0]
    assert "STALE --" in line
    assert line.count("--") == 4
    assert "+0.00" not in line


@pytest.mark.parametrize("width", [58, 76, 78, 98, 108, 118, 138, 158, 180, 198, 238])
def test_headings_stand_over_their_columns_and_lines_fit_the_frame(width: int) -> None:
    columns = columns_for(width)
    heads = text_of(headings(columns))
    for line in grid(scene(), width):
        assert len(line.rstrip()) <= width
        assert len(line) == len(heads)
    assert len(heads.rstrip()) <= width
    for name in ("SYMBOL", "MARK", "uPnL", "TO LIQ", "STATUS"):
        assert name in heads, "what a trader looks at first is in every terminal that the desk draws in"


def test_columns_stand_apart_by_what_room_there_is_and_more_room_first_means_more_columns() -> None:
    told = {width: columns_for(width) for width in (78, 96, 108, 118, 158, 198)}
    assert [columns[0].gap for columns in told.values()] == [1, 1, 2, 1, 1, 2]
    assert [len(columns) for columns in told.values()] == [8, 10, 10, 13, 17, 19]
    assert {column.gap for column in columns_for(400)} == {3}, "no further apart than can be read in one go"


def test_a_wide_grid_tells_of_every_position_how_far_its_rung_is_and_where_its_next_stop_lies() -> None:
    btc, eth = grid(scene(), 198)[::-1]
    assert btc.endswith("   5.0 %      99,293.2  ")
    assert eth.endswith("   1.7 %   liquidation  ")
    reached = replace(scenes.ETH, mark=D("1900"), blocked="the kill switch is on")
    held = replace(scenes.LIVE, positions=(reached, replace(scenes.BTC, next_rung=None)))
    assert [row.split()[-2] for row in grid(scene(held), 198)] == ["blocked", "none"]
    assert "--  " in grid(scene(elapsed_ms=4_000), 198)[0][-25:], "not from a stale mark"


def test_the_nearest_liquidation_comes_first_and_an_unknown_distance_before_it() -> None:
    unknown = replace(scenes.BTC, key="X", symbol="X", distance=None)
    never = replace(scenes.BTC, key="N", symbol="N", liquidation=D(0), distance=None)
    view = scene(replace(scenes.LIVE, positions=(never, scenes.BTC, scenes.ETH, unknown)))
    assert [r.position.symbol for r in rows(view, Order.LIQUIDATION)] == ["X", "ETHUSDT", "BTCUSDT", "N"]


def test_the_bar_is_empty_at_liquidation_and_full_at_ten_per_cent() -> None:
    assert [bar(D(d)) for d in ("0", "0.05", "0.1", "3")] == ["▁▁▁▁▁▁", "▆▆▆▁▁▁", "▆▆▆▆▆▆", "▆▆▆▆▆▆"]


def test_a_filter_finds_symbol_side_and_status() -> None:
    assert matches(scenes.BTC, "btc short")
    assert matches(scenes.STRANGER, "unmanaged")
    assert matches(scenes.RISK_FREE, "risk-free")
    assert not matches(scenes.BTC, "btc long")


def test_side_and_result_never_rest_on_colour_alone() -> None:
    line = grid(scene())[1]
    assert "▼ SHORT" in line
    assert "+4.97" in line


def test_risk_free_appears_when_the_worst_case_is_no_loss_and_not_before() -> None:
    assert "RISK-FREE" in grid(scene(scenes.FREE))[1]
    assert "RISK-FREE" not in "".join(grid(scene()))


def test_a_paused_position_keeps_its_word_and_its_title_says_why_and_that_it_is_risk_free() -> None:
    paused = replace(scenes.RISK_FREE, status=Status.PAUSED, reason="trader moved the stop")
    assert "PAUSED" in grid(scene(replace(scenes.LIVE, positions=(paused,))))[0]
    assert title(paused) == "BTCUSDT ▼ SHORT · PAUSED (trader moved the stop) · RISK-FREE · 3 legs"


def test_levels_run_from_the_highest_price_down() -> None:
    found = levels(scene(), scenes.BTC)
    assert [(str(level.at), level.glyph) for level in found] == [
        ("100979.0", "✖"),
        ("100000.0", "■"),
        ("100000.0", "○"),
        ("99293.2", "■"),
        ("98071.2", "="),
        ("95010.2", "●"),
        ("95000.0", "○"),
        ("90250.0", "◎"),
    ]


def test_a_low_panel_lets_entries_go_first_and_never_the_mark_the_next_stop_or_liquidation() -> None:
    shown = kept(levels(scene(), scenes.BTC), 4)
    assert [level.glyph for level in shown] == ["✖", "■", "●", "◎"]
    assert str(shown[1].at) == "99293.2"


def test_the_axis_is_to_scale() -> None:
    shown = kept(levels(scene(), scenes.BTC), 4)
    between = gaps(shown, 24)
    assert sum(between) == 20
    steps = [float(a.at - b.at) for a, b in itertools.pairwise(shown)]
    assert all(abs(lines - 20 * step / sum(steps)) < 1 for lines, step in zip(between, steps, strict=True))


def test_a_stop_that_was_not_read_back_says_so() -> None:
    stop = replace(scenes.BTC.stops[0], confirmed=False, state="moving")
    doubtful = replace(scenes.BTC, stops=(stop,))
    drawn = "\n".join(text_of(line) for line in ladder(scene(), doubtful, 74, 26))
    assert "□ stop 2  0.0021 margin moving" in drawn
    placed = replace(scenes.BTC, stops=(replace(stop, state="resting"),))
    drawn = "\n".join(text_of(line) for line in ladder(scene(), placed, 74, 26))
    assert "□ stop 2  0.0021 margin unconfirmed" in drawn


def test_a_stop_that_is_not_the_ladders_says_whose_it_is() -> None:
    stop = replace(scenes.BTC.stops[0], leg=None, why="entry's stop", ours=False)
    beside = replace(scenes.BTC, stops=(stop,))
    drawn = "\n".join(text_of(line) for line in ladder(scene(), beside, 74, 26))
    assert "■ entry's stop  0.0021 " in drawn
    assert "margin" not in drawn


def test_the_ladder_reads_as_a_ladder() -> None:
    drawn = [text_of(line).rstrip() for line in ladder(scene(), scenes.BTC, 78, 8)]
    assert drawn == [
        " 100,979.0 ✖ liquidation                    │ LEG    SIZE      ENTRY LEV LOCK",
        " 100,000.0 ■ stop 1  0.0010 entry      0.00 │ 2 ◂  0.0021   95,000.0 20x no",
        "  99,293.2 ■ stop 2  0.0021 margin    −9.02 │ 1    0.0010  100,000.0 20x yes",
        "  95,010.2 ● mark                     +4.97 │",
        "  90,250.0 ◎ rung 2  bank 0.0010 add 9.93   │",
        " worst case −4.50 · banked +5.00 · after rung 2 +2.97 · fees −0.30",
        " If machine dies: 2 stops rest on Bitget, nearest 99,293.2; no further rung;",
        " at worst −4.50 USDT.",
    ]


@pytest.mark.parametrize("width", [40, 58, 74, 94, 134])
@pytest.mark.parametrize("height", [3, 6, 9, 20, 40])
@pytest.mark.parametrize(
    "position", [scenes.BTC, scenes.ETH, scenes.STRANGER, scenes.RISK_FREE], ids=lambda p: p.key
)
def test_a_ladder_never_overflows_its_panel(position: object, width: int, height: int) -> None:
    drawn = ladder(scene(), position, width, height)  # type: ignore[arg-type]
    assert all(width_of(line) <= width for line in drawn)
    assert len(drawn) <= height
    if height >= 6:
        words = "\n".join(text_of(line) for line in drawn)
        assert all(sign in words for sign in "●✖"), "the mark and liquidation never give way"


def test_an_unmanaged_position_says_why_and_how_to_change_it() -> None:
    drawn = "\n".join(text_of(line) for line in ladder(scene(scenes.UNMANAGED), scenes.STRANGER, 78, 10))
    assert "Not managed: SOLUSDT is not in the list of managed symbols · a adopts it" in drawn
    assert "worst case" not in drawn


def test_the_distance_of_levels_is_not_drawn_from_a_stale_mark() -> None:
    fresh = "\n".join(text_of(line) for line in ladder(scene(), scenes.BTC, 74, 26))
    stale = "\n".join(text_of(line) for line in ladder(scene(elapsed_ms=4_000), scenes.BTC, 74, 26))
    assert "+6.28 %" in fresh
    assert "%" not in stale
    assert "mark  stale" in stale


@pytest.mark.parametrize(("mode", "ink"), [(Mode.LIVE, Ink.LIVE), (Mode.DEMO, Ink.DEMO), (Mode.SIM, Ink.SIM)])
def test_whose_money_it_is_stands_first_as_word_and_colour(mode: Mode, ink: Ink) -> None:
    engine = replace(scenes.ENGINE, mode=mode, account="a-very-long-name-of-an-account" * 3)
    line = header(scene(replace(scenes.LIVE, engine=engine)), 80)
    assert Span(f" {mode} ", ink) in line
    assert width_of(line) == 80


def test_the_engines_clock_is_never_carried_forward() -> None:
    assert "14:03:21" in text_of(header(scene(elapsed_ms=8_000), 120))


def test_a_lost_connection_of_the_engine_is_named() -> None:
    down = replace(
        scenes.LIVE,
        links=(scenes.LINKS[0], LinkView("private", False, 12_000, None, 3, "closed"), scenes.LINKS[2]),
    )
    assert "Bitget ✖ private 12s retry 3" in text_of(header(scene(down), 120))


def said(view: Scene, width: int = 120) -> list[str]:
    return [text_of(line).strip() for line in banners(view, width)]


def test_trades_that_are_not_read_are_said_although_all_else_is_known() -> None:
    behind = replace(scenes.LIVE, engine=replace(scenes.ENGINE, unread=("trades",)))
    assert said(scene(behind)) == ["NOT ALL IS READ: reading trades · no rung runs until then"]


def test_killed_is_said_in_words() -> None:
    assert said(scene(scenes.KILLED)) == [
        "HALTED by the desk on pts/3 at 14:03:17 · no new risk · 2 stops stay · ^R resumes"
    ]
    watcher = Scene(UP, scenes.KILLED, 0, scenes.NOW, read_only=True)
    assert said(watcher) == ["HALTED by the desk on pts/3 at 14:03:17 · no new risk · 2 stops stay"]
    limit = replace(scenes.ENGINE, killed="by the engine: equity 79.90 is below 80", killed_at=0)
    assert said(scene(replace(scenes.KILLED, engine=limit))) == [
        "HALTED by the engine: equity 79.90 is below 80 · no new risk · 2 stops stay · ^R resumes"
    ]
    assert " HALTED " in text_of(header(scene(scenes.KILLED), 80))


def test_a_gone_engine_is_said_with_since_when_and_how_often_it_was_tried() -> None:
    assert said(scene(elapsed_ms=12_000, link=GONE)) == [
        "ENGINE GONE since 14:03:09 (12s) · retry 3 · values are old · 2 stops rested"
    ]


def test_a_silent_engine_is_not_a_calm_market() -> None:
    assert said(scene(elapsed_ms=4_000)) == ["ENGINE SILENT for 4s: what you see is that old"]


def test_everything_that_is_not_known_is_said() -> None:
    troubled = replace(
        scenes.LIVE,
        engine=replace(
            scenes.ENGINE,
            reconciled=False,
            unread=("orders",),
            read_only="a second engine is running",
            hindered="only 12 MB are free on the disk of the journal",
        ),
        unknown=(UnknownView("r1", "add", "BTCUSDT", scenes.NOW - 7_000, "timeout"),),
        limits=(LimitView("daily loss", "20 %", "20.4 %", True), LimitView("cycles", "2", "1", False)),
    )
    assert said(scene(troubled)) == [
        "ENGINE READ-ONLY: a second engine is running",
        "NOTHING IS ADDED: only 12 MB are free on the disk of the journal",
        "NOT RECONCILED: reading orders · nothing is added until it is read",
        "OUTCOME UNKNOWN: BTCUSDT add, sent 7s ago (timeout), looking it up",
        "LIMIT HIT: daily loss 20.4 %, limit 20 %",
    ]


def test_a_calm_market_has_no_banner() -> None:
    assert said(scene()) == []


@pytest.mark.parametrize("width", [80, 120])
def test_a_worst_case_that_leaves_somebody_out_says_so(width: int) -> None:
    assert "+?" not in "".join(map(text_of, strip(scene(), width)))
    assert "−4.50 +?" in "".join(map(text_of, strip(scene(scenes.UNMANAGED), width)))


def test_the_account_is_unknown_once_the_engine_is_silent_for_ten_seconds() -> None:
    drawn = "".join(text_of(line) for line in strip(scene(elapsed_ms=11_000), 120))
    assert drawn.count("--") == 10
    assert "109.70" not in drawn


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_the_account_strip_fits(width: int) -> None:
    assert all(width_of(line) <= width for line in strip(scene(), width))


@pytest.mark.parametrize("width", [42, 58, 60, 76])
def test_no_number_of_an_approval_is_ever_cut(width: int) -> None:
    drawn = " ".join(text_of(line) for line in approvals(scene(scenes.ASKING), width, 0))
    for number in ("0.10", "9.59", "−9.83", "−4.41", "1,863.61", "1,882.33", "0:42"):
        assert number in drawn


def test_an_answer_that_is_too_long_leaves_out_what_was_asked_and_never_what_became_of_it() -> None:
    long = "Halted: nothing that adds risk. 2 stops rest on Bitget; BTCUSDT long: no stop rests."
    halt = Dispatch("halt", Reply.DONE, long)
    assert text_of(dispatch_line(halt, 120)).rstrip() == f" ✓ halt · done · {long}"
    assert text_of(dispatch_line(halt, 90)).rstrip() == f" ✓ {long}"
    assert text_of(dispatch_line(Dispatch("halt", Reply.REFUSED, long), 90)).startswith(" ✖ refused · Halted")
    assert text_of(dispatch_line(halt, 60)).endswith("…")


def test_flatten_names_only_what_it_closes() -> None:
    assert "closes 1 position at market and halts: BTCUSDT short 0.0031" in text_of(
        arming_line(scenes.UNMANAGED.positions, 160, key="^X")
    )


def test_log_lines_come_newest_first_with_a_sign_for_their_loudness() -> None:
    drawn = [text_of(line).rstrip() for line in log(scene(scenes.KILLED), 100)]
    assert drawn[0] == " 14:03:17 ‼ halted by desk on pts/3: nothing adds risk, stops stay"
    assert drawn[1].startswith(" 14:03:12 ! ETHUSDT")


def test_a_line_that_is_too_long_ends_in_an_ellipsis() -> None:
    long: Line = (Span("worst case "), Span("−1,234.56", Ink.LOSS))
    assert text_of(cropped(long, 15)) == "worst case −1,…"
    assert cropped(long, 20) == long


def test_another_protocol_and_a_small_terminal_stand_in_the_way() -> None:
    foreign = Link(LinkState.FOREIGN, scenes.NOW, 0, "The engine speaks protocol 2.", None, None)
    found = obstacle(scene(link=foreign), 120, 40)
    assert found is not None
    assert found.title == "ANOTHER PROTOCOL"
    assert obstacle(scene(), 60, 15) is None
    assert obstacle(scene(), 59, 15) is not None
    assert obstacle(scene(), 60, 14) is not None


def test_a_copied_row_has_every_digit() -> None:
    assert copied(scenes.BTC).startswith("BTCUSDT\tshort\t96612.9032\t95010.2\t0.0031\t14.975\t20x\t4.9684")
    assert scenes.BTC.side is Side.SHORT


def test_only_the_cells_up_to_the_last_that_differs_are_drawn_again() -> None:
    old: Line = (Span("mark "), Span("95,010", Ink.BRIGHT), Span(" short"), Span(" ×2", Ink.LOSS))
    new: Line = (Span("mark "), Span("95,011", Ink.BRIGHT), Span(" short"), Span(" ×2", Ink.LOSS))
    assert differing(old, new) == 11
    assert differing(old, old) == 0
    assert differing(old, (*old[:3], Span(" ×2", Ink.GAIN))) == 20
    assert differing(old, (*old, Span(" more"))) == 25, "what is longer or shorter is drawn whole"
    assert differing((), old) == 20
