"""What an add has to know is looked at again before it leaves, and before a lost one is sent once more."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_covered_again import adds, rung_waits_for_its_price
from test_trades_in_order import Day

from engine.core.actions import PlaceMarket
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    AnyCommand,
    Commanded,
    Exit,
    FillSeen,
    FillsRead,
    LookedUp,
    MarkReached,
    Pause,
    PositionsRead,
    Reduce,
    Timer,
)
from engine.core.exchange import Position, Unknown
from engine.core.instrument import Side

D = Decimal
SHORT = ("BTCUSDT", Side.SHORT)


def waiting() -> Day:
    """Rung 1 of a short is banked and covered; only a price is missing."""
    day = Day()
    rung_waits_for_its_price(day)
    return day


def row(day: Day) -> Position:
    """The half that the bank has left, as Bitget lists it."""
    [cycle] = day.state.cycles.values()
    size = ("BTCUSDT", Side.SHORT, cycle.held_qty, cycle.held_entry, cycle.held_margin, D(20))
    return Position(*size, D(104_000), True, False, False, cycle.opened)


def price_comes(day: Day) -> Decision:
    day.mark = D(95_000)
    return day.tell(MarkReached("BTCUSDT", D(95_000)))


def reasons(decision: Decision) -> list[str]:
    return [note.facts["reason"] for note in decision.notes if "without its add" in note.text]


def test_nothing_is_added_to_a_position_that_bitget_lists_no_more() -> None:
    """The trader has closed it, and its trade is not told yet: the add would open it anew."""
    day = waiting()
    day.tell(PositionsRead((), rest=False))
    assert not adds(price_comes(day))
    closed = day.tell(FillSeen(day.trade("103", "0.001", "95000", buy=True, profit="5"), live=True))
    assert not adds(closed)
    assert not day.state.cycles


def test_what_was_listed_late_is_added_to_when_ledger_and_bitget_agree_again() -> None:
    day = waiting()
    there = row(day)
    day.tell(PositionsRead((), rest=False))
    assert not adds(price_comes(day))
    [add] = adds(day.tell(PositionsRead((there,), rest=True)))
    assert isinstance(add, PlaceMarket)


def test_a_doubt_that_lasts_ends_the_rung_without_its_add() -> None:
    day = waiting()
    day.tell(PositionsRead((), rest=False))
    told = [price_comes(day), *(day.tell(Timer()) for _ in range(10))]
    assert not any(adds(each) for each in told)
    assert [why for each in told for why in reasons(each)] == ["the ledger and Bitget differ"]


def test_trades_that_the_stream_may_have_missed_are_read_before_the_add() -> None:
    day = waiting()
    day.state = replace(day.state, untold=day.at)
    assert not adds(price_comes(day))
    [add] = adds(day.tell(FillsRead(0)))
    assert isinstance(add, PlaceMarket)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Exit(*SHORT), "an entry or exit of yours is under way"),
        (Pause(*SHORT), "by desk"),
    ],
)
def test_nothing_is_added_to_what_the_trader_leaves_or_holds_back(command: AnyCommand, reason: str) -> None:
    day = waiting()
    told = [day.tell(Commanded("c1", "desk", command)), price_comes(day)]
    assert not any(adds(each) for each in told)
    assert [why for each in told for why in reasons(each)] == [reason]


@pytest.mark.parametrize("command", [Reduce(*SHORT, D(1)), Pause(*SHORT), Exit(*SHORT)])
def test_a_lost_add_is_not_sent_again_when_the_trader_has_spoken_since(command: AnyCommand) -> None:
    day = waiting()
    [add] = adds(price_comes(day))
    day.tell(Answered(add.id, Unknown("no answer in time")), Commanded("c1", "desk", command))
    assert not any(adds(day.tell(LookedUp(f"find:{add.id}", add.id, None))) for _ in range(3))


def test_a_lost_add_is_not_sent_again_while_nobody_knows_what_is_held() -> None:
    day = waiting()
    there = row(day)
    [add] = adds(price_comes(day))
    day.tell(Answered(add.id, Unknown("no answer in time")), PositionsRead((), rest=False))
    assert not adds(day.tell(LookedUp(f"find:{add.id}", add.id, None)))
    day.tell(PositionsRead((there,), rest=True))
    assert adds(day.tell(LookedUp(f"find:{add.id}", add.id, None))) == [add]
