"""`watch` says what the desk shows: every figure of the strip, every line of the ladder."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from served import btc_short, snapshot

from engine.commands.particulars import of_limit, of_position
from engine.commands.plain import numbers
from engine.protocol import LimitView, NextRungView

D = Decimal
RUNG = NextRungView(2, D("90250.0"), D("0.0010"), D("9.93"), D("2.97"))


def test_the_ladder_of_a_position_is_told_line_by_line() -> None:
    view = replace(btc_short(), next_rung=RUNG, blocked="the kill switch is on")
    lines = list(of_position(view))
    assert lines[0] == (
        "BTCUSDT short rung 2 at 90,250.0 banks 0.0010, adds 9.93 margin, worst case then profit 2.97, "
        "blocked: the kill switch is on"
    )
    assert sum(" leg " in line and " by the " in line for line in lines) == len(view.legs)
    assert sum(" stop at " in line for line in lines) == len(view.stops)
    assert any("banked profit 5.00, fees 0.30, funding loss 0.02" in line for line in lines)
    assert lines[-1].startswith("BTCUSDT short if this machine stops: ")
    assert lines[-1].endswith("worst case a loss of 4.50")


def test_a_position_without_a_next_rung_says_why_there_is_none() -> None:
    spent = replace(btc_short(), next_rung=None, blocked="leg 1 had its rung; the next needs a leg of yours")
    assert next(of_position(spent)) == (
        "BTCUSDT short has no next rung: leg 1 had its rung; the next needs a leg of yours"
    )


def test_a_stranger_says_why_it_is_one() -> None:
    view = replace(btc_short(), managed=False, reason="not in the list", legs=(), stops=())
    assert next(of_position(view)) == "BTCUSDT short because: not in the list"


def test_the_numbers_hold_all_of_the_account_strip() -> None:
    told = "\n".join(numbers(snapshot()))
    for word in ("equity", "free", "today", "this week", "worst case", "deployed", "leverage", "funding"):
        assert word in told, word
    assert "−" not in told, "a screen reader does not say a bare minus"


def test_a_limit_says_how_far_away_it_is() -> None:
    limit = LimitView("daily loss", "20.00", "4.00", False, "16.00 left today")
    assert of_limit(limit) == "limit daily loss: 4.00, limit 20.00, 16.00 left today"


def test_the_leverage_of_each_leg_and_a_stop_on_its_way_are_told() -> None:
    view = btc_short()
    moving = replace(view, stops=(replace(view.stops[0], state="moving"), *view.stops[1:]))
    told = list(of_position(moving))
    assert all(" margin at 20x, by the " in line for line in told if " leg " in line and " by the " in line)
    assert [", moving" in line for line in told if " stop at " in line] == [
        True,
        *[False] * (len(view.stops) - 1),
    ]


def test_who_is_left_out_of_the_worst_case_is_counted() -> None:
    known = snapshot()
    strangers = tuple(replace(each, managed=False) for each in known.positions)
    assert "not under care" not in "\n".join(numbers(known))
    assert "the worst case leaves out 1 position not under care" in numbers(
        replace(known, positions=strangers[:1])
    )
