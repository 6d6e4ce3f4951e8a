"""A position that the list has no more: the list is one source, however often it is read."""

from __future__ import annotations

from test_trades_in_order import Day

from engine.core.events import FillsRead, PositionsRead

EMPTY = PositionsRead((), rest=True)


def missing_from_the_list() -> tuple[Day, list[str]]:
    """Under care, and then eight readings without it; every trade is told, and none closed it."""
    day, said = Day(), []
    day.begins()
    day.short_opened("0.002")
    for _ in range(8):
        said += [note.text for note in (*day.tell(EMPTY).notes, *day.tell(FillsRead(0)).notes)]
    return day, said


def test_it_is_kept_while_nothing_else_says_so_and_that_is_told_once() -> None:
    day, said = missing_from_the_list()
    [cycle] = day.state.cycles.values()
    assert (cycle.held_qty, day.state.closed) == (cycle.seen.qty, ())
    assert said == [
        "BTCUSDT short: Bitget lists the position no more, and neither trades nor the stream tell its end: "
        "it is kept until it is certain. Look at Bitget."
    ]
    day.tell(PositionsRead((cycle.seen,), rest=True))
    [again] = day.state.cycles.values()
    assert (again.id, again.doubt) == (cycle.id, None)


def test_it_is_gone_when_the_stream_says_so_too() -> None:
    day, _ = missing_from_the_list()
    day.tell(PositionsRead((), rest=False))
    assert not day.state.cycles
    assert [cycle.closed_reason for cycle in day.state.closed] == ["unknown"]
