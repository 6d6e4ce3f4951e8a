"""How price travels inside a recorded minute, and how the mark strays from it: functions of a seed."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Final

from engine.simulator.candles import MINUTE_MS, Candle

MARK_BASIS: Final = 0.000_15
INDEX_BASIS: Final = 0.000_4
_RIPPLE: Final = 0.16


def walk(candle: Candle, tick: Decimal, steps: int, seed: str) -> list[int]:
    """The prices of one minute, in ticks: open, the nearer of high and low, the other one, close.

    Between two neighbours of these four lie `steps` more prices on the straight line between them, each
    moved by an even random ripple of up to ±8 % of the bar's range and kept inside [low, high]. So the
    first price is the open, the last the close, and the extremes are exactly the bar's. A tie between high
    and low goes to the high. The same (candle, tick, steps, seed) gives the same path, wherever the replay
    was started.
    """
    first, high, low, last = (
        int(price / tick) for price in (candle.open, candle.high, candle.low, candle.close)
    )
    near, far = (high, low) if high - first <= first - low else (low, high)
    reach = _RIPPLE * (high - low)
    random = Random(f"{seed}:{candle.ts}").random  # noqa: S311 - a market's ripple, not a secret
    prices = [first]
    for start, end in ((first, near), (near, far), (far, last)):
        stride = (end - start) / (steps + 1)
        for step in range(1, steps + 1):
            price = round(start + stride * step + reach * (random() - 0.5))
            prices.append(low if price < low else high if price > high else price)
        prices.append(end)
    return prices


def moments(ts: int, count: int) -> list[int]:
    """When the `count` prices of the minute opening at `ts` are seen: evenly spread from the opening."""
    return [ts + MINUTE_MS * step // count for step in range(count)]


class Wander:
    """A seeded deviation that drifts: a random knot every `period_ms`, straight lines between the knots.

    Values lie in [−reach, +reach]. A function of time alone, so that it is the same from every starting
    point.
    """

    def __init__(self, seed: str, reach: float, period_ms: int = MINUTE_MS) -> None:
        self._seed = seed
        self._reach = reach
        self._period_ms = period_ms
        self._turn = -1
        self._here = self._there = self._slope = 0.0

    def __call__(self, ts: int) -> float:
        """The deviation at market time `ts` (ms)."""
        turn = ts // self._period_ms
        if turn != self._turn:
            self._here = self._there if turn == self._turn + 1 else self._knot(turn)
            self._turn, self._there = turn, self._knot(turn + 1)
            self._slope = (self._there - self._here) / self._period_ms
        return self._here + self._slope * (ts - turn * self._period_ms)

    def _knot(self, turn: int) -> float:
        return (Random(f"{self._seed}:{turn}").random() * 2 - 1) * self._reach  # noqa: S311 - see walk()
