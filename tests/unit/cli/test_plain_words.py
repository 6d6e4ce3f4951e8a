"""What `watch` tells: each change once, in words, and nothing when nothing changed."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from served import NOW, btc_short, snapshot

from engine.commands.plain import beginning, changes, position, won, worst
from engine.protocol import (
    ApprovalView,
    Asks,
    ClosedView,
    HalfView,
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
    assert told[:7] == [
        "SIM account main, engine 0.1.0, up 2 h 0 min",
        "rungs run by themselves",
        "link public is up, heard 0.1 s ago, 14 ms",
        "link private is up, heard 0.4 s ago, 14 ms",
        "equity 109.70, free 89.73, today profit 9.70, 9.7 %, worst case loss 4.50, 1 of 2 cycles",
        "this week profit 9.70, deployed 13.7 % of the equity, leverage 2.7, funding loss 0.02, 0 risk-free",
        "BTCUSDT short, BREAKEVEN, 0.0031 at 96,612.9, 14.98 margin at 20x, mark 95,010.2, "
        "profit 4.97, 33.2 % of margin, liquidation 100,979.0, 6.3 %, 5,968.8 away, 1 rung, "
        "worst case loss 4.50",
    ]
    assert all(line.startswith("BTCUSDT short ") for line in told[7:-1])
    assert told[-1] == "at 14:00:01: BTCUSDT rung 1 done: banked +5.00"


def test_the_beginning_tells_whose_word_a_rung_waits_for_and_what_time_it_is_on_the_market() -> None:
    engine = msgspec.structs.replace(BEFORE.engine, auto=False, market=NOW + 3_600_000)
    first, second, *_ = beginning(snapshot(engine=engine))
    assert first == ("SIM account main, engine 0.1.0, up 2 h 0 min, market time 2025-05-08 15:00:01")
    assert second == "every rung asks first"


def test_the_beginning_tells_since_when_it_is_halted_and_the_newest_of_the_log() -> None:
    halted = msgspec.structs.replace(BEFORE.engine, killed="by cli: news", killed_at=NOW - 60_000)
    log = tuple(LogLine(k, NOW + k * 1000, NOW, Level.WARNING, "", f"line {k}") for k in range(1, 9))
    told = list(beginning(snapshot(engine=halted, log=log)))
    assert "HALTED: by cli: news, since 13:59:01" in told
    assert told[-5:] == [f"at 14:00:0{k + 1}: WARNING: line {k}" for k in range(4, 9)]


def test_a_worst_case_is_never_rounded_towards_the_better() -> None:
    (line,) = position_told(worst_case=D("-10.0921"), risk_free=True)
    assert line == "BTCUSDT short is RISK-FREE, worst case loss 10.10"
    assert worst(D("2.9799")) == "profit 2.97"


def test_a_stranger_that_can_be_adopted_is_told_so() -> None:
    assert position(btc_short(managed=False, can_adopt=True)).endswith(", can be adopted")


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
        "LINK DOWN: public: no frame for 9 s, retry 1",
        "BTCUSDT short rung 2 asks: adds 9.50 margin, banks 0.001, worst case loss 9.00, then profit 3.00, "
        "while the mark is 9.50 to 9.50; 42 s to answer",
        "LIMIT HIT: daily loss, 20.10, limit 20.00",
        "UNKNOWN what became of market order BTCUSDT: timeout",
    ]


def test_an_approval_tells_its_fee_its_stop_and_what_half_of_it_would_come_to() -> None:
    half = HalfView(D("2.5"), D("0.0005"), D("-2.4601"))
    wait = ApprovalView(
        *("sig-1", 0, "BTCUSDT", Side.LONG, D(5), D(0), D(0), D(0), NOW + 42_000, D(0), D("-4.9201")),
        asks=Asks.ENTRY,
        qty=D("0.001"),
        leverage=D(20),
        price=D(100_000),
        liquidation=D(95_500),
        fee=D("0.06"),
        stop=D(97_000),
        by="webhook",
        half=half,
    )
    assert told(approvals=(wait,)) == [
        "BTCUSDT long entry asks: 0.0010 at 100,000.00, 5.00 margin at 20x, liquidation 95,500.00, fee 0.06, "
        "stop 97,000.00, worst case 0.00, then loss 4.93, by webhook, half is 2.50 margin, "
        "worst case then loss 2.47; 42 s to answer"
    ]
    without = msgspec.structs.replace(
        wait, half=msgspec.structs.replace(half, refused="0 is below the minimum")
    )
    (line,) = told(approvals=(without,))
    assert "half cannot be had: 0 is below the minimum" in line


def test_the_log_is_told_once_and_gaps_are_owned_up_to() -> None:
    later = (LogLine(4, NOW, NOW, Level.MONEY, "BTCUSDT", "BTCUSDT rung 2 done"),)
    assert told(log=later) == ["2 lines of the log went by unread", "BTCUSDT rung 2 done"]
    assert list(changes(snapshot(log=later), snapshot(log=later))) == []


def test_an_engine_that_was_started_again_counts_its_log_anew() -> None:
    again = msgspec.structs.replace(BEFORE.engine, started=NOW + 5000, now=NOW + 9000)
    lines = (LogLine(1, NOW + 6000, NOW, Level.MONEY, "", "read everything"),)
    assert told(engine=again, log=lines) == ["the engine was started again, engine 0.1.0", "read everything"]
