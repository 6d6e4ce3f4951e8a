"""A bank that was lost takes a profit, or is not sent again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_trades_in_order import SETTINGS, Day

from engine.core.actions import PlaceMarket
from engine.core.decide import Decision
from engine.core.events import Answered, LinkChanged, LookedUp, MarkReached, Started
from engine.core.exchange import Unknown

D = Decimal
A_DAY = 86_400_000


def orders(decision: Decision) -> list[PlaceMarket]:
    return [work for work in decision.actions if isinstance(work, PlaceMarket)]


def lost() -> tuple[Day, PlaceMarket]:
    """The bank of rung 1 of a short from 100,000 gets no answer."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D(95_000)
    [bank] = orders(day.tell(MarkReached("BTCUSDT", D(95_000))))
    day.tell(Answered(bank.id, Unknown("no answer in time")))
    return day, bank


def looked_up(day: Day, bank: PlaceMarket) -> Decision:
    return day.tell(LookedUp(f"find:{bank.id}", bank.id, None))


@pytest.mark.parametrize(("mark", "again"), [("94000", True), ("95400", True), ("95600", False)])
def test_it_is_sent_again_only_while_the_price_is_still_that_of_its_rung(mark: str, *, again: bool) -> None:
    """The trigger is 95,000, and the band half a per cent."""
    day, bank = lost()
    day.mark = D(mark)
    assert orders(looked_up(day, bank)) == [bank] * again


def test_after_a_day_away_nothing_is_closed_at_a_loss() -> None:
    day, bank = lost()
    day.at += A_DAY
    day.mark = None
    day.tell(Started(SETTINGS, "test"), LinkChanged("private", up=True))
    assert not orders(looked_up(day, bank))
    day.mark = D(101_000)
    assert not orders(looked_up(day, bank))


def test_one_that_never_came_leaves_its_rung_ready() -> None:
    """Nothing has happened: the leg has not had its rung."""
    day, bank = lost()
    day.mark = D(97_000)
    day.at += 40_000
    [note] = looked_up(day, bank).notes
    assert note.text == (
        "BTCUSDT short: rung 1 has not begun: no copy of its order came to Bitget. It is ready again."
    )
    day.mark = D(95_000)
    assert orders(day.tell(MarkReached("BTCUSDT", D(95_000)))) == [bank]
