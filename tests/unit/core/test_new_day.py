"""A day that was closed for its loss: one frame that is a little ahead of midnight does not open it again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_trades_in_order import Day

from engine.core.decide import Decision, decide
from engine.core.events import Answered, BalanceRead, Event, Timer
from engine.core.exchange import Accepted, Balance
from engine.core.limits import AHEAD_MS, DAY_MS
from engine.venue.rest import LEAP_MS

D = Decimal
MIDNIGHT = (1_746_712_860_000 // DAY_MS + 1) * DAY_MS


class Late(Day):
    """A few minutes before midnight; the day began with 100."""

    def __init__(self, equity: str) -> None:
        super().__init__()
        self.begins()
        self.at = MIDNIGHT - 300_000
        self.tell(BalanceRead(Balance(D(equity), D(equity)), asked=self.at))

    def reads_bills(self) -> Decision:
        return self.tell(Answered(f"read:bills:{self.at}:{self.at}", Accepted()))

    def looks(self, market: int) -> Decision:
        """The exchange's clock says `market`."""
        decision = decide(self.state, Event(self.at, market, Timer()))
        self.state = decision.state
        return decision


@pytest.mark.parametrize("confirmed", [True, False], ids=["hit", "lost, its bills not read yet"])
def test_a_day_that_was_closed_ends_when_no_clock_can_be_ahead_of_midnight(confirmed: bool) -> None:
    late = Late("70")
    if confirmed:
        told = late.reads_bills()
        assert told.notes[-1].text.endswith("Nothing is added until 00:01 UTC; what rests on Bitget stays.")
    for market in (MIDNIGHT + 5_000, MIDNIGHT - 200_000, MIDNIGHT + AHEAD_MS - 1):
        late.looks(market)
        assert (late.state.day.limit_hit, bool(late.state.day.lost_at)) == (confirmed, not confirmed)
    late.looks(MIDNIGHT + AHEAD_MS)
    assert (late.state.day.limit_hit, late.state.day.lost_at) == (False, 0)
    assert late.state.day.day_equity == D(70)


def test_any_other_day_begins_at_midnight() -> None:
    late = Late("90")
    late.looks(MIDNIGHT - 1)
    assert late.state.day.day_equity == D(100)
    late.looks(MIDNIGHT)
    assert late.state.day.day_equity == D(90)


def test_that_is_as_far_ahead_as_a_frame_is_believed() -> None:
    assert AHEAD_MS == LEAP_MS
