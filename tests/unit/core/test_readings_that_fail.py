"""A reading that fails for half a minute is told once, also the first one after a start."""

from __future__ import annotations

import pytest
from test_trades_in_order import READ, SETTINGS, Day

from engine.core.actions import Level
from engine.core.events import Answered, LinkChanged, Started, Timer
from engine.core.exchange import Accepted, Unknown
from engine.core.readings import overdue

CAUSE = "orders: the answer could not be read"
TOLD = (
    "Bitget's orders could not be read for 30 s (the answer could not be read): nothing is added until that "
    "works. What rests on Bitget stays."
)


def fails(day: Day, seconds: int) -> list[str]:
    """So long it is asked for in vain every second; what is told of it."""
    told: list[str] = []
    for _ in range(seconds // 2):
        decision = day.tell(Answered("read:orders:1:1", Unknown(CAUSE)), Timer())
        told += [note.text for note in decision.notes if note.level is Level.URGENT]
    return told


@pytest.mark.parametrize("was_read", [True, False])
def test_it_is_told_once(was_read: bool) -> None:
    day = Day()
    day.tell(Started(SETTINGS, "test"), *(READ if was_read else READ[:4]))
    assert fails(day, 28) == []
    assert fails(day, 60) == [TOLD]
    assert overdue(day.state, day.at) == (("orders",) if was_read else ())


def test_while_the_stream_is_down_that_is_said_already() -> None:
    day = Day()
    day.begins()
    day.tell(LinkChanged("private", up=False))
    assert fails(day, 60) == []
    day.tell(LinkChanged("private", up=True))
    assert fails(day, 28) == []
    assert fails(day, 6) == [TOLD]


def test_one_that_works_again_is_told_when_its_failing_was() -> None:
    day = Day()
    day.begins()
    fails(day, 10)
    assert day.tell(Answered("read:orders:1:1", Accepted())).notes == ()
    fails(day, 40)
    [note] = day.tell(Answered("read:orders:1:1", Accepted())).notes
    assert note.text == "Bitget's orders can be read again."
