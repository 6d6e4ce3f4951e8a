"""An entry whose leverage was asked for and not answered: it begins late, or ends and tells why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import BTC, READ, SETTINGS, Day

from engine.core.actions import PlaceMarket, SetLeverage
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    AnyBody,
    BalanceRead,
    Commanded,
    Enter,
    FillSeen,
    Flip,
    Halt,
    InstrumentsRead,
    LookedUp,
    PositionsRead,
    Started,
    Timer,
)
from engine.core.exchange import Accepted, Balance, Position, Refused, Unknown
from engine.core.instrument import Side
from engine.core.pending import ANSWER_MS, REQUEST_LIFE_MS

D = Decimal
ENTERING = Enter("BTCUSDT", Side.LONG, price=D(99_000), deviation=D("0.005"))
FLIP = Flip(ENTERING, share=D("0.1"), within_s=60)
LONG = Enter("BTCUSDT", Side.LONG, margin=D(10))


class Evening(Day):
    """A day that has begun, with a price."""

    def __init__(self) -> None:
        super().__init__()
        self.begins()
        self.mark = D(99_000)
        self.notes: list[str] = []

    def tell(self, *bodies: AnyBody) -> Decision:
        for body in bodies:
            decision = super().tell(body)
            self.notes = [*getattr(self, "notes", []), *(note.text for note in decision.notes)]
        return decision

    def flips(self) -> SetLeverage:
        """The short is left, and the leverage of the long goes out."""
        self.short_opened("0.002")
        leaves = self.tell(Commanded("1", "the desk", FLIP))
        [order] = [work.id for work in leaves.actions if work.id.startswith("rte-")]
        left = replace(self.trade("101", "0.002", "99000", buy=True, profit="2"), client_id=order)
        self.tell(FillSeen(left, live=True))
        return leverage(self.tell(PositionsRead((), rest=True), BalanceRead(Balance(D(100), D(100)))))

    def starts_again(self, *, after_s: int = 5, read: tuple[AnyBody, ...] = READ) -> Decision:
        self.at += after_s * 1_000
        self.mark, mark = None, self.mark
        self.tell(Started(SETTINGS, "test"), *read[:1])
        self.mark = mark
        return self.tell(*read[1:], Timer())


def leverage(decision: Decision) -> SetLeverage:
    [work] = [work for work in decision.actions if isinstance(work, SetLeverage)]
    return work


def entered(decision: Decision) -> list[PlaceMarket]:
    return [work for work in decision.actions if isinstance(work, PlaceMarket) and work.opens]


def test_a_flip_cut_while_its_leverage_was_set_goes_on_after_the_restart() -> None:
    evening = Evening()
    asked = evening.flips()
    again = leverage(evening.starts_again())
    assert again == asked, "the same leverage twice is the same"
    [order] = entered(evening.tell(Answered(again.id, Accepted())))
    assert (order.side, order.qty) == (Side.LONG, D("0.0020"))


def test_nothing_is_set_before_the_account_is_read_again() -> None:
    evening = Evening()
    evening.flips()
    evening.at += 5_000
    early = evening.tell(Started(SETTINGS, "test"), InstrumentsRead((BTC,)), Timer(), Timer())
    assert not [work for work in early.actions if isinstance(work, SetLeverage)]
    assert leverage(evening.tell(*READ, Timer()))


@pytest.mark.parametrize(
    ("after_s", "mark", "why"),
    [
        (5, "99600", "BTCUSDT: the market is 0.6 % away from the signal's 99,000.0"),
        (60, "99000", "it is too late"),
    ],
    ids=["the price has left the band", "its time is over"],
)
def test_a_flip_whose_terms_hold_no_more_ends_flat_and_says_why(after_s: int, mark: str, why: str) -> None:
    evening = Evening()
    evening.flips()
    evening.mark = D(mark)
    ends = evening.starts_again(after_s=after_s)
    assert not [work for work in ends.actions if isinstance(work, SetLeverage)]
    assert evening.notes[-1] == (
        "BTCUSDT long: not entered: nobody knows whether its leverage was set (the engine was restarted), "
        f"and now {why}."
    )
    assert not (evening.state.entries or evening.state.flips or evening.state.pending)


def test_a_short_that_the_trader_opened_meanwhile_is_not_reduced_by_the_flip() -> None:
    evening = Evening()
    evening.flips()
    numbers = (D("0.001"), D(99_000), D(5), D(20), D(103_000), True, False, False)
    short = Position("BTCUSDT", Side.SHORT, *numbers, opened=evening.at)
    read = tuple(PositionsRead((short,), rest=True) if isinstance(b, PositionsRead) else b for b in READ)
    evening.starts_again(read=read)
    assert evening.notes[-1].endswith(
        "and now BTCUSDT short is open: close it first; an entry here would reduce it."
    )


def test_an_entry_whose_leverage_is_not_answered_sets_it_again_and_goes_on() -> None:
    evening = Evening()
    asked = leverage(evening.tell(Commanded("1", "the desk", LONG)))
    evening.tell(Answered(asked.id, Unknown("no answer in time")))
    assert evening.notes[-1] == (
        "BTCUSDT: setting 20x: no certain answer (no answer in time). It is set again until it is certain."
    )
    again = leverage(evening.tell(Timer()))
    assert entered(evening.tell(Answered(again.id, Accepted())))


def test_an_entry_from_before_a_restart_is_too_late() -> None:
    """Nobody said how long it may wait: what the trader wanted in that moment is not done in another."""
    evening = Evening()
    evening.tell(Commanded("1", "the desk", LONG))
    evening.starts_again(after_s=1)
    assert evening.notes[-1].endswith("(the engine was restarted), and now it is too late.")
    assert not evening.state.pending


def test_a_halt_ends_an_entry_whose_leverage_is_unknown() -> None:
    evening = Evening()
    asked = leverage(evening.tell(Commanded("1", "the desk", LONG)))
    evening.tell(Answered(asked.id, Unknown("no answer in time")))
    evening.tell(Commanded("2", "the desk", Halt("news")), Timer())
    assert evening.notes[-1].endswith("(no answer in time), and now the kill switch is on.")


def test_a_leverage_that_is_refused_the_second_time_ends_the_entry() -> None:
    evening = Evening()
    asked = leverage(evening.tell(Commanded("1", "the desk", LONG)))
    evening.tell(Answered(asked.id, Unknown("no answer in time")))
    again = leverage(evening.tell(Timer()))
    evening.tell(Answered(again.id, Refused("40797", "Exceeded the maximum leverage")))
    assert evening.notes[-1] == (
        "BTCUSDT long: not entered, the leverage was refused. Bitget 40797: Exceeded the maximum leverage"
    )
    assert not (evening.state.entries or evening.state.pending)


def test_the_order_of_a_flip_that_never_arrived_is_asked_for_under_a_new_name() -> None:
    evening = Evening()
    [lost] = entered(evening.tell(Answered(evening.flips().id, Accepted())))
    evening.starts_again(after_s=1)
    evening.at += REQUEST_LIFE_MS + ANSWER_MS
    [order] = entered(evening.tell(LookedUp(f"find:{lost.id}", lost.id, None)))
    assert (order.id, order.qty) == (lost.id[:-1] + "2", lost.qty)
