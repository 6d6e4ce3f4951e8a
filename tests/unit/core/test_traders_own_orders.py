"""Which of the trader's own orders protect a position."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_trades_in_order import Day

from engine.core.events import OrdersRead
from engine.core.exchange import OrderKind, RestingOrder
from engine.core.instrument import Side
from engine.core.stops import nearest_rest, resting_stops, worst_case
from engine.journal.ideal import BTC

D = Decimal
WHOLE = (OrderKind.POS_LOSS, OrderKind.POS_PROFIT)


@pytest.mark.parametrize(
    ("kind", "protects"),
    [
        (OrderKind.LOSS_PLAN, True),
        (OrderKind.POS_LOSS, True),
        (OrderKind.PROFIT_PLAN, False),
        (OrderKind.POS_PROFIT, False),
        (OrderKind.MOVING_PLAN, False),
        (OrderKind.TRACK_PLAN, False),
        (OrderKind.NORMAL_PLAN, False),
    ],
)
def test_only_a_stop_counts_in_the_worst_case(kind: OrderKind, *, protects: bool) -> None:
    """A short from 100,000 at 102,000. At 100,500 the trader means to get out with little loss: where the
    market rises on, that order does nothing, and all of the margin is lost.
    """
    day = Day()
    day.begins()
    day.short_opened("0.002")
    qty = None if kind in WHOLE else D("0.002")
    own = RestingOrder("o7", "", "BTCUSDT", kind, Side.SHORT, True, qty, D(100_500), None)
    day.tell(OrdersRead((own,), asked=day.at))
    [cycle] = day.state.cycles.values()
    assert bool(resting_stops(cycle)) is protects
    assert nearest_rest(cycle) == ("the stop at 100,500.0" if protects else "liquidation")
    worst = worst_case(cycle, BTC, resting_stops(cycle))
    assert worst == (D("-0.12") - D(1) - D("0.1206") if protects else D("-10.12"))
