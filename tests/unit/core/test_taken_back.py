"""An entry that still works when it is not wanted any more: it goes no further, what it filled is closed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_begun_late import Evening, leverage

from engine.core.actions import CancelOrder, PlaceLimit, PlaceMarket
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    AnyCommand,
    BalanceRead,
    Commanded,
    Enter,
    Exit,
    FillSeen,
    Flip,
    Halt,
    OrderSeen,
    PositionsRead,
    Reduce,
    Timer,
)
from engine.core.exchange import Accepted, Balance, OrderKind, OrderRow, OrderState, Position
from engine.core.instrument import Side

D = Decimal
EXIT = Exit("BTCUSDT", Side.LONG)
PATIENT = Enter("BTCUSDT", Side.LONG, qty=D("0.002"), patient=True)


class Waiting(Evening):
    """A limit order of 0.002 works at the touch, and nothing of it is filled."""

    def __init__(self) -> None:
        super().__init__()
        asked = self.tell(Commanded("in", "the strategy", PATIENT))
        placed = self.tell(Answered(leverage(asked).id, Accepted()))
        [order] = [work for work in placed.actions if isinstance(work, PlaceLimit)]
        self.order = order.id
        self.tell(Answered(order.id, Accepted("77")))

    def wants(self, command: AnyCommand) -> Decision:
        return self.tell(Commanded(f"out-{self.at}", "the strategy", command))

    def fills(self, qty: str) -> None:
        trade = replace(self.trade(f"f{self.at}", qty, "99000", buy=True), client_id=self.order)
        self.tell(FillSeen(trade, live=True))

    def shows(self, qty: str) -> Decision:
        """Bitget tells the position."""
        numbers = (D(qty), D(99_000), D(10), D(20), D(95_000), True, False, False)
        long = Position("BTCUSDT", Side.LONG, *numbers, opened=self.at - 1_000)
        return self.tell(PositionsRead((long,), rest=False))

    def is_cancelled(self, *, filled: str = "0") -> Decision:
        row = (OrderKind.LIMIT, OrderState.CANCELLED, D("0.002"), D(filled), D(99_000))
        return self.tell(OrderSeen(OrderRow("77", self.order, "BTCUSDT", *row)))


def cancelled(decision: Decision) -> list[str]:
    return [work.order_id for work in decision.actions if isinstance(work, CancelOrder)]


def closing(decision: Decision) -> list[Decimal]:
    return [work.qty for work in decision.actions if isinstance(work, PlaceMarket) and not work.opens]


def test_an_exit_takes_back_the_entry_that_still_works() -> None:
    evening = Waiting()
    exits = evening.wants(EXIT)
    assert (exits.refused, cancelled(exits)) == ("", ["77"])
    evening.is_cancelled()
    evening.tell(Timer(), Timer())
    assert evening.notes[-1] == "BTCUSDT long: not entered: taken back by the strategy."
    assert not evening.state.entries
    assert not evening.state.cycles


def test_an_exit_before_the_order_is_placed_ends_the_entry() -> None:
    evening = Evening()
    asked = evening.tell(Commanded("in", "the strategy", PATIENT))
    evening.tell(Commanded("out", "the strategy", EXIT))
    placed = evening.tell(Answered(leverage(asked).id, Accepted()))
    assert not [work for work in placed.actions if isinstance(work, PlaceLimit)]
    assert not evening.state.entries


def test_a_crash_before_the_cancel_is_answered_forgets_nothing() -> None:
    evening = Waiting()
    evening.wants(EXIT)
    evening.starts_again()
    evening.fills("0.001")
    evening.is_cancelled(filled="0.001")
    assert closing(evening.shows("0.001")) == [D("0.001")]
    evening.tell(Timer())
    assert not evening.state.entries


def test_an_exit_leaves_what_the_entry_has_filled_and_takes_back_the_rest() -> None:
    evening = Waiting()
    evening.fills("0.001")
    evening.shows("0.001")
    exits = evening.wants(EXIT)
    assert (cancelled(exits), closing(exits)) == (["77"], [D("0.001")])
    evening.is_cancelled(filled="0.001")
    evening.tell(Timer())
    assert evening.notes[-1] == "BTCUSDT long: entered 0.001 of 0.002; taken back by the strategy."


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in part"])
def test_what_fills_before_the_cancel_arrives_is_closed_as_soon_as_it_is_seen(whole: bool) -> None:
    evening, qty = Waiting(), "0.002" if whole else "0.001"
    evening.wants(EXIT)
    evening.fills(qty)
    if not whole:
        evening.is_cancelled(filled=qty)
    evening.tell(Timer())
    assert closing(evening.shows(qty)) == [D(qty)]
    evening.tell(Timer())
    assert not evening.state.entries


def test_what_was_filled_and_is_never_seen_as_a_position_is_not_waited_for_without_end() -> None:
    evening = Waiting()
    evening.wants(EXIT)
    evening.fills("0.002")
    evening.tell(*(Timer() for _ in range(PATIENT.wait_s + 2)))
    assert not evening.state.entries


def test_closing_everything_by_hand_takes_back_what_would_open_it_again() -> None:
    evening = Waiting()
    evening.fills("0.001")
    evening.shows("0.001")
    closes = evening.wants(Reduce("BTCUSDT", Side.LONG, D(1)))
    assert (cancelled(closes), closing(closes)) == (["77"], [D("0.001")])


def test_a_flip_takes_back_the_entry_of_the_other_side_then_enters() -> None:
    evening = Waiting()
    short = Enter("BTCUSDT", Side.SHORT, patient=True)
    flips = evening.wants(Flip(short, share=D("0.1"), within_s=60))
    assert (flips.refused, cancelled(flips)) == ("", ["77"])
    evening.is_cancelled()
    enters = evening.tell(Timer(), BalanceRead(Balance(D(100), D(100))))
    assert leverage(enters).side is Side.SHORT


def test_in_hedge_mode_one_side_is_left_while_the_other_is_entered() -> None:
    evening = Waiting()
    numbers = (D("0.001"), D(99_000), D(5), D(20), D(103_000), True, False, True)
    evening.tell(PositionsRead((Position("BTCUSDT", Side.SHORT, *numbers, opened=evening.at),), rest=False))
    exits = evening.wants(Exit("BTCUSDT", Side.SHORT))
    assert exits.refused == ""
    assert [work.side for work in exits.actions if isinstance(work, PlaceLimit)] == [Side.SHORT]
    assert evening.wants(Exit("BTCUSDT", Side.SHORT)).refused == "BTCUSDT short is being left already."


def test_a_halt_tells_what_an_entry_had_filled_by_then() -> None:
    evening = Waiting()
    evening.fills("0.001")
    evening.shows("0.001")
    evening.wants(Halt("news"))
    evening.is_cancelled(filled="0.001")
    assert evening.notes[-1] == "BTCUSDT long: entered 0.001 of 0.002; the kill switch is on."
