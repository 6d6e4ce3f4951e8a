"""A position that the list has no more: the list is one source, however often it is read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import Day, paid, readings

from engine.core.actions import Reading
from engine.core.cycle import Unlinked
from engine.core.events import BillSeen, FillSeen, FillsRead, LinkChanged, PositionsRead, Started, Timer
from engine.core.exchange import Bill, Cause

D = Decimal

EMPTY = PositionsRead((), rest=True)


def missing_from_the_list() -> tuple[Day, list[str]]:
    """Under care, and then eight readings without it; every trade is told, and none closed it."""
    day, said = Day(), []
    day.begins()
    day.short_opened("0.002")
    for _ in range(8):
        said += [note.text for note in (*day.tell(EMPTY).notes, *day.tell(FillsRead(0)).notes)]
    return day, said


def test_it_is_kept_while_nothing_else_says_so_and_that_is_told_once() -> None:
    day, said = missing_from_the_list()
    [cycle] = day.state.cycles.values()
    assert (cycle.held_qty, day.state.closed) == (cycle.seen.qty, ())
    assert said == [
        "BTCUSDT short: Bitget lists the position no more, and neither trades nor the stream tell its end: "
        "it is kept until it is certain. Look at Bitget."
    ]
    day.tell(PositionsRead((cycle.seen,), rest=True))
    [again] = day.state.cycles.values()
    assert (again.id, again.doubt) == (cycle.id, None)


def test_it_is_gone_when_the_stream_says_so_too() -> None:
    day, _ = missing_from_the_list()
    day.tell(PositionsRead((), rest=False))
    day.tell(FillsRead(0), Timer())
    assert not day.state.cycles
    assert [cycle.closed_reason for cycle in day.state.closed] == ["unknown"]


def test_trades_that_were_read_before_the_stream_told_its_end_cannot_have_told_it() -> None:
    """An empty list for seconds; then it is liquidated, and the trade comes a moment after the row."""
    day, _ = missing_from_the_list()
    asks = day.tell(PositionsRead((), rest=False))
    assert len(day.state.cycles) == 1
    assert Reading.FILLS in readings(asks)
    burst = day.trade("101", "0.002", "104000", buy=True, profit="-8", cause=Cause.LIQUIDATION)
    day.tell(FillSeen(burst, live=True))
    assert [cycle.closed_reason for cycle in day.state.closed] == ["liquidation"]


def test_what_was_read_before_the_engine_was_away_proves_nothing_of_what_came_after() -> None:
    """It was closed meanwhile, and only the next reading of the trades can tell by what."""
    day, _ = missing_from_the_list()
    day.tell(Started(day.settings, "test"), LinkChanged("private", up=True), PositionsRead((), rest=False))
    assert len(day.state.cycles) == 1
    burst = day.trade("101", "0.002", "104000", buy=True, profit="-8", cause=Cause.LIQUIDATION)
    day.tell(FillSeen(burst), FillsRead(0, asked=day.at))
    assert [cycle.closed_reason for cycle in day.state.closed] == ["liquidation"]


def test_its_end_is_not_called_unread_while_a_trade_of_it_waits_for_its_stop() -> None:
    """Bitget did not list the trade at first. It was told, which stop it came from was being asked, and the
    cycle ended as one whose closing trades could not be read.
    """
    day, _ = missing_from_the_list()
    [(key, cycle)] = day.state.cycles.items()
    stopped = day.trade("101", "0.002", "101000", buy=True, profit="-2", cause=Cause.STOP)
    waits = Unlinked("101", day.at, stopped.at)
    day.state = replace(day.state, cycles={key: replace(cycle, unlinked=(waits,))})
    day.tell(PositionsRead((), rest=False), FillsRead(0), FillSeen(stopped))
    assert [cycle.closed_reason for cycle in day.state.closed] == ["trader's stop"]


def test_what_two_liquidations_left_over_is_booked_however_late_it_is_told() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    before, first = day.booked, day.at + 100
    half = [
        replace(day.trade(number, "0.001", "104000", buy=True, profit="-4", at=at), cause=Cause.LIQUIDATION)
        for number, at in (("101", first), ("102", first + 30_000))
    ]
    left = [Bill(f"b{t.trade_id}", "BTCUSDT", "risk_captital_user_transfer", D("-0.1"), t.at) for t in half]
    day.tell(*(FillSeen(fill) for fill in half), *(BillSeen(bill) for bill in left))
    assert day.booked - before == paid(*half) - D("0.2")


@pytest.mark.parametrize("rest", [False, True], ids=["a slow frame", "a reading"])
def test_a_frame_from_before_the_end_begins_no_cycle(rest: bool) -> None:
    """The position was opened again by an add of ours and closed at once; the frame in between came last."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    [cycle] = day.state.cycles.values()
    closed = day.trade("101", "0.002", "99000", buy=True, profit="2", at=day.at + 900)
    day.tell(FillSeen(closed))
    assert not day.state.cycles
    row = replace(cycle.seen, opened=closed.at - 100, updated=closed.at - 100)
    day.tell(PositionsRead((row,), rest=rest, asked=day.at if rest else 0))
    assert len(day.state.cycles) == rest, "only what is asked for after the end brings it back"
