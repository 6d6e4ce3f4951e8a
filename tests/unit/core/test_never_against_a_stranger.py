"""In one-way mode an entry on the other side closes what is there: also what is not under care."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import Day

from engine.core.actions import CancelOrder, PlaceLimit, PlaceMarket, SetLeverage
from engine.core.events import Answered, Commanded, Enter, OrderSeen, PositionsRead, Release, Timer
from engine.core.exchange import Accepted, OrderKind, OrderRow, OrderState
from engine.core.instrument import Side

D = Decimal
LONG = Enter("BTCUSDT", Side.LONG, margin=D(10), leverage=D(20))


@pytest.mark.parametrize(("hedged", "enters"), [(False, False), (True, True)])
def test_a_position_that_was_let_go_is_not_reduced_by_an_entry(hedged: bool, enters: bool) -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D(100_000)
    [cycle] = day.state.cycles.values()
    day.tell(Commanded("1", "trader", Release("BTCUSDT", Side.SHORT)))
    day.tell(PositionsRead((replace(cycle.seen, hedged=hedged),), rest=True))
    decision = day.tell(Commanded("2", "TradingView", LONG))
    begun = [work for work in decision.actions if isinstance(work, PlaceMarket | SetLeverage)]
    assert bool(begun) is enters
    refused = "BTCUSDT short is open: close it first; an entry here would reduce it."
    assert decision.refused == ("" if enters else refused)


def test_an_entry_that_waits_at_the_touch_ends_when_the_trader_opens_the_other_side() -> None:
    day = Day()
    day.begins()
    day.mark = D(100_000)
    sets = day.tell(Commanded("1", "TradingView", replace(LONG, patient=True)))
    [leverage] = [work for work in sets.actions if isinstance(work, SetLeverage)]
    placed = day.tell(Answered(leverage.id, Accepted()))
    [limit] = [work for work in placed.actions if isinstance(work, PlaceLimit)]
    day.tell(Answered(limit.id, Accepted("o9")))
    day.short_opened("0.002")
    [cancel] = [work for work in day.tell(Timer()).actions if isinstance(work, CancelOrder)]
    assert cancel.order_id == "o9"
    row = OrderRow("o9", limit.id, "BTCUSDT", OrderKind.LIMIT, OrderState.CANCELLED, limit.qty, D(0), D(0))
    ended = day.tell(Answered(cancel.id, Accepted()), OrderSeen(row))
    assert not day.state.entries
    assert ended.notes[-1].text == "BTCUSDT long: not entered: BTCUSDT short is open."
