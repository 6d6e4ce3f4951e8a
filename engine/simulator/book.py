"""The order book around a price: seeded depth, and Bitget's checksum over it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Final, overload

from engine.core.instrument import ZERO, floor_to
from engine.simulator.quote import Level

LEVELS: Final = 25
SHAPES: Final = 32
REACH_BPS: Final = 6.0
CHECKED_LEVELS: Final = 25
_TOP_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Offers(Sequence[Level]):
    """One side of the book, best first: a size for each number of ticks `away` from the `best` price (in
    ticks; below it is negative). A level is made when somebody looks: of most quotes nobody reads more than
    the best.
    """

    tick: Decimal
    best: int
    away: Sequence[tuple[int, Decimal]]

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> Offers: ...
    def __getitem__(self, index: int | slice) -> Level | Offers:
        if isinstance(index, slice):
            return Offers(self.tick, self.best, self.away[index])
        away, size = self.away[index]
        return self.tick * (self.best + away), size

    def __len__(self) -> int:
        return len(self.away)


class Depth:
    """What rests around the best prices of one symbol.

    A book side is LEVELS levels reaching about REACH_BPS from the best price, each further apart and larger
    than the one before; the best holds about 2 % of `turnover` (quote coin a minute), the whole side two to
    three minutes of it. SHAPES such sides are drawn from the seed and taken in turn.
    """

    def __init__(self, seed: str, price: Decimal, tick: Decimal, lot: Decimal, turnover: Decimal) -> None:
        random = Random(f"{seed}:depth")  # noqa: S311 - a market's shape, not a secret
        self._tick = tick
        self._above = [_shape(random, price, tick, lot, turnover) for _ in range(SHAPES)]
        self._below = [[(-away, size) for away, size in shape] for shape in self._above]
        self._spreads = [max(1, round(random.expovariate(0.9))) for _ in range(257)]

    def spread(self, turn: int) -> int:
        """The distance between the best prices at this turn, in ticks: mostly one."""
        return self._spreads[turn % 257]

    def bids(self, best: int, turn: int) -> Offers:
        """The bids below and at `best` (a price in ticks), best first."""
        shape = self._below[turn % SHAPES]
        if best + shape[-1][0] <= 0:
            shape = [(away, size) for away, size in shape if best + away > 0]
        return Offers(self._tick, best, shape)

    def asks(self, best: int, turn: int) -> Offers:
        """The asks above and at `best` (a price in ticks), best first."""
        return Offers(self._tick, best, self._above[(turn * 7 + 3) % SHAPES])


def _shape(
    random: Random, price: Decimal, tick: Decimal, lot: Decimal, turnover: Decimal
) -> list[tuple[int, Decimal]]:
    reach = max(float(price / tick) * REACH_BPS / 10_000, LEVELS)
    weights = [(level + 1) * random.uniform(0.5, 1.5) for level in range(LEVELS - 1)]
    scale = reach / sum(weights)
    away = accumulate((max(1, round(weight * scale)) for weight in weights), initial=0)
    return [
        (
            distance,
            _size(float(turnover / price) * _TOP_SHARE * (1 + level / 4) * random.uniform(0.2, 1.8), lot),
        )
        for level, distance in enumerate(away)
    ]


def _size(wanted: float, lot: Decimal) -> Decimal:
    return max(floor_to(Decimal(repr(round(wanted, 8))), lot), lot)


def thinned(levels: Sequence[Level], cap: Decimal) -> tuple[Level, ...]:
    """The best of `levels` until `cap` base coin is reached; the last one is cut to fit."""
    kept: list[Level] = []
    left = cap
    for price, size in levels:
        if left <= ZERO:
            break
        kept.append((price, min(size, left)))
        left -= size
    return tuple(kept)


WireLevel = Sequence[str]


def checksum(bids: Sequence[WireLevel], asks: Sequence[WireLevel]) -> int:
    """Bitget's signed crc32 of `bid:size:ask:size:…` over the first 25 levels; prices as sent."""
    parts: list[str] = []
    for level in range(CHECKED_LEVELS):
        for side in (bids, asks):
            if level < len(side):
                parts.extend(side[level])
    crc = zlib.crc32(":".join(parts).encode())
    return crc - (1 << 32) if crc >= 1 << 31 else crc
