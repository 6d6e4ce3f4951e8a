"""A start decides the same, whatever the order in which things were learnt before it."""

from __future__ import annotations

from decimal import Decimal

from engine.core.actions import Level, PlaceMarket
from engine.core.decide import decide
from engine.core.events import Event, Started
from engine.core.instrument import Side
from engine.core.settings import Settings
from engine.core.state import Pending, State
from engine.journal import chain

NOON = 1_746_712_860_000
SETTINGS = Settings("test")


def on_its_way(name: str) -> Pending:
    work = PlaceMarket(name, "BTCUSDT", Side.SHORT, opens=False, qty=Decimal("0.001"))
    return Pending(work, "abcdefgh", NOON, NOON)


def test_two_orders_on_their_way_are_looked_up_in_the_same_order_after_a_snapshot() -> None:
    lived = State(SETTINGS, pending={name: on_its_way(name) for name in ("rt-abcdefgh-x2", "rt-abcdefgh-s1")})
    read_back = chain.read_state(chain.write_state(lived))
    assert list(read_back.pending) != list(lived.pending)
    start = Event(NOON + 1, NOON + 1, Started(SETTINGS, "test"))
    assert decide(lived, start).actions == decide(read_back, start).actions


def test_a_start_is_told_and_is_no_money_in_the_log() -> None:
    [told] = decide(State(SETTINGS), Event(NOON, NOON, Started(SETTINGS, "0.1.0"))).notes
    assert (told.level, told.text) == (Level.CHATTER, "Engine 0.1.0 started on account test.")
