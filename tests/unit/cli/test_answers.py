"""`ratchet approve`, `deny` and `release`: what is typed, and what the engine is asked."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from served import EngineFace, btc_short, entering, flipping

from engine.cli import main
from engine.commands.plain import beginning
from engine.protocol import ApprovalView, Approve, Asks, Deny, HalfView, Release, Side

D = Decimal


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(home))


def question(face: EngineFace, asks: Asks, id: str = "entry1", **more: object) -> ApprovalView:
    until = face.now.engine.now + 60_000
    return ApprovalView(
        *(id, 0, "ETHUSDT", Side.LONG, D(40), D(0), D("2985"), D("3015"), until, D(0), D("-40.4")),
        asks=asks,
        qty=D("0.53"),
        leverage=D(40),
        price=D(3000),
        liquidation=D("2938.5"),
        by="webhook, buy long",
        half=HalfView(D(20), D("0.26"), D("-20.2")) if asks is Asks.ENTRY else None,
        price_decimals=2,
        qty_decimals=2,
        **more,  # type: ignore[arg-type]
    )


def test_an_entry_that_asks_gets_its_answer(face: EngineFace) -> None:
    face.change(approvals=(question(face, Asks.ENTRY),))
    for words in ("approve ETHUSDT", "approve ETHUSDT --half", "deny ETHUSDT"):
        assert main(words.split()) == 0
    assert [asked.command for asked in face.asked] == [
        Approve("entry1", 0),
        Approve("entry1", 0, half=True),
        Deny("entry1", 0),
    ]


def test_status_and_watch_say_what_asks_in_numbers(
    face: EngineFace, capsys: pytest.CaptureFixture[str]
) -> None:
    face.change(approvals=(question(face, Asks.ENTRY), question(face, Asks.ADOPTION, "adopt1")))
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    assert "ETHUSDT long entry waits for your yes, 1 min left" in shown
    assert "ETHUSDT long adoption waits for your yes, 1 min left" in shown
    told = [line for line in beginning(face.now) if "asks" in line]
    assert told == [
        "ETHUSDT long entry asks: 0.53 at 3,000.00, 40.00 margin at 40x, liquidation 2,938.50, worst case "
        "0.00, then loss 40.40, by webhook, buy long, half is 20.00 margin, worst case then loss "
        "20.20, while the mark is 2,985.00 to 3,015.00; 1 min to answer",
        "ETHUSDT long adoption asks: 0.53 at 3,000.00, 40.00 margin at 40x, liquidation 2,938.50, worst case "
        "loss 40.40, while the mark is 2,985.00 to 3,015.00; 1 min to answer",
    ]


def test_a_position_is_let_go(face: EngineFace) -> None:
    assert main(["release", "BTCUSDT"]) == 0
    assert [asked.command for asked in face.asked] == [Release("BTCUSDT", Side.SHORT)]


LINE = "ETHUSDT long entered 0.02 of 0.05, at 2,000.00, try 1 of 4, for 12 s, asked for by webhook, buy long"


def test_status_positions_and_watch_have_one_line_for_what_is_on_its_way(
    face: EngineFace, capsys: pytest.CaptureFixture[str]
) -> None:
    face.change(entries=(entering(),), flips=(flipping(),))
    turns = "BTCUSDT long once the short is closed: 50.0 % of what is free, 38 s left, asked for by webhook"
    for command in ("status", "positions"):
        assert main([command]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {LINE, turns} <= set(lines)
    assert {LINE, turns} <= set(beginning(face.now))
    face.change(positions=())
    assert main(["positions"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "no open positions"


def test_deny_takes_back_the_rest_of_an_entry_also_where_some_of_that_side_is_held(face: EngineFace) -> None:
    held = btc_short(key="ETHUSDT:long", symbol="ETHUSDT", side=Side.LONG)
    face.change(entries=(entering(),), positions=(held,))
    for words in ("deny ETHUSDT", "deny ETHUSDT --side long", "deny ETHUSDT:long"):
        assert main(words.split()) == 0
    assert [asked.command for asked in face.asked] == [Deny("kqzxn2v3h5a7c6de", 0)] * 3
    assert main(["deny", "ETHUSDT:short"]) != 0


def test_of_a_flip_either_half_is_denied_by_its_side(
    face: EngineFace, capsys: pytest.CaptureFixture[str]
) -> None:
    out = entering(id="out", symbol="BTCUSDT", side=Side.SHORT, opens=False)
    face.change(entries=(out,), flips=(flipping(),))
    assert main(["deny", "BTCUSDT"]) != 0
    told = capsys.readouterr().err
    assert "BTCUSDT is on its way long and short: add --side long or --side short" in told
    for side in ("long", "short"):
        assert main(["deny", f"BTCUSDT:{side}"]) == 0
    assert [asked.command for asked in face.asked] == [Deny("flip1", 0), Deny("out", 0)]


def test_deny_answers_first_what_asks(face: EngineFace) -> None:
    face.change(entries=(entering(),), approvals=(question(face, Asks.ENTRY),))
    assert main(["deny", "ETHUSDT"]) == 0
    assert [asked.command for asked in face.asked] == [Deny("entry1", 0)]
