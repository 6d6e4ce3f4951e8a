"""Orders of ours that come to Bitget when the market, or the position, is another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_spare_stops import filled
from test_trades_in_order import Day

from engine.core.actions import LookUp, PlaceMarket, PlaceStop
from engine.core.decide import Decision
from engine.core.events import Answered, FillSeen, LookedUp, MarkReached, PositionsRead
from engine.core.exchange import Accepted, Unknown
from engine.core.ids import close_id

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
