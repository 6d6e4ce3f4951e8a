"""Whose the orders are that rest: ours through somebody's command, or the trader's own."""

from __future__ import annotations

from decimal import Decimal

from engine.core.cycle import Order
from engine.core.exchange import OrderKind, RestingOrder
from engine.core.instrument import Side
from engine.core.settings import Settings
from engine.core.state import Entry, State, Step
from engine.runtime.snapshot import orders_of

D = Decimal


def limit(client_id: str) -> RestingOrder:
    return RestingOrder(
        f"n-{client_id}", client_id, "BTCUSDT", OrderKind.LIMIT, Side.LONG, False, D("0.1"), None, D(95_000)
    )


def test_an_entry_that_waits_at_the_touch_is_ours_and_tells_who_asked_for_it() -> None:
    entry = Entry(
        id="entry1",
        symbol="BTCUSDT",
        side=Side.LONG,
        opens=True,
        want=D("0.1"),
        leverage=D(20),
        patient=True,
        wait_ms=20_000,
        tries=3,
        stop=None,
        by="webhook, buy long, id Long-1",
        step=Step.WORKING,
        since=0,
        order=Order("rte-entry1-2", D("0.1")),
    )
    rests = [limit("rte-entry1-2"), limit("rte-entry1-1"), limit("by-hand")]
    state = State(Settings("main"), entries={"BTCUSDT": entry}, working={o.order_id: o for o in rests})
    assert [(order.ours, order.why) for order in orders_of(state)] == [
        (True, "asked for by webhook, buy long, id Long-1"),
        (True, "asked for by an earlier command"),
        (False, "the trader's own"),
    ]
