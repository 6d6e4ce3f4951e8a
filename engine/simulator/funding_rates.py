"""Funding rates: a seeded rate for every settlement, or the one that somebody holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from engine.core.instrument import ZERO
from engine.simulator.chart import HOUR_MS
from engine.simulator.exchange import Exchange

USUAL_RATE: Final = 0.000_1
_SPREAD: Final = 0.000_12
_RATE_STEP: Final = Decimal("0.000001")
_HISTORY: Final = 300


class SettledRate(msgspec.Struct, frozen=True):
    """A funding rate (decimal fraction; positive: longs pay) and when it was settled (ms)."""

    rate: Decimal
    ts: int


class FundingRates:
    """Sets the exchange's funding rate for the coming settlement and remembers the settled ones.

    The rate is 0.0001 moved by a seeded draw of up to ±0.00012, one draw a settlement; zero in an ideal
    market. A held rate stays until it is released.
    """

    def __init__(self, exchange: Exchange, symbols: Sequence[str], *, seed: int, ideal: bool) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._seed = seed
        self._ideal = ideal
        self._held: dict[str, Decimal] = {}
        self._settled: dict[str, list[SettledRate]] = defaultdict(list)
        self._announce()

    @property
    def due_ms(self) -> int:
        """The next settlement of any symbol."""
        return self._due_ms

    def settle_until(self, ts: int) -> None:
        """Move the exchange through every settlement that is due at or before `ts`, one after the other."""
        while self._due_ms <= ts:
            due = self._due_ms
            for symbol in self._symbols:
                if self._exchange.next_funding_time(symbol) == due:
                    self._settled[symbol].append(SettledRate(self._exchange.funding_rate(symbol), due))
            self._exchange.advance(due)
            self._announce()

    def hold(self, symbol: str, rate: Decimal | None) -> None:
        """Fix the rate of `symbol` from now on; None lets it move again."""
        if rate is None:
            self._held.pop(symbol, None)
        else:
            self._held[symbol] = rate
        self._announce()

    def history(self, symbol: str, now_ms: int) -> list[SettledRate]:
        """The settlements before `now_ms`, newest first: those that happened here, then seeded ones."""
        settled = self._settled[symbol][::-1]
        step = int(self._exchange.contract(symbol)["fundInterval"]) * HOUR_MS
        oldest = settled[-1].ts if settled else now_ms - now_ms % step + step
        earlier = [oldest - step * back for back in range(1, _HISTORY + 1 - len(settled))]
        return settled + [SettledRate(self._seeded(symbol, ts), ts) for ts in earlier]

    def _announce(self) -> None:
        for symbol in self._symbols:
            due = self._exchange.next_funding_time(symbol)
            self._exchange.set_funding_rate(symbol, self._held.get(symbol, self._seeded(symbol, due)))
        self._due_ms = min(self._exchange.next_funding_time(symbol) for symbol in self._symbols)

    def _seeded(self, symbol: str, ts: int) -> Decimal:
        if self._ideal:
            return ZERO
        draw = Random(f"{self._seed}:{symbol}:funding:{ts}").uniform(-1, 1)  # noqa: S311 - a market's draw
        return Decimal(str(USUAL_RATE + _SPREAD * draw)).quantize(_RATE_STEP)
