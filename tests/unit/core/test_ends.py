"""When a cycle ended: by the exchange's clock, which a late frame puts back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.events import Event, Timer
from engine.core.exchange import Position
from engine.core.instrument import Side
from engine.core.ledger import begin
from engine.core.positions import moment_of_end
from engine.core.settings import Settings, StopMode
from engine.core.state import State
from engine.core.turn import Turn

D = Decimal
NOON = 1_746_712_860_000


def after_an_end_at(moment: int, market: int) -> Turn:
    numbers = (D("0.002"), D(100_000), D(10), D(20), D(104_519))
    held = Position("BTCUSDT", Side.SHORT, *numbers, True, False, False, opened=NOON)
    cycle = begin(held, cycle_id="first", at=NOON, equity=D(100), fee=D(0), mode=StopMode.LEG_ENTRY)
    state = State(Settings("test"), closed=(replace(cycle, closed=moment),))
    return Turn(state, Event(NOON, market, Timer()))


@pytest.mark.parametrize(
    ("before", "market", "ended"),
    [
        (NOON, NOON + 5_000, NOON + 5_000),
        (NOON, NOON, NOON + 1),
        (NOON, NOON - 5_000, NOON + 1),
        (NOON, NOON - 3_600_000, NOON - 3_600_000),
    ],
    ids=["later", "at the same moment", "after a late frame", "after a clock that was wrong by an hour"],
)
def test_what_ends_later_has_a_later_end(before: int, market: int, ended: int) -> None:
    assert moment_of_end(after_an_end_at(before, market)) == ended


def test_the_first_end_is_when_it_is() -> None:
    turn = Turn(State(Settings("test")), Event(NOON, NOON, Timer()))
    assert moment_of_end(turn) == NOON
