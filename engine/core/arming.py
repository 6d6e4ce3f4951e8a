"""The prices at which a tick is more than a tick: two numbers a symbol, so that the hot path is two
comparisons; and the orders that such a tick sends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from engine.core.actions import PlaceMarket
from engine.core.cycle import Approval, Cycle, Rest
from engine.core.ledger import Parts, size_of
from engine.core.settings import Sequence
from engine.core.state import State

NEVER = (-math.inf, math.inf)


def thresholds(state: State) -> dict[str, tuple[float, float]]:
    """For each symbol (low, high): a mark at or below low, or at or above high, has to be decided upon.

    Floats rounded toward firing; the exact check follows in `decide`.
    """
    armed: dict[str, tuple[float, float]] = {}
    watched = [(cycle.symbol, price) for cycle in state.cycles.values() for price in _prices(cycle)]
    asked = [(entry.symbol, price) for entry in state.entries.values() for price in _band(entry.approval)]
    for symbol, (price, upward) in (*watched, *asked):
        low, high = armed.get(symbol, NEVER)
        if upward:
            high = min(high, math.nextafter(float(price), -math.inf))
        else:
            low = max(low, math.nextafter(float(price), math.inf))
        armed[symbol] = (low, high)
    return armed


def armed_ids(state: State) -> frozenset[str]:
    """The client ids of every armed rung: an order under one of them is explained by the journal already."""
    armed = (cycle.armed for cycle in state.cycles.values())
    return frozenset(name for a in armed if a is not None for name in (a.bank_id, a.add_id))


def first_orders(state: State) -> tuple[PlaceMarket, ...]:
    """The orders with which the armed rungs begin, where they are known before the price is: the banks. Half
    of a single lot is none.
    """
    if state.settings.ladder.sequence is not Sequence.BANK_FIRST:
        return ()
    armed = ((cycle, cycle.armed) for cycle in state.cycles.values())
    return tuple(bank_order(cycle, a.bank_id, a.bank) for cycle, a in armed if a is not None and a.bank)


def bank_order(cycle: Cycle, client_id: str, parts: Parts) -> PlaceMarket:
    """The order that banks these parts of the legs."""
    return PlaceMarket(client_id, cycle.symbol, cycle.side, opens=False, qty=size_of(parts))


def _prices(cycle: Cycle) -> Iterator[tuple[Decimal, bool]]:
    """The cycle's prices, each with whether it is reached from below."""
    up = cycle.side.d > 0
    if cycle.armed is not None:
        yield cycle.armed.trigger, up
    yield from _band(cycle.approval)
    for stop in cycle.stops:
        if stop.state is Rest.RESTING and not stop.beyond_since:
            yield stop.trigger, not up


def _band(approval: Approval | None) -> Iterator[tuple[Decimal, bool]]:
    """Where a question ends because the price has left its band."""
    if approval is not None and approval.high:
        yield approval.low, False
        yield approval.high, True
