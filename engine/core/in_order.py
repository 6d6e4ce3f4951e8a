"""Trades are booked in the order in which they were made: one of them waits while an earlier one, or the stop
that it came from, has not been told yet.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Reading
from engine.core.cycle import Cycle, Rest, Stop, Unlinked, key_of
from engine.core.events import FillsRead
from engine.core.exchange import Cause, Fill
from engine.core.ids import cycle_in, is_add
from engine.core.instrument import Side
from engine.core.state import State
from engine.core.turn import Turn

LINK_MS = 4000
"""How long it may take to learn which stop became the order of a trade; then the nearest one is taken."""


def has_to_wait(turn: Turn, fill: Fill, *, live: bool) -> bool:
    """Whether this trade may not be booked yet. Then a reading is asked for: it tells all of them, the oldest
    first, and this one again.
    """
    if live and turn.state.untold and not _is_ours(turn, fill):
        turn.set(untold=turn.at)
    elif not (
        (live and _outruns(turn, fill))
        or _waits_for_another(turn, fill)
        or (fill.cause is Cause.STOP and _is_unlinked(turn, fill))
    ):
        return False
    turn.ask(Reading.FILLS)
    return True


def missed(turn: Turn) -> None:
    """The stream was away, or has not begun: what it did not tell comes before what it tells from now on."""
    turn.set(untold=turn.at)


def told(turn: Turn, read: FillsRead) -> None:
    """A reading that was asked for after the stream came back has told what it missed."""
    asked = read.asked or turn.at
    if turn.state.untold and asked > turn.state.untold:
        turn.set(untold=0)
    for cycle in turn.state.cycles.values():
        if cycle.is_untold and asked > cycle.reborn and not is_linking(cycle):
            turn.put(replace(cycle, is_untold=False))


def _is_ours(turn: Turn, fill: Fill) -> bool:
    """Whether it is of an order of ours for an open cycle, or of an exit on its way: what it means does not
    hang on earlier trades.
    """
    leaves = any(
        entry.order is not None
        and entry.order.id == fill.client_id
        and not entry.opens
        and key_of(entry.symbol, entry.side) in turn.state.cycles
        for entry in turn.state.entries.values()
    )
    return leaves or turn.cycle(cycle_in(fill.client_id)) is not None


def meaning(turn: Turn, fill: Fill) -> tuple[Side, bool]:
    """The side that a trade is about, and whether it reduces it. An order of ours says so itself, but for an
    add that came late: what has a profit closes. In one-way mode any other trade is taken to reduce, as long
    as there is something to reduce.
    """
    cycle, adds = turn.cycle(cycle_in(fill.client_id)), is_add(fill.client_id)
    if cycle is not None and not (adds and fill.profit):
        return cycle.side, not adds
    side = fill.side or (Side.SHORT if fill.buy else Side.LONG)
    return side, fill.buy is (side is Side.SHORT)


def _outruns(turn: Turn, fill: Fill) -> bool:
    """Whether a trade closes more than the ledger holds, or seems to close without any profit or loss where
    there would be one: then it opens the other side of a position whose end has not been told.
    """
    side, reduces = meaning(turn, fill)
    cycle = turn.state.cycles.get(key_of(fill.symbol, side))
    if not reduces or cycle is None or not cycle.held_qty:
        return False
    opens = fill.side is None and not fill.profit and fill.price != cycle.held_entry
    return cycle.held_qty < fill.qty or opens


def _is_unlinked(turn: Turn, fill: Fill) -> bool:
    """Whether it is not known yet whose stop this trade comes from; then each of ours is looked up."""
    side, _ = meaning(turn, fill)
    cycle = turn.state.cycles.get(key_of(fill.symbol, side))
    if cycle is None or fill.order_id in (*cycle.theirs, *(stop.child for stop in cycle.stops)):
        return False
    first = first_told(cycle, fill, turn.at)
    maybe = candidates(cycle, first)
    if not maybe or turn.at - first > LINK_MS:
        return False
    for stop in maybe:
        turn.look_up(stop.client_id, cycle.symbol, stop=True, after_ms=0)
    turn.ask(Reading.ORDERS)
    if all(known.trade_id != fill.trade_id for known in cycle.unlinked):
        turn.put(replace(cycle, unlinked=(*cycle.unlinked, Unlinked(fill.trade_id, first, fill.at))))
    return True


def first_told(cycle: Cycle, fill: Fill, now: int) -> int:
    """When a trade whose stop is being asked for was told first."""
    return next((known.first for known in cycle.unlinked if known.trade_id == fill.trade_id), now)


def _waits_for_another(turn: Turn, fill: Fill) -> bool:
    """Whether an earlier trade of the same position is not booked yet: they keep their order."""
    return any(
        (earlier.at, earlier.trade_id) < (fill.at, fill.trade_id)
        for cycle in turn.state.cycles.values()
        if cycle.symbol == fill.symbol and fill.side in (None, cycle.side)
        for earlier in cycle.unlinked
    )


def candidates(cycle: Cycle, first: int) -> list[Stop]:
    """The stops of ours that may have become an order told at `first`: not those read back later."""
    return [s for s in cycle.stops if s.state is not Rest.PLACING and not s.child and s.read_at <= first]


def is_linking(cycle: Cycle) -> bool:
    """Whether a trade of this cycle is not booked yet: whose stop it came from is being asked, or it has to
    be told once more.
    """
    return bool(cycle.unlinked)


def reads_from(state: State, since: int) -> int:
    """Where the next reading of trades begins: at `since`, or before the oldest one that has to be told
    again.
    """
    waiting = (trade.at - 1 for cycle in state.cycles.values() for trade in cycle.unlinked if trade.at)
    return min([since, *waiting])
