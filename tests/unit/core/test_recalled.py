"""A rung whose crossing was forgotten in a crash, and whose first order was not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import Day

from engine.core.cycle import Part, Stage
from engine.core.events import FillSeen
from engine.core.exchange import Fill
from engine.core.ids import add_id, bank_id

D = Decimal


def of_ours(day: Day, client_id: str) -> Fill:
    """Half of the first leg is closed under this name."""
    return replace(day.trade("102", "0.0015", "94900", buy=True, profit="7.65"), client_id=client_id)


@pytest.fixture
def day() -> Day:
    """A short of one leg, whose rung is armed."""
    day = Day()
    day.begins()
    day.short_opened("0.003")
    return day


def test_the_fill_of_an_armed_order_begins_its_rung(day: Day) -> None:
    [cycle] = day.state.cycles.values()
    assert cycle.armed is not None
    day.tell(FillSeen(of_ours(day, cycle.armed.bank_id)))
    assert_banked(day, front=1)


def test_it_does_so_also_when_a_leg_of_the_trader_is_heard_of_first(day: Day) -> None:
    """The order was sent before it was known, and what is armed by now is for that leg."""
    [cycle] = day.state.cycles.values()
    mine = bank_id(cycle.id, 1)
    day.tell(FillSeen(day.trade("101", "0.001", "95000", buy=False, at=day.at + 500)))
    [cycle] = day.state.cycles.values()
    assert cycle.armed is not None
    assert cycle.armed.front == 2
    told = day.tell(FillSeen(of_ours(day, mine)))
    assert_banked(day, front=1)
    assert not any("you closed" in note.text for note in told.notes)


def test_an_order_of_a_leg_that_had_its_rung_begins_none(day: Day) -> None:
    [key] = day.state.cycles
    fired = replace(day.state.cycles[key], fired=1, armed=None)
    day.state = replace(day.state, cycles={key: fired})
    day.tell(FillSeen(day.trade("101", "0.001", "95000", buy=False, at=day.at + 500)))
    day.tell(FillSeen(of_ours(day, bank_id(fired.id, 1))))
    assert day.state.cycles[key].rung is None


def assert_banked(day: Day, *, front: int) -> None:
    """The rung of that leg is under way: half of it is banked, and what is left is being covered."""
    [cycle] = day.state.cycles.values()
    rung = cycle.rung
    assert rung is not None
    assert (rung.front, rung.bank.filled, rung.steps[0]) == (front, D("0.0015"), Part.COVER)
    assert rung.add.id == add_id(cycle.id, front)
    assert rung.add.stage is Stage.PLANNED
    assert {leg.number: leg.qty for leg in cycle.legs}[front] == D("0.0015")
