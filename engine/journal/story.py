"""Why something was done: what touches a symbol, a cycle or an order, line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from engine.core.actions import (
    CancelOrder,
    CancelStop,
    LookUp,
    MoveStop,
    Note,
    PlaceLimit,
    PlaceMarket,
    PlaceStop,
    Read,
    SetLeverage,
    Work,
)
from engine.core.events import FillSeen
from engine.core.ids import cycle_in
from engine.journal import telling
from engine.journal.port import Recorded
from engine.journal.reader import Readable
from engine.protocol import StoryLine


async def story(journal: Readable, name: str) -> list[StoryLine]:
    """The story of a symbol, cycle, client id or order id, oldest line first; empty for an unknown name.

    A line's `what` is one of event, decided, sent, answered, filled. Raises JournalRefused for an entry that
    cannot be read.
    """
    found = {item.seq: item async for item in _all(journal, name)}
    ids = _same_order(name, found)
    for other in sorted(ids - {name}):
        found |= {item.seq: item async for item in _all(journal, other)}
    scope = _Order(ids) if ids else _Position(name)
    works: dict[str, Work] = {}
    lines: list[StoryLine] = []
    waited = _waited(found)
    for seq in sorted(found):
        if seq in waited:
            continue
        lines += _lines(found[seq], scope, works)
        works |= {work.id: work for work in found[seq].entry.actions}
    return lines


def _waited(found: dict[int, Recorded]) -> set[int]:
    """The entries of trades that had to wait for an earlier one: they were told again."""
    last: dict[str, int] = {}
    waited: set[int] = set()
    for seq in sorted(found):
        entry = found[seq].entry
        body = entry.event.body
        if not isinstance(body, FillSeen):
            continue
        if body.fill.trade_id in last:
            waited.add(last.pop(body.fill.trade_id))
        if not entry.notes and all(isinstance(work, Read | LookUp) for work in entry.actions):
            last[body.fill.trade_id] = seq
    return waited


async def _all(journal: Readable, name: str) -> AsyncIterator[Recorded]:
    """Every entry that touches `name`, page by page."""
    seq = 0
    while True:
        page = [item async for item in journal.read(cycle=name, after=seq)]
        for item in page:
            yield item
        if not page:
            return
        seq = page[-1].seq


def _same_order(name: str, found: dict[int, Recorded]) -> frozenset[str]:
    """All ids of the order that `name` is an id of; empty when it is none."""
    ids = {name}
    is_order = False
    for seq in sorted(found):
        for group in telling.order_ids(found[seq].entry):
            if ids & group:
                ids |= group
                is_order = True
    return frozenset(ids) if is_order else frozenset()


class _Position:
    """The story of a symbol or a cycle."""

    def __init__(self, name: str) -> None:
        self.name = name

    def has_work(self, work: Work) -> bool:
        if isinstance(work, Read):
            return False
        return self.name in (work.symbol, cycle_in(work.id), cycle_in(_client_id(work)))

    def has_note(self, note: Note) -> bool:
        return self.name in (note.cycle, note.symbol) or not (note.cycle or note.symbol)

    def has_event(self, item: Recorded) -> bool:
        return telling.is_loud(item.entry.event.body)


def _client_id(work: Work) -> str:
    return work.client_id if isinstance(work, MoveStop | CancelStop | LookUp) else work.id


class _Order:
    """The story of one order, under all its ids."""

    def __init__(self, ids: frozenset[str]) -> None:
        self.ids = ids

    def has_work(self, work: Work) -> bool:
        match work:
            case PlaceMarket() | PlaceLimit() | SetLeverage() | PlaceStop() | Read():
                return work.id in self.ids
            case MoveStop() | CancelStop():
                return bool(self.ids & {work.id, work.order_id, work.client_id})
            case CancelOrder():
                return bool(self.ids & {work.id, work.order_id})
            case LookUp():
                return bool(self.ids & {work.id, work.client_id})

    def has_note(self, note: Note) -> bool:
        return True

    def has_event(self, item: Recorded) -> bool:
        return any(self.ids & group for group in telling.order_ids(item.entry, events_only=True))


def _lines(item: Recorded, scope: _Position | _Order, works: dict[str, Work]) -> Iterator[StoryLine]:
    """An entry as lines: what happened, was decided, was sent. A quiet event is told only as a cause."""
    entry, at = item.entry, item.entry.event.at
    notes = [note for note in entry.notes if scope.has_note(note)]
    sent = [work for work in entry.actions if scope.has_work(work)]
    if isinstance(scope, _Order) and not sent and not scope.has_event(item):
        return
    if sent or notes or scope.has_event(item):
        what, text, level = telling.event(entry.event, works)
        yield StoryLine(item.seq, at, what, text, level)
    for note in notes:
        yield StoryLine(item.seq, at, "decided", note.text, note.level)
    for work in sent:
        yield StoryLine(item.seq, at, "sent", telling.work(work))
