"""The bot-off drill: what happens to a position if this machine dies now.

What rests on Bitget keeps working; what this machine does ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from engine.core import words
from engine.core.brought import whose
from engine.core.cycle import Cycle, Part, Rest
from engine.core.exchange import RestingOrder
from engine.core.instrument import ZERO
from engine.core.ledger import liquidation_in_force
from engine.core.shield import untold_because
from engine.core.state import State
from engine.core.stops import foreign_stops
from engine.core.words import price, size, stops_rest

RESTS = (Rest.RESTING, Rest.MOVING)
OF = {"another Ratchet's": "of another Ratchet", "entry's": "of the entry", "trader's": "yours"}
STRANGER = "Ratchet does not touch this position."


def if_machine_dies(state: State, cycle: Cycle, worst: Decimal) -> str:
    """What follows `if machine dies:` for a position under care; `worst` is its worst case by what rests, in
    USDT.
    """
    return " ".join((_stops(state, cycle, worst), *_undone(cycle)))


def _stops(state: State, cycle: Cycle, worst: Decimal) -> str:
    ours = [stop for stop in cycle.stops if stop.state in RESTS]
    others = foreign_stops(cycle)
    rests = [(s.trigger, s.qty) for s in ours] + [(trigger, order.qty) for trigger, order in others]
    liquidation = price(liquidation_in_force(cycle, state.instruments[cycle.symbol]))
    if not rests:
        return f"no stop rests, liquidation at {liquidation} is the stop; {_at_worst(worst)}."
    nearest = min((trigger for trigger, _ in rests), key=lambda trigger: cycle.side.d * -trigger)
    bare = max(ZERO, cycle.held_qty - sum((_covered(cycle, qty) for _, qty in rests), ZERO))
    parts = [
        f"{stops_rest(len(rests))}{_whose(state, (order for _, order in others))}, nearest {price(nearest)}"
    ]
    if bare:
        parts.append(f"{size(bare)} of {size(cycle.held_qty)} has only its liquidation at {liquidation}")
    if unread := sum(not stop.confirmed for stop in ours):
        parts.append(f"{unread} not read back yet")
    return f"{'; '.join((*parts, 'no further rung', _at_worst(worst)))}."


def _at_worst(worst: Decimal) -> str:
    return f"at worst {words.at_worst(worst)} USDT"


def _covered(cycle: Cycle, qty: Decimal | None) -> Decimal:
    return cycle.held_qty if qty is None else qty


def _whose(state: State, others: Iterable[RestingOrder]) -> str:
    """In brackets, how many of the stops are not this engine's."""
    told = Counter(OF[whose(state, order)] for order in others)
    return f" ({', '.join(f'{number} {whose}' for whose, number in told.items())})" if told else ""


def _undone(cycle: Cycle) -> Iterator[str]:
    """What this machine is in the middle of."""
    if cycle.rung is not None:
        done = "half done" if cycle.rung.steps[:1] != (Part.BANK,) else "just begun"
        yield f"Rung {cycle.rung.number} is {done}: the next start ends it."
    if cycle.closing:
        yield "It is being closed: what is left stays open until the next start."
    if cycle.is_untold:
        told = untold_because(cycle)
        yield f"{told[0].upper()}{told[1:]}: the next start asks again."
    elif cycle.doubt is not None:
        yield "The ledger and Bitget differ: the next start asks again."
