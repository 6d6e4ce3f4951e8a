"""What the trader adds in the middle of a rung is covered, also while nobody knows of an order of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_trades_in_order import Day

from engine.core.actions import Action, PlaceLimit, PlaceMarket, PlaceStop
from engine.core.decide import Decision
from engine.core.entry import entry_id
from engine.core.events import Answered, Commanded, Deny, Exit, FillSeen, MarkReached
from engine.core.exchange import Accepted, Unknown
from engine.core.instrument import Side

D = Decimal


def adds(decision: Decision) -> list[Action]:
    return [work for work in decision.actions if isinstance(work, PlaceMarket) and work.opens]


def stops(decision: Decision) -> list[PlaceStop]:
    return [work for work in decision.actions if isinstance(work, PlaceStop)]


def rung_waits_for_its_price(day: Day) -> Decision:
    """Rung 1 is banked and covered when the prices go: its add is not sent."""
    day.begins()
    day.short_opened("0.002")
    day.mark = D(95_000)
    fired = day.tell(MarkReached("BTCUSDT", D(95_000)))
    [bank] = [work for work in fired.actions if isinstance(work, PlaceMarket)]
    day.mark = None
    fill = day.trade("101", "0.001", "95000", buy=True, profit="5")
    day.tell(Answered(bank.id, Accepted("o101")))
    banked = day.tell(FillSeen(replace(fill, client_id=bank.id), live=True))
    assert not adds(day.tell(Answered(stops(banked)[0].id, Accepted("o900"))))
    return banked


def test_what_the_trader_adds_meanwhile_gets_its_stop_before_the_add() -> None:
    day = Day()
    rung_waits_for_its_price(day)
    added = day.tell(FillSeen(day.trade("102", "0.0005", "95000", buy=False), live=True))
    [stop] = stops(added)
    assert stop.qty == D("0.0005")
    day.mark = D(95_000)
    assert not adds(day.tell(MarkReached("BTCUSDT", D(95_000))))
    [add] = adds(day.tell(Answered(stop.id, Accepted("o901"))))
    assert isinstance(add, PlaceMarket)


def test_with_nothing_new_the_add_leaves_at_the_first_fresh_price() -> None:
    day = Day()
    rung_waits_for_its_price(day)
    day.mark = D(95_000)
    assert adds(day.tell(MarkReached("BTCUSDT", D(95_000))))


def test_what_the_trader_adds_while_nobody_knows_of_the_add_gets_its_stop() -> None:
    """It may last most of a minute until it is certain what became of an order without an answer."""
    day = Day()
    rung_waits_for_its_price(day)
    day.mark = D(95_000)
    [add] = adds(day.tell(MarkReached("BTCUSDT", D(95_000))))
    day.tell(Answered(add.id, Unknown("no answer in time")))
    [stop] = stops(day.tell(FillSeen(day.trade("102", "0.0005", "95000", buy=False), live=True)))
    assert stop.qty == D("0.0005")


@pytest.mark.parametrize("taken_back", [False, True])
def test_an_exit_closes_also_what_the_add_on_its_way_has_opened_unless_it_is_taken_back(
    taken_back: bool,
) -> None:
    day = Day()
    rung_waits_for_its_price(day)
    day.mark = D(95_000)
    [add] = adds(day.tell(MarkReached("BTCUSDT", D(95_000))))
    assert isinstance(add, PlaceMarket)
    leaves = day.tell(Commanded("1", "the desk", Exit("BTCUSDT", Side.SHORT)))
    [leave] = [work for work in leaves.actions if isinstance(work, PlaceLimit)]
    more = day.trade("110", str(add.qty), "95000", buy=False)
    day.tell(FillSeen(replace(more, client_id=add.id), live=True))
    if taken_back:
        day.tell(Commanded("2", "the desk", Deny(entry_id("1"), 0)))
    left = day.trade("111", str(leave.qty), "95000", buy=True, profit="5")
    closes = day.tell(FillSeen(replace(left, client_id=leave.id), live=True))
    rest = [(work.opens, work.qty) for work in closes.actions if isinstance(work, PlaceMarket)]
    assert rest == ([] if taken_back else [(False, add.qty)])
