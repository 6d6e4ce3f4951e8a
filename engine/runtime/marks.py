"""The marks of the last day by the minute, for the chart. Nothing is durable here, nothing decides by it."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

from engine.core.exchange import Tick
from engine.protocol import Candle

MINUTE_MS: Final = 60_000
KEPT: Final = 1440
"""Minutes kept of each symbol: a day."""


class _Minute:
    """A minute under way."""

    __slots__ = ("at", "close", "high", "low", "open")

    def __init__(self, at: int, mark: Decimal) -> None:
        self.at = at
        self.open = self.high = self.low = self.close = mark


class Marks:
    """One bounded series for each symbol."""

    def __init__(self) -> None:
        self._series: dict[str, deque[_Minute]] = {}

    def add(self, tick: Tick, market: int) -> None:
        """Take in a tick that came at `market` (milliseconds by the exchange's clock, 0 when unknown).

        A clock that steps back does not reopen a minute: the newest one takes what comes.
        """
        if not market:
            return
        series = self._series.get(tick.symbol)
        if series is None:
            series = self._series[tick.symbol] = deque(maxlen=KEPT)
        mark, at = tick.mark, market - market % MINUTE_MS
        if not series or at > series[-1].at:
            series.append(_Minute(at, mark))
            return
        minute = series[-1]
        minute.close = mark
        if mark > minute.high:
            minute.high = mark
        elif mark < minute.low:
            minute.low = mark

    def candles(self, symbol: str) -> tuple[Candle, ...]:
        """Oldest first; minutes without a tick are missing."""
        return tuple(Candle(m.at, m.open, m.high, m.low, m.close) for m in self._series.get(symbol, ()))
