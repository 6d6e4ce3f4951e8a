"""A stop that the ladder needs no more is taken away between two rungs, not in the middle of one."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from test_shield import Night

from engine.core.actions import PlaceMarket
from engine.core.decide import Decision
from engine.core.events import FillSeen, MarkReached, PositionsRead
from engine.core.settings import Ladder, Sequence, Settings

D = Decimal
ADDS_FIRST = Settings("test", ladder=Ladder(hard_stop=True, sequence=Sequence.ADD_FIRST))


def filled(night: Night, decision: Decision, price: str, *, profit: str = "0") -> Decision:
    [order] = [work for work in decision.actions if isinstance(work, PlaceMarket)]
    fill = night.trade(order.id[-8:], str(order.qty), price, buy=not order.opens, profit=profit)
    return night.tell(FillSeen(replace(fill, client_id=order.id)))


def after_a_rung_that_adds_first(mark: str) -> tuple[Night, Decision]:
    """Its stops are read back at `mark`: it is done."""
    night = Night(ADDS_FIRST)
    night.reads_orders()
    night.mark = D(95_000)
    banks = filled(night, night.tell(MarkReached("BTCUSDT", night.mark)), "95000")
    night.placed(filled(night, banks, "95000", profit="2.44"), answers=False)
    night.mark = D(mark)
    return night, night.reads_orders()


def test_the_hard_stop_goes_when_the_legs_have_stops_of_their_own() -> None:
    night, done = after_a_rung_that_adds_first("95000")
    assert "rung 1 done" in night.notes[-1]
    assert night.cancelled == [night.rest[0].client_id]
    assert not [work for work in done.actions if isinstance(work, PlaceMarket)]


def test_the_hard_stop_stays_while_the_next_rung_adds_first() -> None:
    """Seed 22521: it was cancelled in the turn that sent the next add, which for a moment nothing covered."""
    night, adds = after_a_rung_that_adds_first("90000")
    assert night.notes[-1].endswith("reached rung 2 at 90,250.0.")
    assert [work.opens for work in adds.actions if isinstance(work, PlaceMarket)] == [True]
    assert not night.cancelled


def test_the_hard_stop_stays_while_bitget_shows_more_than_the_trades_explain() -> None:
    """Seed 12081: an add of the trader was not told yet, and only that stop held it."""
    night = Night(ADDS_FIRST)
    night.reads_orders()
    night.mark = D(95_000)
    banks = filled(night, night.tell(MarkReached("BTCUSDT", night.mark)), "95000")
    night.placed(filled(night, banks, "95000", profit="2.44"), answers=False)
    more = replace(night.cycle.seen, qty=night.cycle.held_qty + D("0.001"))
    night.tell(PositionsRead((more,), rest=False))
    night.reads_orders()
    assert night.cycle.rung is None
    assert not night.cancelled
