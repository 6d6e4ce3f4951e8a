"""Whose the orders are that rest: ours through somebody's command, or the trader's own."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.exchange import OrderKind, RestingOrder
from engine.core.instrument import Side
from engine.core.settings import Settings
from engine.core.state import State
from engine.runtime.snapshot import orders_of
from tests.runtime.test_entries_shown import AT_THE_TOUCH

D = Decimal


def limit(client_id: str) -> RestingOrder:
    return RestingOrder(
        f"n-{client_id}", client_id, "BTCUSDT", OrderKind.LIMIT, Side.LONG, False, D("0.1"), None, D(95_000)
    )


def test_an_entry_that_waits_at_the_touch_is_ours_and_tells_who_asked_for_it() -> None:
    entry = replace(AT_THE_TOUCH, by="webhook, buy long, id Long-1")
    rests = [limit("rte-entry1-1"), limit("rte-entry1-0"), limit("by-hand")]
    state = State(Settings("main"), entries={"BTCUSDT": entry}, working={o.order_id: o for o in rests})
    assert [(order.ours, order.why) for order in orders_of(state)] == [
        (True, "asked for by webhook, buy long, id Long-1"),
        (True, "asked for by an earlier command"),
        (False, "the trader's own"),
    ]
