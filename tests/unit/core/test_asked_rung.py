"""An asked rung is asked for one front leg: a yes means no other."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from test_trades_in_order import SETTINGS, Day

from engine.core.actions import PlaceMarket
from engine.core.cycle import Cycle
from engine.core.events import Approve, Commanded, FillSeen, MarkReached
from engine.core.settings import Ladder, Rungs

D = Decimal


class Asked(Day):
    """A short from 100,000 whose first rung asks at 95,000."""

    def __init__(self) -> None:
        super().__init__(replace(SETTINGS, ladder=Ladder(rungs=Rungs.ASK)))
        self.begins()
        self.short_opened("0.002")
        self.mark = D(95_000)
        self.tell(MarkReached("BTCUSDT", self.mark))
        assert self.cycle.approval

    @property
    def cycle(self) -> Cycle:
        [cycle] = self.state.cycles.values()
        return cycle


def test_a_leg_that_the_trader_adds_ends_the_question() -> None:
    """The yes would bank half of the new leg at once, and add to it at no profit at all."""
    day = Asked()
    added = day.tell(FillSeen(day.trade("102", "0.001", "95000", buy=False), live=True))
    assert "BTCUSDT short: rung 1 is not run: the position has changed since." in [
        note.text for note in added.notes
    ]
    day.mark = D(94_900)
    yes = day.tell(Commanded("c1", "desk", Approve(day.cycle.id, 1)))
    assert yes.refused
    assert not [work for work in yes.actions if isinstance(work, PlaceMarket)]


def test_the_new_leg_asks_for_itself_at_its_own_trigger() -> None:
    day = Asked()
    day.tell(FillSeen(day.trade("102", "0.001", "95000", buy=False), live=True))
    day.mark = D(90_250)
    day.tell(MarkReached("BTCUSDT", day.mark))
    assert day.cycle.approval
    assert (day.cycle.approval.rung, day.cycle.approval.front) == (1, 2)
    yes = day.tell(Commanded("c1", "desk", Approve(day.cycle.id, 1)))
    assert [work.qty for work in yes.actions if isinstance(work, PlaceMarket)] == [D("0.0005")]
