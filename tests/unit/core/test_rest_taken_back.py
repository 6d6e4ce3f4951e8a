"""The rest of an entry is taken back: its order is cancelled, and what it has filled stays."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_begun_late import Evening, entered, leverage
from test_taken_back import EXIT, Waiting, cancelled, closing

from engine.core.actions import PlaceLimit, PlaceMarket
from engine.core.another import ANOTHER_ENGINE
from engine.core.decide import Decision
from engine.core.entry import entry_id
from engine.core.events import (
    Answered,
    Commanded,
    Deny,
    Enter,
    Exit,
    FillSeen,
    Flip,
    Halt,
    LookedUp,
    OrderSeen,
    Reduce,
    Timer,
)
from engine.core.exchange import Accepted, OrderKind, OrderRow, OrderState, Refused, Unknown
from engine.core.instrument import Side
from engine.core.pending import ANSWER_MS, REQUEST_LIFE_MS

D = Decimal
DENY = Deny(entry_id("in"), 0)
STAYS = "BTCUSDT long: the rest of the entry is taken back; what it has filled stays."


def sent(decision: Decision) -> list[str]:
    return [work.id for work in decision.actions if isinstance(work, PlaceLimit | PlaceMarket)]


class Leaving(Evening):
    """A short of 0.002 is being left: its limit order works at the touch."""

    def __init__(self) -> None:
        super().__init__()
        self.short_opened("0.002")
        leaves = self.tell(Commanded("out", "the strategy", Exit("BTCUSDT", Side.SHORT)))
        [self.order] = sent(leaves)
        self.tell(Answered(self.order, Accepted("88")))

    def leaves(self, qty: str) -> None:
        trade = self.trade(f"x{self.at}", qty, "99000", buy=True, profit="1")
        self.tell(FillSeen(replace(trade, client_id=self.order), live=True))

    def is_cancelled(self, *, filled: str = "0") -> Decision:
        row = (OrderKind.LIMIT, OrderState.CANCELLED, D("0.002"), D(filled), D(99_000))
        return self.tell(OrderSeen(OrderRow("88", self.order, "BTCUSDT", *row)))


def test_what_is_not_filled_is_cancelled_and_what_is_filled_stays() -> None:
    evening = Waiting()
    evening.fills("0.001")
    evening.shows("0.001")
    denied = evening.wants(DENY)
    assert (denied.answer, cancelled(denied), closing(denied)) == (STAYS, ["77"], [])
    over = evening.is_cancelled(filled="0.001")
    assert (sent(over), closing(evening.tell(Timer(), Timer()))) == ([], [])
    assert evening.notes[-1] == "BTCUSDT long: entered 0.001 of 0.002; taken back by the strategy."
    assert not evening.state.entries
    [cycle] = evening.state.cycles.values()
    assert (cycle.held_qty, cycle.closing) == (D("0.001"), "")


def test_an_entry_that_adds_leaves_the_whole_position_as_it_is() -> None:
    evening = Evening()
    evening.short_opened("0.002")
    more = Enter("BTCUSDT", Side.SHORT, qty=D("0.001"), patient=True)
    [order] = sent(evening.tell(Commanded("in", "the desk", more)))
    evening.tell(Answered(order, Accepted("77")))
    denied = evening.tell(Commanded("no", "the desk", DENY))
    assert cancelled(denied) == ["77"]
    row = (OrderKind.LIMIT, OrderState.CANCELLED, D("0.001"), D(0), D(99_000))
    evening.tell(OrderSeen(OrderRow("77", order, "BTCUSDT", *row)))
    assert evening.notes[-1] == "BTCUSDT short: not entered: taken back by the desk."
    [cycle] = evening.state.cycles.values()
    assert (cycle.held_qty, cycle.closing) == (D("0.002"), "")


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in part"])
def test_what_fills_before_the_cancel_arrives_stays_and_is_taken_under_care(whole: bool) -> None:
    evening, qty = Waiting(), "0.002" if whole else "0.001"
    evening.wants(DENY)
    evening.fills(qty)
    shown = evening.shows(qty)
    evening.is_cancelled(filled=qty)
    assert closing(shown) == closing(evening.tell(Timer(), Timer())) == []
    assert not evening.state.entries
    [cycle] = evening.state.cycles.values()
    assert (cycle.held_qty, cycle.closing) == (D(qty), "")


def test_a_cancel_that_is_refused_because_the_order_is_gone_asks_what_became_of_it() -> None:
    evening = Waiting()
    evening.wants(DENY)
    asks = evening.tell(Answered("cancel:77", Refused("43001", "The order does not exist")))
    assert [work.id for work in asks.actions] == [f"find:{evening.order}"]
    evening.fills("0.002")
    row = (OrderKind.LIMIT, OrderState.FILLED, D("0.002"), D("0.002"), D(99_000))
    evening.tell(
        LookedUp(f"find:{evening.order}", evening.order, OrderRow("77", evening.order, "BTCUSDT", *row))
    )
    assert "BTCUSDT long: entered 0.002." in evening.notes
    assert not evening.state.entries


def test_a_crash_before_the_cancel_is_answered_forgets_nothing_and_closes_nothing() -> None:
    evening = Waiting()
    evening.wants(DENY)
    evening.starts_again()
    live = (OrderKind.LIMIT, OrderState.LIVE, D("0.002"), D(0), None)
    evening.tell(
        LookedUp(f"find:{evening.order}", evening.order, OrderRow("77", evening.order, "BTCUSDT", *live))
    )
    assert cancelled(evening.tell(Timer())) == ["77"], "it never arrived: once more"
    evening.fills("0.001")
    evening.is_cancelled(filled="0.001")
    assert closing(evening.shows("0.001")) == []
    assert not evening.state.entries


def test_an_order_that_is_not_known_to_have_arrived_is_not_sent_again() -> None:
    evening = Evening()
    asked = evening.tell(
        Commanded("in", "the desk", Enter("BTCUSDT", Side.LONG, qty=D("0.002"), patient=True))
    )
    [order] = sent(evening.tell(Answered(leverage(asked).id, Accepted())))
    evening.tell(Answered(order, Unknown("no answer in time")))
    evening.tell(Commanded("no", "the desk", DENY))
    evening.at += 1_000
    assert sent(evening.tell(LookedUp(f"find:{order}", order, None), Timer())) == []
    evening.at += REQUEST_LIFE_MS + ANSWER_MS
    evening.tell(LookedUp(f"find:{order}", order, None))
    assert not (evening.state.entries or evening.state.pending)


def test_a_market_entry_cannot_be_cancelled_and_says_so() -> None:
    evening = Evening()
    asked = evening.tell(Commanded("in", "the desk", Enter("BTCUSDT", Side.LONG, qty=D("0.002"))))
    [order] = entered(evening.tell(Answered(leverage(asked).id, Accepted())))
    denied = evening.tell(Commanded("no", "the desk", DENY))
    assert denied.answer == (
        "BTCUSDT long: its order went at market, and cannot be cancelled; what it fills stays."
    )
    assert denied.actions == ()
    trade = replace(evening.trade("1", "0.002", "99000", buy=True), client_id=order.id)
    evening.tell(FillSeen(trade, live=True))
    assert evening.notes[-1] == "BTCUSDT long: entered 0.002."


def test_an_entry_whose_leverage_is_being_set_ends_at_once() -> None:
    evening = Evening()
    asked = evening.tell(Commanded("in", "the desk", Enter("BTCUSDT", Side.LONG, qty=D("0.002"))))
    evening.tell(Commanded("no", "the desk", DENY))
    assert evening.notes[-1] == "BTCUSDT long: not entered: taken back by the desk."
    assert not (evening.state.entries or evening.state.pending)
    assert sent(evening.tell(Answered(leverage(asked).id, Accepted()), Timer())) == []


def test_a_second_no_changes_nothing() -> None:
    evening = Waiting()
    evening.wants(DENY)
    again = evening.tell(Commanded("no", "the desk", DENY))
    assert (again.answer, again.actions) == (STAYS, ())
    evening.is_cancelled()
    assert evening.notes[-1] == "BTCUSDT long: not entered: taken back by the strategy."
    assert evening.wants(DENY).refused.startswith("Nothing waits for this answer")


def test_an_exit_stays_an_exit() -> None:
    evening = Waiting()
    evening.wants(EXIT)
    assert evening.wants(DENY).refused == (
        "BTCUSDT long: it is taken back by the strategy, and what it has filled is closed."
    )
    evening.fills("0.002")
    assert closing(evening.shows("0.002")) == [D("0.002")]


@pytest.mark.parametrize("stronger", [EXIT, Reduce("BTCUSDT", Side.LONG, D(1))], ids=["exit", "close"])
def test_an_exit_after_it_closes_what_it_had_left(stronger: Exit | Reduce) -> None:
    evening = Waiting()
    evening.fills("0.001")
    evening.shows("0.001")
    evening.wants(DENY)
    closes = evening.wants(stronger)
    assert (closes.refused, cancelled(closes), closing(closes)) == ("", [], [D("0.001")])


def test_an_exit_after_it_closes_what_fills_before_the_cancel_arrives() -> None:
    evening = Waiting()
    evening.wants(DENY)
    evening.tell(Commanded("out", "the desk", EXIT))
    evening.fills("0.001")
    evening.is_cancelled(filled="0.001")
    assert closing(evening.shows("0.001")) == [D("0.001")]
    evening.tell(Timer())
    assert "BTCUSDT long: entered 0.001 of 0.002; taken back by the desk." in evening.notes


def test_a_stop_that_the_entry_brought_stays_with_what_is_filled() -> None:
    evening = Evening()
    stop = Enter("BTCUSDT", Side.LONG, qty=D("0.002"), patient=True, stop=D("97000"))
    asked = evening.tell(Commanded("in", "the desk", stop))
    [order] = sent(evening.tell(Answered(leverage(asked).id, Accepted())))
    evening.tell(Answered(order, Accepted("77")))
    trade = replace(evening.trade("1", "0.001", "99000", buy=True), client_id=order)
    evening.tell(FillSeen(trade, live=True), Commanded("no", "the desk", DENY))
    row = (OrderKind.LIMIT, OrderState.CANCELLED, D("0.002"), D("0.001"), D(99_000))
    evening.tell(OrderSeen(OrderRow("77", order, "BTCUSDT", *row)))
    assert evening.state.brought == {"BTCUSDT:long": D("97000")}


def test_a_halt_after_it_takes_nothing_more() -> None:
    evening = Waiting()
    evening.wants(DENY)
    assert cancelled(evening.wants(Halt("news"))) == []
    evening.is_cancelled()
    assert evening.notes[-1] == "BTCUSDT long: not entered: taken back by the strategy."


def test_an_engine_that_met_another_takes_back_and_one_that_only_watches_does_not() -> None:
    for reason, taken, refused in (
        (ANOTHER_ENGINE, ["77"], ""),
        ("started with --read-only", [], "This engine is read-only: started with --read-only."),
    ):
        evening = Waiting()
        evening.state = replace(evening.state, read_only=reason)
        denied = evening.wants(DENY)
        assert (cancelled(denied), denied.refused) == (taken, refused)


def test_an_exit_ends_and_what_is_still_held_stays() -> None:
    evening = Leaving()
    evening.leaves("0.001")
    denied = evening.tell(Commanded("no", "the desk", Deny(entry_id("out"), 0)))
    assert denied.answer == "BTCUSDT short: the exit ends; what is still held stays."
    assert cancelled(denied) == ["88"]
    over = evening.is_cancelled(filled="0.001")
    assert closing(over) == closing(evening.tell(Timer(), Timer())) == []
    assert evening.notes[-1] == "BTCUSDT short: left 0.001 of 0.002; taken back by the desk."
    [cycle] = evening.state.cycles.values()
    assert (cycle.held_qty, cycle.closing) == (D("0.001"), "")
    assert not evening.state.entries


def test_an_exit_that_is_taken_back_is_followed_by_no_flip() -> None:
    evening = Evening()
    evening.short_opened("0.002")
    wanted = Enter("BTCUSDT", Side.LONG, patient=True)
    evening.tell(Commanded("turn", "the strategy", Flip(wanted, share=D("0.1"), within_s=60)))
    evening.tell(Commanded("no", "the desk", Deny(entry_id("turn-exit"), 0)))
    assert not evening.state.flips
    assert evening.notes[-1] == (
        "BTCUSDT: the long that the strategy wanted is not entered: something newer was asked for, by the "
        "desk."
    )
