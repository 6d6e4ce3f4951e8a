"""What is counted and summed on the screen is true of what stands beside it."""

from __future__ import annotations

from decimal import Decimal as D

from msgspec.structs import replace

from engine.protocol import PositionView, Snapshot
from tests.desk import scenes
from tui.link import Link, LinkState
from tui.view_model.account import strip
from tui.view_model.header import banners
from tui.view_model.ink import text_of
from tui.view_model.ladder import ladder
from tui.view_model.scene import Scene

UP = Link(LinkState.UP, scenes.NOW, 0, "", 3.0, scenes.HELLO)
GONE = Link(LinkState.GONE, scenes.NOW - 12_000, 3, "nobody listens", None, scenes.HELLO)
LIVE = Scene(UP, scenes.LIVE, 0, scenes.NOW)


def halted(*positions: PositionView) -> Snapshot:
    return replace(scenes.KILLED, positions=positions)


def said(snapshot: Snapshot, link: Link = UP) -> str:
    return text_of(banners(Scene(link, snapshot, 0, scenes.NOW), 120)[0]).strip()


def drawn(view: Scene, position: PositionView, width: int, height: int) -> list[str]:
    return [text_of(line) for line in ladder(view, position, width, height)]


def test_a_banner_counts_the_stops_that_rest() -> None:
    first, second = scenes.BTC.stops
    bare, one = replace(scenes.BTC, stops=()), replace(scenes.BTC, stops=(first,))
    placing = replace(scenes.BTC, stops=(replace(first, state="placing"), replace(second, state="moving")))
    assert "no new risk · 2 stops stay · ^R resumes" in said(halted(scenes.BTC, scenes.ETH))
    assert "no new risk · 1 stop stays · ^R resumes" in said(halted(one, scenes.ETH))
    assert "no new risk · 1 stop stays · ^R resumes" in said(halted(placing))
    assert "no new risk · no stop rests · ^R resumes" in said(halted(bare, scenes.ETH))
    assert said(halted(bare), GONE).endswith("values are old · no stop rested")


def test_at_80_cells_the_banner_of_a_halt_still_says_how_many_stops_stay_and_what_ends_it() -> None:
    [told] = banners(Scene(UP, scenes.KILLED, 0, scenes.NOW), 80)
    assert text_of(told).strip() == "HALTED by the desk on pts/3 at 14:03:17 · 2 stops stay · ^R resumes"


def test_a_banner_counts_nothing_where_nothing_is_under_care() -> None:
    assert "no new risk · ^R resumes" in said(halted())
    assert "no new risk · ^R resumes" in said(halted(scenes.STRANGER))
    assert said(halted(), GONE).endswith("values are old")


def test_the_worst_case_of_the_account_is_the_sum_of_those_below_it() -> None:
    positions = replace(scenes.BTC, worst_case=D("-3.871")), replace(scenes.ETH, worst_case=D("-9.889"))
    account = replace(scenes.LIVE.account, worst_case=D("-13.760"))
    cents = replace(scenes.LIVE, account=account, positions=(*positions, scenes.STRANGER))
    told = "".join(text_of(line) for line in strip(Scene(UP, cents, 0, scenes.NOW), 120))
    assert "−13.77" in told, "-3.88 and -9.89 stand in the rows"


def test_an_account_of_which_nothing_is_known_has_no_worst_case() -> None:
    account = replace(scenes.LIVE.account, worst_case=None)
    told = [text_of(line) for line in strip(Scene(UP, replace(scenes.LIVE, account=account)), 80)]
    assert "Worst -- " in told[1]


def test_in_a_low_panel_the_money_comes_before_the_words_that_have_no_room() -> None:
    [*_, last] = drawn(LIVE, scenes.RISK_FREE, 78, 8)
    assert last.startswith(" If machine dies: at worst +2.97; 3 stops rest on Bitget, nearest 94,328.5;")
    assert last.endswith("…")


def test_where_there_is_room_the_sentence_is_the_engines_own() -> None:
    [*_, last] = drawn(LIVE, scenes.RISK_FREE, 118, 9)
    assert last == f" If machine dies: {scenes.RISK_FREE.if_machine_dies}"


def test_the_next_rung_has_its_units_where_there_is_room_and_never_a_cut_number() -> None:
    assert any("rung 2  bank 0.0010 BTC add 9.93 USDT" in line for line in drawn(LIVE, scenes.BTC, 118, 26))
    assert any("rung 2  bank 0.0010 add 9.93 " in line for line in drawn(LIVE, scenes.BTC, 78, 8))
