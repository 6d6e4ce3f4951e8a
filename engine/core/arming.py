"""The prices at which a tick is more than a tick: two numbers a symbol, so that the hot path is two
comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from engine.core.cycle import Cycle, Rest
from engine.core.state import State

NEVER = (-math.inf, math.inf)


def thresholds(state: State) -> dict[str, tuple[float, float]]:
    """For each symbol (low, high): a mark at or below low, or at or above high, has to be decided upon.

    Floats rounded toward firing; the exact check follows in `decide`.
    """
    armed: dict[str, tuple[float, float]] = {}
    for cycle in state.cycles.values():
        low, high = armed.get(cycle.symbol, NEVER)
        for price, upward in _prices(cycle):
            if upward:
                high = min(high, math.nextafter(float(price), -math.inf))
            else:
                low = max(low, math.nextafter(float(price), math.inf))
        armed[cycle.symbol] = (low, high)
    return armed


def _prices(cycle: Cycle) -> Iterator[tuple[Decimal, bool]]:
    """The cycle's prices, each with whether it is reached from below."""
    up = cycle.side.d > 0
    if cycle.armed is not None:
        yield cycle.armed.trigger, up
    if cycle.approval is not None:
        yield cycle.approval.low, False
        yield cycle.approval.high, True
    for stop in cycle.stops:
        if stop.state is Rest.RESTING and not stop.beyond_since:
            yield stop.trigger, not up
