"""A position whose trades cannot be read is protected by what Bitget shows of it.

It was closed and opened again while nobody heard: its stops died, and only the trades tell whether it is
still this cycle's, so that the legs do not hold. Size, entry and liquidation are known all the same, and one
stop for all of it needs nothing else. When the trades come at last they are booked as ever, and the stop goes
on to whom the position belongs to.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.cycle import Cycle, Leg, Rest, Stage, Stop, key_of
from engine.core.exchange import Position, RestingOrder
from engine.core.settings import StopMode
from engine.core.state import State
from engine.core.stops import Wanted, wanted_stops
from engine.core.turn import Turn
from engine.core.words import clock, name, price, size

UNTOLD_MS: Final = 5000
"""How long its trades may be missing before it is shielded: as long as a stop that a hand took away."""

ON_BITGET: Final = (Rest.RESTING, Rest.MOVING)


def shield_due(turn: Turn, cycle: Cycle) -> bool:
    """Whether its trades have been missing for long, its row is there, and no other stop may still rest."""
    others = (stop for stop in cycle.stops if stop.client_id != cycle.shield)
    alive = any(
        stop.state is Rest.PLACING or (stop.state in ON_BITGET and not stop.missing) for stop in others
    )
    return is_shown(cycle) and not alive and turn.at - cycle.reborn >= UNTOLD_MS


def is_shown(cycle: Cycle) -> bool:
    """Whether nothing that was read lately was without its row."""
    doubt = cycle.doubt
    return doubt is None or not (doubt.gone_by_rest or doubt.gone_by_stream)


def shield_of(turn: Turn, cycle: Cycle) -> Wanted | None:
    """The stop for all of it, where the ladder puts that of one leg: of an add of ours that may have opened
    it again, else of a new position, which has none without `hard_stop`.
    """
    ladder, seen, rung = turn.state.settings.ladder, cycle.seen, cycle.rung
    is_ours = rung is not None and rung.add.stage is Stage.SENT
    shown = replace(
        cycle,
        legs=(Leg(1, seen.qty, seen.entry, seen.leverage, seen.qty, seen.opened),),
        rungs=int(is_ours),
        mode=StopMode.LEG_ENTRY,
        held_qty=seen.qty,
        held_entry=seen.entry,
        held_margin=seen.margin,
    )
    instrument = turn.instrument(cycle.symbol)
    wanted = wanted_stops(shown, instrument, guard=ladder.guard, hard_stop=ladder.hard_stop)
    return replace(wanted[0], leg=None, qty=None) if wanted else None


def told_once(turn: Turn, cycle: Cycle, trigger: str) -> Cycle:
    """Tell what is missing and what protects meanwhile: a stop at `trigger`, or (empty) the liquidation."""
    mark = f"untold {cycle.reborn}"
    if mark in cycle.warned:
        return cycle
    seen, since = cycle.seen, clock(cycle.reborn)
    what = f"a stop for everything at {trigger}" if trigger else f"liquidation at {price(seen.liquidation)}"
    text = (
        f"{name(cycle)}: it was closed and opened again on Bitget, and its trades since {since} cannot be "
        f"read. What Bitget shows, {size(seen.qty)} @ {price(seen.entry)}, has {what} until they are."
    )
    turn.note("untold", Level.URGENT, text, cycle)
    return replace(cycle, warned=(*cycle.warned, mark))


def untold_because(cycle: Cycle) -> str:
    """What is missing of an untold cycle."""
    shielded = any(stop.client_id == cycle.shield for stop in cycle.stops)
    meanwhile = "; what Bitget shows is protected" if shielded else ""
    return f"its trades since {clock(cycle.reborn)} are not read yet{meanwhile}"


def left_shield(cycle: Cycle) -> tuple[Stop, ...]:
    """What a cycle leaves to the next one when its trades have told that the position is not its own."""
    shield = (stop for stop in cycle.stops if cycle.is_untold and stop.client_id == cycle.shield)
    return tuple(stop for stop in shield if stop.state in ON_BITGET)


def inherit(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """The stop that already rests for this very position, under the name of an earlier cycle."""
    for earlier in turn.state.closed:
        is_same = key_of(earlier.symbol, earlier.side) == key_of(position.symbol, position.side)
        if is_same and earlier.stops and earlier.seen.opened == position.opened:
            bare = replace(earlier, stops=(), shield="")
            turn.set(closed=tuple(bare if c is earlier else c for c in turn.state.closed))
            given = (*cycle.given, earlier.id)
            return replace(cycle, stops=earlier.stops, shield=earlier.shield, given=given)
    return cycle


def left_to(state: State, key: str) -> tuple[Stop, ...]:
    """What ended cycles have left to the position at `key`, which may not be taken under care."""
    shown = state.unmanaged.get(key)
    before = (cycle for cycle in state.closed if shown and cycle.seen.opened == shown.position.opened)
    return tuple(stop for cycle in before if key_of(cycle.symbol, cycle.side) == key for stop in cycle.stops)


def is_awaited(state: State, order: RestingOrder) -> bool:
    """Whether a stop of an ended cycle is kept at rest by a position that has not been met yet, or may not be
    taken under care: it would have died with its own. More may have been open than was believed, and closed.
    """
    key = key_of(order.symbol, order.side)
    if key in state.unmanaged:
        return any(stop.client_id == order.client_id for stop in left_to(state, key))
    return key not in state.cycles
