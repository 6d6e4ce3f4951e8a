"""The trader adds, nobody hears it, and the trades cannot be read: the stops hold what Bitget shows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_position_stop import PLAIN, Evening, beside
from test_shield import sent
from test_trades_in_order import Day, paid

from engine.core.actions import MoveStop, PlaceMarket, PlaceStop
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    BillSeen,
    Commanded,
    FillSeen,
    FillsRead,
    Flatten,
    LinkChanged,
    OrdersRead,
    PositionsRead,
    Timer,
)
from engine.core.exchange import Accepted, Bill, Cause
from engine.core.shield import UNTOLD_MS

D = Decimal


def adds_unheard(night: Evening) -> Decision:
    """0.001 more of a short of 0.0031, at 95,000, while the stream is away: shown, and told by no trade."""
    night.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    night.tell(OrdersRead(tuple(night.rest), asked=night.at))
    held = night.cycle
    entry = (held.held_qty * held.held_entry + D("0.001") * 95_000) / D("0.0041")
    margin = held.held_margin + D("4.75")
    more = replace(held.seen, qty=D("0.0041"), entry=entry, margin=margin, liquidation=D(100_000))
    night.tell(PositionsRead((more,), rest=True, asked=night.at))
    early = night.tell(Timer())
    assert not sent(early), "the trade comes within a moment, as a rule"
    night.at += UNTOLD_MS
    return night.tell(Timer())


def test_what_was_added_has_a_stop_of_its_own_which_its_trade_finds_there() -> None:
    night = Evening(PLAIN)
    night.climbs()
    shown = adds_unheard(night)
    [stop] = [work for work in sent(shown) if isinstance(work, PlaceStop)]
    assert stop.qty == D("0.001")
    night.placed(shown)
    for move in [work for work in sent(shown) if isinstance(work, MoveStop)]:
        night.tell(Answered(move.id, Accepted()))
    night.reads_back()
    added = night.trade("300", "0.001", "95000", buy=False)
    told = night.tell(FillSeen(added), FillsRead(0, asked=night.at))
    assert [leg.qty for leg in night.cycle.legs] == [D("0.001"), D("0.0021"), D("0.001")]
    assert {leg.number: leg.qty for leg in night.cycle.legs} == {s.leg: s.qty for s in night.cycle.stops}
    assert not [work for work in sent(told) if isinstance(work, PlaceStop)]


def test_it_is_in_the_one_stop_that_has_a_size() -> None:
    shown = adds_unheard(beside("102000"))
    [move] = sent(shown)
    assert isinstance(move, MoveStop)
    assert move.qty == D("0.0041")


@pytest.mark.parametrize("listed", [True, False])
def test_nothing_is_placed_for_a_position_that_may_be_gone(listed: bool) -> None:
    night = Evening(PLAIN)
    night.climbs()
    night.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    night.tell(OrdersRead(tuple(night.rest), asked=night.at))
    seen = replace(night.cycle.seen, qty=D("0.0041"))
    night.tell(PositionsRead((seen,), rest=True, asked=night.at))
    night.tell(PositionsRead((seen,) if listed else (), rest=True, asked=night.at))
    night.at += UNTOLD_MS
    placed = [work for work in sent(night.tell(Timer())) if isinstance(work, PlaceStop)]
    assert len(placed) == listed


def test_its_stop_stays_when_all_that_is_believed_is_closed_until_it_is_met_again() -> None:
    """The stop would have died with its position: it rests because of what is left."""
    night = beside("102000")
    [move] = sent(adds_unheard(night))
    assert isinstance(move, MoveStop)
    night.tell(Answered(move.id, Accepted()))
    [close] = sent(night.tell(Commanded("f", "the desk", Flatten())))
    assert isinstance(close, PlaceMarket)
    opened, seen = night.cycle.opened, night.cycle.seen
    done = night.trade("300", "0.0031", "95000", buy=True, profit="3")
    night.tell(FillSeen(replace(done, client_id=close.id), live=True))
    assert not night.state.cycles
    assert not sent(night.reads_back())
    left = replace(seen, qty=D("0.001"), opened=opened)
    met = night.tell(PositionsRead((left,), rest=True, asked=night.at))
    [rest] = sent(met)
    assert isinstance(rest, PlaceMarket)
    assert (rest.qty, night.cycle.closing) == (D("0.001"), "flatten")


def test_what_it_left_open_and_was_closed_before_it_was_met_again_belongs_to_the_cycle() -> None:
    """A flatten closed all that was believed, the engine was away, and the rest was liquidated: nobody's
    loss it was, and the cycle stayed at its profit.
    """
    day = Day()
    day.begins()
    day.short_opened("0.002")
    opened = day.booked
    add = day.trade("101", "0.001", "99000", buy=False, at=day.at + 100)
    closed = day.trade("102", "0.002", "99000", buy=True, profit="1.5", at=day.at + 200)
    burst = day.trade("103", "0.001", "104000", buy=True, profit="-5", at=day.at + 300)
    burst = replace(burst, cause=Cause.LIQUIDATION)
    left = Bill("b", "BTCUSDT", "risk_captital_user_transfer", D("-0.1"), burst.at)
    day.tell(FillSeen(closed))
    assert not day.state.cycles
    told = day.tell(FillSeen(add), FillSeen(burst))
    assert [note.text for note in told.notes] == [
        "BTCUSDT short: 0.001 more was open than was known, and is closed @ 104,000.0 (−5.00)."
    ]
    day.tell(BillSeen(left))
    assert day.booked - opened == paid(closed, add, burst) + left.amount
    assert not day.state.unclaimed
    again = day.trade("104", "0.001", "104000", buy=True, profit="-5", at=day.at + 400)
    day.tell(FillSeen(again))
    assert [each.fill for each in day.state.unclaimed] == [again], "no more than that was left"
