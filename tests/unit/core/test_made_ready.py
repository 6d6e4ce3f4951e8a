"""The orders that are signed before their price comes."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from test_trades_in_order import SETTINGS, Day

from engine.core.arming import first_orders
from engine.core.events import FillSeen
from engine.core.settings import Sequence


def test_the_bank_of_an_armed_rung_is_known_before_its_price_is() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.004")
    [bank] = first_orders(day.state)
    assert (bank.qty, bank.opens) == (Decimal("0.002"), False)
    other = replace(SETTINGS, ladder=replace(SETTINGS.ladder, sequence=Sequence.ADD_FIRST))
    assert first_orders(replace(day.state, settings=other)) == ()


def test_of_a_single_lot_nothing_is_banked_and_nothing_made_ready() -> None:
    """The trader has closed all of it but one lot: half of that is no size that an order may have."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.tell(FillSeen(day.trade("101", "0.0019", "100000", buy=True, profit="1", at=day.at + 100)))
    [cycle] = day.cycles
    assert cycle.held_qty == day.state.instruments["BTCUSDT"].lot
    assert cycle.armed is not None and cycle.armed.bank == ()
    assert first_orders(day.state) == ()
