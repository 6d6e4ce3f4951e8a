"""A position that began and ended unseen: what it came to is told, once it is certain to be no cycle's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import NOON, READ, SETTINGS, Day, readings

from engine.core.actions import Level, Note, Reading
from engine.core.decide import Decision
from engine.core.events import Answered, FillSeen, FillsRead, LinkChanged, PositionsRead, Started
from engine.core.exchange import Accepted, Cause, Fill, Position
from engine.core.ids import add_id, close_id
from engine.core.instrument import Side

D = Decimal


def second_start() -> Day:
    """An engine that has read all trades up to now, was off, and is on again."""
    day = Day()
    day.begins()
    day.tell(Answered(f"read:fills:{day.at}:{day.at}", Accepted()), Started(SETTINGS, "test"))
    return day


def burst(day: Day, number: str = "101", **more: object) -> Fill:
    """A short of 0.002 is liquidated."""
    fill = day.trade(number, "0.002", "104600", buy=True, profit="-9.2", cause=Cause.LIQUIDATION)
    return replace(fill, **more)


def of_unclaimed(decision: Decision) -> list[Note]:
    return [note for note in decision.notes if note.topic == "unclaimed"]


def told(day: Day, *fills: Fill) -> list[Note]:
    """What is said of these trades when all trades, and then all positions, have been read."""
    day.tell(*map(FillSeen, fills), FillsRead(0))
    return of_unclaimed(day.tell(PositionsRead((), rest=True, asked=day.at)))


def test_a_liquidation_while_the_engine_was_off_is_told_once() -> None:
    day = second_start()
    opening = day.trade("100", "0.002", "100000", buy=False)
    [note] = told(day, opening, burst(day))
    assert note.text == (
        "BTCUSDT short: 0.002 liquidated @ 104,600.0 (−9.20), in a position that was not under care."
    )
    assert (note.level, note.symbol) == (Level.URGENT, "BTCUSDT")
    day.tell(Started(SETTINGS, "test"), LinkChanged("private", up=True))
    assert told(day, opening, burst(day)) == []


def test_it_is_told_when_positions_were_read_that_were_asked_for_after_it() -> None:
    """A reading of before, or a frame, may come before the row of its position."""
    day = second_start()
    asked = day.at
    assert Reading.POSITIONS in readings(day.tell(FillSeen(burst(day))))
    assert not of_unclaimed(day.tell(PositionsRead((), rest=True, asked=asked)))
    assert not of_unclaimed(day.tell(PositionsRead((), rest=False)))
    assert of_unclaimed(day.tell(PositionsRead((), rest=True, asked=day.at)))


def test_it_is_not_told_of_a_part_that_the_cycle_of_its_position_books() -> None:
    day = second_start()
    part = burst(day, qty=D("0.001"), at=day.at + 100)
    numbers = (D("0.002"), D(100_000), D(10), D(20), D(104_500), True, False, False)
    row = Position("BTCUSDT", Side.SHORT, *numbers, opened=day.at, updated=day.at)
    met = day.tell(FillSeen(part), PositionsRead((row,), rest=True, asked=day.at + 1_000))
    assert not of_unclaimed(met)
    assert day.cycles[0].held_qty == D("0.001")


def test_a_slow_frame_of_before_begins_no_cycle_once_its_end_is_told() -> None:
    """The trade was forgotten by then, and a position believed that Bitget did not have."""
    day = second_start()
    opened = day.at
    end = burst(day, at=opened + 500)
    assert told(day, end)
    numbers = (D("0.002"), D(100_000), D(10), D(20), D(104_500), True, False, False)
    row = Position("BTCUSDT", Side.SHORT, *numbers, opened=opened, updated=opened)
    day.tell(PositionsRead((row,), rest=False))
    assert day.cycles == []
    day.tell(PositionsRead((row,), rest=True, asked=day.at))
    assert [(c.closed_reason, c.realised) for c in day.state.closed] == [("liquidation", end.profit)]


@pytest.mark.parametrize(
    ("cause", "client_id", "said", "level"),
    [
        (Cause.ADL, "", "reduced by auto-deleveraging @ 104,600.0 (−9.20)", Level.URGENT),
        (Cause.STOP, "", "closed @ 104,600.0 (−9.20) by a stop", Level.MONEY),
        (Cause.TAKE_PROFIT, "", "closed @ 104,600.0 (−9.20) by a take profit", Level.MONEY),
        (Cause.ORDER, "", "closed @ 104,600.0 (−9.20)", Level.MONEY),
        (
            Cause.ORDER,
            close_id("strange1", 1),
            "closed @ 104,600.0 (−9.20) by an order of another Ratchet",
            Level.URGENT,
        ),
    ],
)
def test_it_says_what_ended_it(cause: Cause, client_id: str, said: str, level: Level) -> None:
    day = second_start()
    [note] = told(day, burst(day, cause=cause, client_id=client_id))
    assert note.text == f"BTCUSDT short: 0.002 {said}, in a position that was not under care."
    assert note.level is level


def test_an_add_that_came_late_and_closed_it_is_called_ours() -> None:
    day = second_start()
    day.short_opened("0.002")
    [short] = day.cycles
    fill = burst(day, buy=False, cause=Cause.ORDER, client_id=add_id(short.id, 1))
    [note] = told(day, fill)
    assert note.text == (
        "BTCUSDT long: 0.002 closed @ 104,600.0 (−9.20) by a late order of an earlier cycle, in a position "
        "that was not under care."
    )
    assert note.level is Level.URGENT


def test_what_was_before_the_first_start_is_no_news() -> None:
    day = Day()
    day.tell(Started(SETTINGS, "test"), *READ[:-1])
    before = burst(day, at=NOON - 86_400_000)
    assert told(day, before) == []
    day.tell(Answered(f"read:fills:{day.at}:{day.at}", Accepted()))
    assert told(day, before) == []
    assert len(told(day, burst(day, "102"))) == 1


def test_what_was_since_is_news_although_the_first_start_was_cut_short() -> None:
    """It was killed before it had read the trades of all the months before."""
    day = Day()
    day.tell(Started(SETTINGS, "test"), *READ[:-1], Started(SETTINGS, "test"))
    history = burst(day, at=NOON - 86_400_000)
    [note] = told(day, history, burst(day, "102"))
    assert note.facts["trade"] == "102"


def test_nor_is_what_is_traded_in_a_symbol_that_is_not_managed() -> None:
    assert told(second_start(), burst(second_start(), symbol="DOGEUSDT")) == []
