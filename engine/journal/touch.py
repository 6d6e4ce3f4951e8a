"""Which names an entry touches: symbols, cycles, client ids, order ids. The journal is searched by them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from hashlib import blake2b
from typing import Final

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
from engine.core.events import (
    Answered,
    AnyBody,
    Approve,
    BalanceRead,
    BillSeen,
    Commanded,
    Deny,
    FillSeen,
    FillsRead,
    Flatten,
    Halt,
    Hindered,
    InstrumentsRead,
    LinkChanged,
    LookedUp,
    MarkReached,
    OrderSeen,
    OrdersRead,
    PositionsRead,
    Resume,
    SignalHeard,
    Started,
    StopSeen,
    Timer,
)
from engine.core.exchange import Accepted, Fill, OrderRow, RestingOrder
from engine.core.ids import cycle_in
from engine.core.state import State
from engine.journal.port import Entry


def key(name: str) -> int:
    """A name as the signed 64-bit number by which it is looked up."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


_FOR_ALL: Final = (Halt, Flatten, Resume)
_NOTHING: Final = frozenset[str]()
_QUIET: Final[frozenset[type]] = frozenset(
    {
        *(PositionsRead, OrdersRead),
        *(Started, InstrumentsRead, BalanceRead, FillsRead, LinkChanged, Hindered, Timer),
    }
)
"""What touches nothing when nothing was decided on it: readings that confirm, and what is of no symbol. They
are most of what is recorded.
"""


def touched(entries: Sequence[Entry], before: State | None, after: State) -> list[Set[str]]:
    """All names that each entry of one append touches; `before` and `after` are what was believed around it.

    The kill switch touches every cycle. A reading of positions or orders touches its symbols only when
    something was decided on it, or a cycle changed: most of them only confirm. A cycle that changed is the
    last entry's. Ticks are no touch: every event carries them.
    """
    changed, last = _changed(before, after), len(entries) - 1
    return [
        _names(entry, before, after, changed if n == last else _NOTHING) for n, entry in enumerate(entries)
    ]


def _names(entry: Entry, before: State | None, after: State, changed: frozenset[str]) -> Set[str]:
    """`changed` are the ids of the cycles that it changed."""
    body = entry.event.body
    is_quiet = type(body) in _QUIET and not (entry.actions or entry.notes)
    if is_quiet and not changed:
        return _NOTHING
    found = set() if is_quiet else _in_body(body)
    for work in entry.actions:
        found |= _in_work(work)
    for note in entry.notes:
        found |= _in_note(note)
    for_all = isinstance(body, Commanded) and isinstance(body.command, _FOR_ALL)
    if found or changed or for_all:
        found |= {cycle_in(name) for name in found}
        found |= _in_cycles(found | changed, before, after, for_all=for_all)
        found.discard("")
    return found


def _in_cycles(named: set[str], *beliefs: State | None, for_all: bool) -> set[str]:
    """The ids and symbols of the open cycles that are named by id or symbol."""
    cycles = [cycle for belief in beliefs if belief for cycle in belief.cycles.values()]
    meant = [c for c in cycles if for_all or c.symbol in named or c.id in named]
    return {name for cycle in meant for name in (cycle.symbol, cycle.id)}


def _changed(before: State | None, after: State) -> frozenset[str]:
    """The ids of the cycles that began, ended or differ between two beliefs."""
    if before is None or before.cycles is after.cycles:
        return frozenset()
    ids: set[str] = set()
    for at in before.cycles.keys() | after.cycles.keys():
        was, now = before.cycles.get(at), after.cycles.get(at)
        if was is not now and was != now:
            ids |= {cycle.id for cycle in (was, now) if cycle is not None}
    return frozenset(ids)


def _in_body(body: AnyBody) -> set[str]:
    match body:
        case FillSeen(fill):
            return _in_fill(fill)
        case OrderSeen(order):
            return _in_row(order)
        case StopSeen(order, row):
            return _in_resting(order) | _in_row(row)
        case LookedUp(_, client_id, row):
            return {client_id} | (_in_row(row) if row else set())
        case Answered(id, outcome):
            return {id, outcome.order_id} if isinstance(outcome, Accepted) else {id}
        case BillSeen(bill):
            return {bill.symbol}
        case MarkReached(symbol):
            return {symbol}
        case SignalHeard():
            return {body.symbol, body.id}
        case PositionsRead(positions):
            return {row.symbol for row in positions}
        case OrdersRead(orders):
            return {row.symbol for row in orders}
        case Commanded(_, _, command):
            if isinstance(command, (Approve, Deny)):
                return {command.cycle}
            return set() if isinstance(command, _FOR_ALL) else {command.symbol}
        case _:
            return set()


def _in_work(work: Work) -> set[str]:
    match work:
        case PlaceMarket() | PlaceLimit() | SetLeverage() | PlaceStop():
            return {work.id, work.symbol}
        case MoveStop() | CancelStop():
            return {work.id, work.symbol, work.client_id, work.order_id}
        case CancelOrder():
            return {work.id, work.symbol, work.order_id}
        case LookUp():
            return {work.id, work.symbol, work.client_id}
        case Read():
            return set()


def _in_note(note: Note) -> set[str]:
    return {note.symbol, note.cycle}


def _in_fill(fill: Fill) -> set[str]:
    return {fill.symbol, fill.order_id, fill.client_id}


def _in_row(row: OrderRow) -> set[str]:
    return {row.symbol, row.order_id, row.client_id, row.child}


def _in_resting(order: RestingOrder) -> set[str]:
    return {order.symbol, order.order_id, order.client_id}
