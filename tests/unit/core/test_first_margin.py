"""The margin that every leg of a ladder gets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_trades_in_order import Day

from engine.core.events import PositionsRead
from engine.core.exchange import Position
from engine.core.instrument import Side

D = Decimal


@pytest.mark.parametrize(("margin", "first"), [("10", "10"), ("60", "10"), ("9.9", "9.9")])
def test_margin_that_was_added_by_hand_is_not_what_the_next_leg_gets(margin: str, first: str) -> None:
    """0.002 at 100,000 and 20x began with 10 USDT. With 60 the next leg would be six times as large."""
    day = Day()
    day.begins()
    held = (D("0.002"), D(100_000), D(margin), D(20), D(120_000))
    day.tell(PositionsRead((Position("BTCUSDT", Side.SHORT, *held, True, False, False, day.at),), rest=True))
    [cycle] = day.state.cycles.values()
    assert (cycle.held_margin, cycle.first_margin) == (D(margin), D(first))
