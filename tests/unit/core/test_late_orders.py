"""Orders of ours that come to Bitget when the market, or the position, is another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_spare_stops import filled
from test_trades_in_order import Day, paid

from engine.core.actions import LookUp, PlaceMarket, PlaceStop
from engine.core.cycle import Stage
from engine.core.decide import Decision
from engine.core.events import Answered, FillSeen, LookedUp, MarkReached, OrderSeen, PositionsRead
from engine.core.exchange import Accepted, Fill, OrderKind, OrderRow, OrderState, Position, Unknown
from engine.core.ids import close_id
from engine.core.instrument import Side
from engine.core.settings import Ladder, Sequence, Settings

D = Decimal


def adds(decision: Decision) -> list[str]:
    return [work.id for work in decision.actions if isinstance(work, PlaceMarket) and work.opens]


def test_a_close_that_came_late_is_not_taken_for_the_traders() -> None:
    """The position that it was sent for is gone, and the trader has opened another one since."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    [earlier] = day.state.cycles.values()
    closed = day.trade("101", "0.002", "99500", buy=True, profit="1", at=day.at + 100)
    day.tell(FillSeen(closed, live=True), PositionsRead((), rest=True))
    day.short_opened("0.002", "104")
    late = replace(
        day.trade("105", "0.001", "99000", buy=True, profit="1", at=day.at + 500),
        client_id=close_id(earlier.id, 4),
    )
    [note] = day.tell(FillSeen(late)).notes
    assert note.text == (
        "BTCUSDT short: an order of an earlier cycle came late to Bitget and closed 0.001 @ 99,000.0 (+1.00)."
    )


def banked() -> tuple[Day, PlaceStop]:
    """Rung 1 of a short has banked at 94,900, and the stop of what is left is on its way."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D("94900")
    stops = filled(day, day.tell(MarkReached("BTCUSDT", day.mark)), "94900", profit="5.1")
    [stop] = [work for work in stops.actions if isinstance(work, PlaceStop)]
    return day, stop


@pytest.mark.parametrize(("mark", "again"), [("94900", 1), ("95400", 1), ("95600", 0)])
def test_a_lost_add_is_sent_again_only_while_the_price_is_still_that_of_its_rung(
    mark: str, again: int
) -> None:
    """The trigger is 95,000, and the band half a per cent."""
    day, stop = banked()
    [add] = adds(day.tell(Answered(stop.id, Accepted("p1"))))
    lost = day.tell(Answered(add, Unknown("no answer in time")))
    [find] = [work for work in lost.actions if isinstance(work, LookUp)]
    day.mark = D(mark)
    found = [adds(day.tell(LookedUp(find.id, add, None))) for _ in range(3)]
    assert found[0] == [add] * again
    assert not any(found[1:]) or not again


@pytest.mark.parametrize(("leverage", "added"), [("20", 1), ("50", 0)])
def test_an_add_is_not_sent_at_a_leverage_that_was_changed_in_the_middle_of_its_rung(
    leverage: str, added: int
) -> None:
    """At 50x the same margin would be a leg of two and a half times the planned size."""
    day, stop = banked()
    [cycle] = day.state.cycles.values()
    row = replace(cycle.seen, qty=D("0.001"), margin=D(5), leverage=D(leverage))
    day.tell(PositionsRead((row,), rest=False))
    covered = day.tell(Answered(stop.id, Accepted("p1")))
    assert len(adds(covered)) == added
    told = [note.text for note in covered.notes if "ends without its add" in note.text]
    assert told == [
        "BTCUSDT short: rung 1 ends without its add: the leverage on Bitget is 50x, expected 20x. "
        "What was banked stays banked and covered."
    ] * (1 - added)


def climbing(*, crossed: bool = True) -> tuple[Day, str]:
    """A rung of a short begins with its add of 0.0021, or a crash has forgotten that. The day and the add."""
    day = Day(Settings("test", ladder=Ladder(sequence=Sequence.ADD_FIRST)))
    day.begins()
    day.short_opened("0.002")
    [cycle] = day.cycles
    assert cycle.armed is not None
    if crossed:
        day.mark = D(95_000)
        assert adds(day.tell(MarkReached("BTCUSDT", day.mark))) == [cycle.armed.add_id]
    return day, cycle.armed.add_id


def flipped(day: Day, qty: str) -> Decimal:
    """The trader flips to a long of this size before the add arrives. What is booked then."""
    before, at = day.booked, day.at + 100
    ends = day.trade("101", "0.002", "95000", buy=True, profit="10", at=at)
    opens = day.trade("102", qty, "95000", buy=True, at=at)
    numbers = (D(qty), D(95_000), D("4.75"), D(20), D(90_500), True, False, False)
    row = Position("BTCUSDT", Side.LONG, *numbers, opened=at, updated=at)
    day.tell(FillSeen(ends, live=True), FillSeen(opens, live=True), PositionsRead((row,), rest=False))
    assert day.booked - before == paid(ends, opens)
    return day.booked


def arrives(day: Day, add: str, closes: str) -> tuple[Fill, ...]:
    """The trades of the add: it closes so much of the long, and opens with the rest."""
    closing = day.trade("103", closes, "95100", buy=False, profit="0.1")
    opening = day.trade("104", str(D("0.0021") - D(closes)), "95100", buy=False)
    return tuple(replace(fill, client_id=add) for fill in (closing, opening) if fill.qty)


def ended(add: str) -> OrderSeen:
    """The exchange has carried out all of the add."""
    kind, state, qty = OrderKind.MARKET, OrderState.FILLED, D("0.0021")
    return OrderSeen(OrderRow("o103", add, "BTCUSDT", kind, state, qty, filled=qty, price=D(95_100)))


def test_an_add_that_comes_when_the_trader_has_flipped_closes_and_is_booked_as_that() -> None:
    """It was booked as a new leg of the short: a stop was placed for what did not exist."""
    day, add = climbing()
    before = flipped(day, "0.003")
    [closes] = arrives(day, add, "0.0021")
    told = day.tell(FillSeen(closes, live=True))
    assert [note.text for note in told.notes if note.topic == "late order"] == [
        "BTCUSDT long: an order of an earlier cycle came late to Bitget and closed 0.0021 @ 95,100.0 (+0.10)."
    ]
    assert [c.side for c in day.state.closed] == [Side.SHORT]
    assert [(c.side, c.held_qty) for c in day.state.cycles.values()] == [(Side.LONG, D("0.0009"))]
    assert day.booked - before == paid(closes)


def test_what_it_does_not_close_it_opens() -> None:
    day, add = climbing()
    before = flipped(day, "0.001")
    trades = arrives(day, add, "0.001")
    day.tell(*map(FillSeen, trades), ended(add))
    short = day.state.cycles["BTCUSDT:short"]
    assert [(leg.qty, leg.entry) for leg in short.legs] == [(D("0.0011"), D(95_100))]
    assert day.booked - before == paid(*trades)


@pytest.mark.parametrize("crossed", [True, False])
def test_it_is_done_with_what_it_closed_and_what_it_opened(crossed: bool) -> None:
    """Its trades come before those of the flip; no rung waits for more of them."""
    day, add = climbing(crossed=crossed)
    day.tell(*map(FillSeen, arrives(day, add, "0.001")), ended(add))
    [short] = day.state.cycles.values()
    assert short.rung is not None
    assert (short.rung.add.stage, short.rung.add.filled) == (Stage.DONE, D("0.0011"))


def test_a_rung_whose_add_has_opened_nothing_says_what_it_did_instead() -> None:
    day, add = climbing()
    [closes] = arrives(day, add, "0.0021")
    assert [note.text for note in day.tell(FillSeen(closes)).notes] == [
        "BTCUSDT short: rung 1 ends without its add: it came late to Bitget, and closed 0.0021 of a long. "
        "Nothing is banked."
    ]
