"""Two engines on one account, on two machines that share no lock: the first order of the other tells."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_late_orders import adds
from test_spare_stops import filled
from test_trades_in_order import READ, Day

from engine.core.actions import CancelOrder, Level, PlaceLimit, PlaceMarket
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    AnyBody,
    AnyCommand,
    BalanceRead,
    Commanded,
    Enter,
    Exit,
    FillSeen,
    Flatten,
    Flip,
    Halt,
    MarkReached,
    OrderSeen,
    OrdersRead,
    PositionsRead,
    Reduce,
    Resume,
    SetStopMode,
    Started,
)
from engine.core.exchange import Accepted, Balance, OrderKind, OrderRow, OrderState, RestingOrder
from engine.core.ids import add_id, bank_id
from engine.core.instrument import Side
from engine.core.settings import StopMode
from engine.core.state import ANOTHER_ENGINE

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
        f"orders of another Ratchet are on this account: {ANOTHERS}. This engine does nothing of its "
        "own; halt, flatten, close and reduce by your hand work. If no other engine runs (its journal "
        "was lost), start with --take-over."
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


@pytest.mark.parametrize(
    ("journal", "take_over", "met"),
    [("its own", False, True), ("new", False, False), ("its own", True, False)],
    ids=["met", "a journal that was lost", "taken over"],
)
def test_a_start_meets_the_engine_that_has_traded_while_it_was_away(
    journal: str, take_over: bool, met: bool
) -> None:
    """Before the first rung, which waits for the trades: both would have carried it out."""
    day = Day()
    if journal == "its own":
        day.begins()
        day.short_opened("0.002")
        day.tell(Answered(f"read:fills:{day.at}:{day.at}", Accepted()))
    day.tell(Started(day.settings, "test", take_over=take_over))
    day.tell(*READ[:-1], fill_of(day, ANOTHERS, live=False), READ[-1])
    assert (day.state.read_only == ANOTHER_ENGINE) is met


def beside_another() -> Day:
    """A short of 0.002 under care, an engine elsewhere that has shown itself, and a fresh price."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D("99900")
    day.tell(order_of(ANOTHERS))
    return day


def closes(decision: Decision) -> list[Decimal]:
    orders = [work for work in decision.actions if isinstance(work, PlaceMarket)]
    assert not any(order.opens for order in orders)
    return [order.qty for order in orders]


@pytest.mark.parametrize(
    ("command", "closed"),
    [
        (Flatten("get me out"), "0.002"),
        (Reduce("BTCUSDT", Side.SHORT, D(1)), "0.002"),
        (Reduce("BTCUSDT", Side.SHORT, D("0.5")), "0.001"),
    ],
)
def test_what_reduces_is_done_by_the_traders_order_beside_another_engine(
    command: AnyCommand, closed: str
) -> None:
    done = beside_another().tell(Commanded("c1", "the trader", command))
    assert (done.refused, closes(done)) == ("", [D(closed)])


def test_what_was_added_unheard_while_a_flatten_was_on_its_way_is_closed_as_well() -> None:
    """The exchange holds 0.002 more of the very position than the ledger knew."""
    day = beside_another()
    [cycle] = day.state.cycles.values()
    [close] = day.tell(Commanded("c1", "the trader", Flatten())).actions[:1]
    assert isinstance(close, PlaceMarket)
    day.tell(FillSeen(replace(fill_of(day, close.id).fill, qty=D("0.002"))))
    left = day.tell(PositionsRead((cycle.seen,), rest=True))
    assert closes(left) == [D("0.002")]


def test_an_exit_at_the_touch_is_done_beside_another_engine() -> None:
    done = beside_another().tell(Commanded("c1", "the trader", Exit("BTCUSDT", Side.SHORT)))
    [order] = [work for work in done.actions if isinstance(work, PlaceLimit)]
    assert (order.opens, order.qty) == (False, D("0.002"))


def test_the_traders_halt_takes_entries_off_beside_another_engine_and_a_limit_does_not() -> None:
    entry = RestingOrder(
        "o9", "mine", "BTCUSDT", OrderKind.LIMIT, Side.LONG, False, D("0.001"), None, D(90_000)
    )
    resting = OrdersRead((entry,), asked=0)
    for kill, swept in (("trader", 1), ("limit", 0)):
        day = beside_another()
        if kill == "trader":
            day.tell(Commanded("c1", "the trader", Halt()))
        else:
            day.tell(BalanceRead(Balance(D(1), D(1)), asked=day.at))
        assert day.state.kill is not None
        read = day.tell(replace(resting, asked=day.at + 500))
        assert len([work for work in read.actions if isinstance(work, CancelOrder)]) == swept


@pytest.mark.parametrize(
    "command",
    [
        Enter("BTCUSDT", Side.LONG, margin=D(5)),
        Flip(Enter("BTCUSDT", Side.LONG), D("0.5"), 60),
        SetStopMode("BTCUSDT", Side.SHORT, StopMode.CYCLE_BREAKEVEN),
        Resume(),
    ],
)
def test_what_does_not_reduce_stays_refused_beside_another_engine(command: AnyCommand) -> None:
    day = beside_another()
    day.tell(Commanded("c0", "the trader", Halt()))
    done = day.tell(Commanded("c1", "the trader", command))
    assert "another Ratchet" in done.refused
    assert not done.actions


def test_an_engine_that_was_started_to_watch_closes_nothing() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.tell(Started(day.settings, "test", read_only="started with --read-only"), *READ, order_of(ANOTHERS))
    for command in (Flatten(), Reduce("BTCUSDT", Side.SHORT, D(1)), Exit("BTCUSDT", Side.SHORT)):
        done = day.tell(Commanded("c1", "the trader", command))
        assert done.refused == "This engine is read-only: started with --read-only."
        assert not done.actions
