"""Two engines on one account, on two machines that share no lock: the first order of the other tells."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_late_orders import adds
from test_spare_stops import filled
from test_trades_in_order import Day

from engine.core.actions import Level
from engine.core.events import Answered, AnyBody, FillSeen, MarkReached, OrderSeen
from engine.core.exchange import Accepted, OrderKind, OrderRow, OrderState
from engine.core.ids import add_id, bank_id

D = Decimal
ANOTHERS = bank_id("aaaaaaaa", 1)


def order_of(client_id: str) -> OrderSeen:
    state = OrderState.FILLED
    return OrderSeen(
        OrderRow("o7", client_id, "BTCUSDT", OrderKind.MARKET, state, D("0.001"), D("0.001"), D(95_000))
    )


def fill_of(day: Day, client_id: str, *, live: bool = True) -> FillSeen:
    trade = day.trade("107", "0.001", "95000", buy=True, profit="5", at=day.at + 500)
    return FillSeen(replace(trade, client_id=client_id), live=live)


@pytest.mark.parametrize("how", ["its order", "its fill"])
def test_the_first_order_of_another_engine_ends_all_trading_here_and_is_told(how: str) -> None:
    """Both have banked at the same price; neither adds any more."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D("94900")
    banked = day.tell(MarkReached("BTCUSDT", day.mark))
    met: AnyBody = order_of(ANOTHERS) if how == "its order" else fill_of(day, ANOTHERS)
    told = [note for note in day.tell(met).notes if note.level is Level.URGENT]
    assert told[0].text == (
        f"orders of another Ratchet are on this account: {ANOTHERS}. This engine trades nothing. If no other "
        "engine runs (its journal was lost), start with --take-over."
    )
    stops = filled(day, banked, "94900", profit="5.1")
    after = [day.tell(Answered(work.id, Accepted("p1"))) for work in stops.actions]
    assert not any(adds(decision) for decision in (stops, *after))


def test_what_another_engine_did_is_not_called_the_traders_deed() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    closed = day.tell(fill_of(day, ANOTHERS))
    assert closed.notes[-1].text == (
        "BTCUSDT short: an order of another Ratchet closed 0.001 @ 95,000.0 (+5.00)."
    )
    added = day.trade("108", "0.001", "95000", buy=False, at=day.at + 500)
    grown = day.tell(FillSeen(replace(added, client_id=add_id("aaaaaaaa", 1)), live=True))
    assert "another Ratchet added 0.001 @ 95,000.0" in grown.notes[-1].text


def test_our_own_orders_and_those_of_history_are_no_other_engine() -> None:
    """A journal that was lost: what its engine had sent is read back, and nothing of it moves."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    [own] = day.state.cycles.values()
    day.tell(order_of(bank_id(own.id, 1)), fill_of(day, ANOTHERS, live=False), order_of("the-traders"))
    assert not day.state.read_only
