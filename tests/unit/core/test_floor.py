"""The equity floor holds as long as the equity lies below it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_trades_in_order import Day

from engine.core.actions import PlaceMarket
from engine.core.events import BalanceRead, Commanded, Halt, MarkReached, Resume
from engine.core.exchange import Balance

D = Decimal


def below(*, halted: bool) -> Day:
    """Of 100 USDT 40 are left, with a short whose first rung is due."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    if halted:
        day.tell(Commanded("c0", "desk", Halt()))
    day.tell(BalanceRead(Balance(D(40), D(30))))
    day.mark = D(95_000)
    return day


@pytest.mark.parametrize("halted", [False, True])
def test_resume_below_it_is_refused_and_adds_nothing(*, halted: bool) -> None:
    """It would add until the next balance is read, and halt again."""
    day = below(halted=halted)
    resumed = day.tell(Commanded("c1", "desk", Resume()))
    assert resumed.refused == (
        "The equity is below 50.00 USDT, where the kill switch stays on. If that is not the floor any more, "
        "set reference_equity or kill_below and start the engine again."
    )
    told = day.tell(MarkReached("BTCUSDT", day.mark or D(0)))
    assert not [work for work in (*resumed.actions, *told.actions) if isinstance(work, PlaceMarket)]


def test_above_it_again_resume_ends_the_halt() -> None:
    day = below(halted=False)
    assert day.state.kill
    day.tell(BalanceRead(Balance(D(60), D(50))))
    assert day.state.kill
    day.tell(Commanded("c1", "desk", Resume()))
    assert not day.state.kill
