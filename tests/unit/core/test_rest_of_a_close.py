"""A close by the trader's order that Bitget fills only in part: what it left is sent after it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_position_stop import PLAIN, Evening
from test_shield import sent as works
from test_spare_stops import filled
from test_trades_in_order import Day

from engine.core.actions import PlaceMarket, PlaceStop
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    Commanded,
    FillSeen,
    Flatten,
    MarkReached,
    OrderSeen,
    Reduce,
    Timer,
)
from engine.core.exchange import OrderKind, OrderRow, OrderState, Refused
from engine.core.ids import close_id
from engine.core.instrument import Side

D = Decimal
HALF = Reduce("BTCUSDT", Side.SHORT, D("0.5"))


def sent(decision: Decision) -> list[PlaceMarket]:
    return [work for work in decision.actions if isinstance(work, PlaceMarket)]


def fills(day: Day, order: PlaceMarket, qty: str, *, number: str = "201") -> Decision:
    """The order fills this much, and Bitget ends it."""
    fill = day.trade(number, qty, "99900", buy=True, profit="0.1", at=day.at + 500)
    state = OrderState.FILLED if D(qty) == order.qty else OrderState.CANCELLED
    row = OrderRow("o1", order.id, "BTCUSDT", OrderKind.MARKET, state, order.qty, D(qty), D(99_900))
    return day.tell(FillSeen(replace(fill, client_id=order.id)), OrderSeen(row))


def half_closed(filled: str) -> tuple[Day, PlaceMarket, Decision]:
    """Half of a short of 0.02 was to be closed, and only so much was."""
    day = Day()
    day.begins()
    day.short_opened("0.02")
    day.mark = D("99900")
    [order] = sent(day.tell(Commanded("c1", "desk", HALF)))
    return day, order, fills(day, order, filled)


def after_its_wait(day: Day) -> list[PlaceMarket]:
    return [order for _ in range(3) for order in sent(day.tell(Timer(reconcile=False)))]


def test_the_rest_of_a_reduce_is_sent_once_under_a_new_name() -> None:
    day, first, ended = half_closed("0.004")
    assert ended.notes[-1].text == ("BTCUSDT short: closing 0.01 filled 0.004 only; the rest is tried again.")
    [rest] = after_its_wait(day)
    assert (rest.qty, rest.opens) == (D("0.006"), False)
    assert rest.id != first.id
    fills(day, rest, "0.006", number="202")
    assert after_its_wait(day) == []
    [cycle] = day.state.cycles.values()
    assert (cycle.held_qty, cycle.close) == (D("0.01"), None)


def test_what_the_trader_closes_meanwhile_is_not_closed_again() -> None:
    """He left 0.003 of the position: the rest is not more than that."""
    day, _, _ = half_closed("0.004")
    theirs = day.trade("202", "0.013", "99900", buy=True, profit="0.1", at=day.at + 500)
    [rest] = sent(day.tell(FillSeen(theirs)))
    assert rest.qty == D("0.003")


def test_the_name_of_a_close_that_no_journal_was_told_of_is_not_used_again() -> None:
    """The disk refused, and two closes of a flatten were sent from memory. Told again it found the first by
    its name, and the trade of the second; what it sent under that one's name was waited for, for ever.
    """
    day = Day()
    day.begins()
    day.short_opened("0.02")
    day.mark = D("99900")
    [first] = sent(day.tell(Commanded("c1", "desk", Flatten())))
    [cycle] = day.state.cycles.values()
    second = day.trade("202", "0.005", "99900", buy=True, profit="0.1", at=day.at + 500)
    day.tell(FillSeen(replace(second, client_id=close_id(cycle.id, 2))))
    fills(day, first, "0.004")
    [rest] = after_its_wait(day)
    assert (rest.id, rest.qty) == (close_id(cycle.id, 3), D("0.011"))


def test_flatten_does_not_wait_for_the_rest() -> None:
    day, _, _ = half_closed("0.004")
    [order] = sent(day.tell(Commanded("c2", "desk", Flatten())))
    assert order.qty == D("0.016")


def test_a_rest_below_the_minimum_stays_and_is_told() -> None:
    day, _, ended = half_closed("0.00995")
    assert ended.notes[-1].text == (
        "BTCUSDT short: closing 0.01 filled 0.00995 only; the rest is too little for an order and stays."
    )
    assert after_its_wait(day) == []


def test_a_reduce_that_bitget_refuses_is_told_and_the_traders_to_repeat() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.02")
    day.mark = D("99900")
    [order] = sent(day.tell(Commanded("c1", "desk", HALF)))
    refused = day.tell(Answered(order.id, Refused("40762", "no")))
    assert "was refused" in refused.notes[-1].text
    assert after_its_wait(day) == []


@pytest.mark.parametrize("asked", [HALF, Reduce("BTCUSDT", Side.SHORT, D("0.1"))])
def test_another_reduce_waits_for_the_rest(asked: Reduce) -> None:
    day, _, _ = half_closed("0.004")
    assert "another close is on its way" in day.tell(Commanded("c2", "desk", asked)).refused


def passed_and_closed_in_part() -> Evening:
    """The stop of the leg that was banked was refused, for the market had passed it; 0.0004 of the 0.001 that
    are closed instead were filled.
    """
    night = Evening(PLAIN)
    night.mark = D(95_000)
    [stop] = works(filled(night, night.tell(MarkReached("BTCUSDT", night.mark)), "95000", profit="5"))
    assert isinstance(stop, PlaceStop)
    night.mark = D(100_100)
    [order] = sent(night.tell(Answered(stop.id, Refused("40917", "passed"))))
    assert order.qty == D("0.001")
    ended = fills(night, order, "0.0004")
    assert ended.notes[-1].text == (
        "BTCUSDT short: closing 0.001 filled 0.0004 only; the rest is closed or gets its stop next."
    )
    return night


@pytest.mark.parametrize(("mark", "what"), [("100100", PlaceMarket), ("99000", PlaceStop)])
def test_the_rest_of_a_close_of_our_own_is_closed_beyond_its_stop_and_has_one_before(
    mark: str, what: type[PlaceMarket | PlaceStop]
) -> None:
    night = passed_and_closed_in_part()
    night.mark = D(mark)
    [work] = [each for _ in range(3) for each in works(night.tell(Timer()))]
    assert isinstance(work, what)
    assert work.qty == D("0.0006")
    assert isinstance(work, PlaceMarket) or work.trigger == D(100_000)
