"""What `watch` tells: each change once, in words, and nothing when nothing changed."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from served import NOW, btc_short, snapshot

from engine.commands.plain import beginning, changes, won
from engine.protocol import (
    ApprovalView,
    ClosedView,
    Level,
    LimitView,
    LinkView,
    LogLine,
    Side,
    Status,
    StopView,
    UnknownView,
)

D = Decimal
BEFORE = snapshot()


def told(**later: object) -> list[str]:
    return list(changes(BEFORE, snapshot(**later)))


def position_told(**later: object) -> list[str]:
    return told(positions=(btc_short(**later),))


def test_the_beginning_tells_all_that_holds() -> None:
    told = list(beginning(BEFORE))
    assert told[:4] == [
        "SIM account main, engine 0.1.0, up 2 h 0 min",
        "equity 109.70, free 89.73, today profit 9.70, worst case loss 4.50, 1 of 2 cycles",
        "this week profit 9.70, deployed 13.7 % of the equity, leverage 2.7, funding loss 0.02, 0 risk-free",
        "BTCUSDT short, BREAKEVEN, 0.0031 at 96,612.9, mark 95,010.2, profit 4.97, 33.2 % of margin, "
        "liquidation 100,979.0, 6.3 % away, 1 rung, worst case loss 4.50",
    ]
    assert all(line.startswith("BTCUSDT short ") for line in told[4:])


def test_nothing_is_told_when_only_prices_moved() -> None:
    assert (
        position_told(mark=D("95020"), unrealized_pnl=D("4.93"), distance=D("0.0627"), mark_age_ms=700) == []
    )


def test_words_carry_the_sign() -> None:
    assert (won(D("4.5")), won(D("-4.5")), won(D(0)), won(None)) == (
        "profit 4.50",
        "loss 4.50",
        "0.00",
        "unknown",
    )


def test_a_status_and_its_reason() -> None:
    assert position_told(status=Status.PAUSED, reason="trader moved the stop") == [
        "BTCUSDT short is PAUSED(trader moved the stop)"
    ]


def test_size_rungs_and_stops() -> None:
    third = StopView(D("0.0010"), D("97088.6"), "guard", 1, "resting", True, D("2.91"), True)
    assert position_told(
        size=D("0.0043"), entry=D("93357.46"), rungs=2, stops=(btc_short().stops[0], third)
    ) == [
        "BTCUSDT short grew from 0.0031 to 0.0043, entry 93,357.5",
        "BTCUSDT short has 2 rungs",
        "BTCUSDT short stop at 97,088.6 for 0.0010, guard, profit 2.91 there",
        "BTCUSDT short stop at 100,000.0 is gone",
    ]


def test_a_position_without_any_stop_is_told() -> None:
    assert position_told(stops=())[-1] == "BTCUSDT short has no stop now"


def test_risk_free_and_blocked() -> None:
    assert position_told(risk_free=True, worst_case=D("2.97"), blocked="free margin is too low") == [
        "BTCUSDT short next rung is blocked: free margin is too low",
        "BTCUSDT short is RISK-FREE, worst case profit 2.97",
    ]


def test_a_price_that_goes_stale_and_comes_back() -> None:
    assert position_told(mark_age_ms=5000) == ["BTCUSDT short price is not known, stale 5 s"]
    stale = snapshot(positions=(btc_short(mark_age_ms=5000),))
    assert list(changes(stale, BEFORE)) == ["BTCUSDT short price is known again"]


def test_a_new_position_is_told_with_its_numbers() -> None:
    eth = btc_short(
        key="ETHUSDT:long", symbol="ETHUSDT", side=Side.LONG, managed=False, reason="margin is cross"
    )
    (line,) = told(positions=(btc_short(), eth))
    assert line.startswith("new position: ETHUSDT long, UNMANAGED(margin is cross), 0.0031 at")


def test_a_closed_position_is_told_with_its_end() -> None:
    ended = ClosedView(
        "btc-1", "BTCUSDT", Side.SHORT, NOW, NOW, "stops", 1, D("-4.5"), D(1), D(0), D("99500")
    )
    assert told(positions=(), closed=(ended,)) == [
        "BTCUSDT short closed, stops, at 99,500.0, loss 4.50, 1 rung"
    ]


def test_a_position_is_not_gone_while_positions_are_unread() -> None:
    unread = msgspec.structs.replace(BEFORE.engine, reconciled=False, unread=("positions",))
    assert told(positions=(), engine=unread) == [
        "not known for now: positions; nothing adds risk until it is read"
    ]


def test_a_halt_is_told_once_even_when_the_log_tells_it_too() -> None:
    halted = msgspec.structs.replace(BEFORE.engine, killed="by cli: news")
    assert told(engine=halted) == ["HALTED: by cli: news"]
    line = LogLine(2, NOW, NOW, Level.URGENT, "", "Halted by cli: news")
    assert told(engine=halted, log=(*BEFORE.log, line)) == ["URGENT: Halted by cli: news"]


def test_links_limits_unknowns_and_approvals() -> None:
    worth = D("9.5")
    wait = ApprovalView(
        "btc-1", 2, "BTCUSDT", Side.SHORT, worth, D("0.001"), worth, worth, NOW + 42_000, D(-9), D(3)
    )
    assert told(
        links=(LinkView("public", False, 9000, None, 1, "no frame for 9 s"), BEFORE.links[1]),
        limits=(LimitView("daily loss", "20.00", "20.10", True),),
        unknown=(UnknownView("id", "market order", "BTCUSDT", NOW, "timeout"),),
        approvals=(wait,),
    ) == [
        "LINK DOWN: public: no frame for 9 s",
        "BTCUSDT short rung 2 asks: adds 9.50 margin, banks 0.001, worst case loss 9.00, then profit 3.00, "
        "while the mark is 9.50 to 9.50; 42 s to answer",
        "LIMIT HIT: daily loss, 20.10, limit 20.00",
        "UNKNOWN what became of market order BTCUSDT: timeout",
    ]


def test_the_log_is_told_once_and_gaps_are_owned_up_to() -> None:
    later = (LogLine(4, NOW, NOW, Level.MONEY, "BTCUSDT", "BTCUSDT rung 2 done"),)
    assert told(log=later) == ["2 lines of the log went by unread", "BTCUSDT rung 2 done"]
    assert list(changes(snapshot(log=later), snapshot(log=later))) == []


def test_an_engine_that_was_started_again_counts_its_log_anew() -> None:
    again = msgspec.structs.replace(BEFORE.engine, started=NOW + 5000, now=NOW + 9000)
    lines = (LogLine(1, NOW + 6000, NOW, Level.MONEY, "", "read everything"),)
    assert told(engine=again, log=lines) == ["the engine was started again, engine 0.1.0", "read everything"]
