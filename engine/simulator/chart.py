"""A symbol's candles as the exchange shows them: the recorded ones before the start, then what traded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from engine.core.instrument import ZERO
from engine.simulator.candles import MINUTE_MS, Candle

HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
_HONG_KONG_MS: Final = 8 * HOUR_MS
_MONDAY_MS: Final = 4 * DAY_MS  # the epoch was a Thursday; weeks open on Mondays


def _every(period_ms: int, anchor_ms: int = 0) -> Callable[[int], int]:
    return lambda ts: ts - (ts - anchor_ms) % period_ms


def _month(zone_ms: int = 0) -> Callable[[int], int]:
    def opening(ts: int) -> int:
        day = datetime.fromtimestamp((ts + zone_ms) / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp() * 1000) - zone_ms

    return opening


GRANULARITIES: Final[dict[str, Callable[[int], int]]] = {
    "1m": _every(MINUTE_MS),
    "3m": _every(3 * MINUTE_MS),
    "5m": _every(5 * MINUTE_MS),
    "15m": _every(15 * MINUTE_MS),
    "30m": _every(30 * MINUTE_MS),
    "1H": _every(HOUR_MS),
    "2H": _every(2 * HOUR_MS),
    "4H": _every(4 * HOUR_MS),
    "6H": _every(6 * HOUR_MS, -_HONG_KONG_MS),
    "12H": _every(12 * HOUR_MS, -_HONG_KONG_MS),
    "1D": _every(DAY_MS, -_HONG_KONG_MS),
    "3D": _every(3 * DAY_MS, -_HONG_KONG_MS),
    "1W": _every(7 * DAY_MS, _MONDAY_MS - _HONG_KONG_MS),
    "1M": _month(_HONG_KONG_MS),
    "6Hutc": _every(6 * HOUR_MS),
    "12Hutc": _every(12 * HOUR_MS),
    "1Dutc": _every(DAY_MS),
    "3Dutc": _every(3 * DAY_MS),
    "1Wutc": _every(7 * DAY_MS, _MONDAY_MS),
    "1Mutc": _month(),
}
"""Bitget's granularities → the opening (ms) of the bar that holds a moment. Those without `utc` are UTC+8."""


class Day(msgspec.Struct, frozen=True):
    """The last 24 hours: `volume` in base coin, `turnover` in quote; `open_utc` is the price at midnight."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    open_utc: Decimal


class Chart:
    """Minute bars, the last of them still forming, and every granularity rolled up from them."""

    def __init__(self, before: Sequence[Candle]) -> None:
        self._closed = list(before)
        self._rolled: dict[str, list[Candle]] = {}
        self._rolled_to: dict[str, int] = {}
        self._day: Day | None = None
        self._ts = 0
        self._open = self._high = self._low = self._close = self._volume = ZERO

    def trade(self, ts: int, price: Decimal, volume: Decimal) -> None:
        """A trade at market time `ts`; it opens a new minute when the last one is over."""
        if ts >= self._ts + MINUTE_MS:
            if self._ts:
                self._closed.append(self.forming)
            self._ts = ts - ts % MINUTE_MS
            self._open = self._high = self._low = price
            self._volume = ZERO
            self._day = None
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price
        self._volume += volume

    @property
    def forming(self) -> Candle:
        """The bar of the current minute as it stands."""
        return Candle(self._ts, self._open, self._high, self._low, self._close, self._volume)

    def bars(self, granularity: str, limit: int, start: int = 0, end: int | None = None) -> list[Candle]:
        """The last `limit` bars that open in [start, end), oldest first; the forming one may be the last.

        With `start`, the first `limit` from there instead, as Bitget does. Raises KeyError for an unknown
        granularity.
        """
        closed = self._roll(granularity)
        tail = self._tail(granularity)
        if tail is not None and closed and closed[-1].ts == tail.ts:
            closed = closed[:-1] if end is not None and end <= tail.ts else [*closed[:-1], tail]
        elif tail is not None:
            closed = [*closed, tail]
        low = bisect_left(closed, start, key=_opening)
        high = len(closed) if end is None else bisect_left(closed, end, key=_opening)
        return closed[low : min(high, low + limit)] if start else closed[max(low, high - limit) : high]

    def day(self) -> Day:
        """The last 24 hours up to now. There must be a bar."""
        past = self._day
        if past is None:
            past = self._day = self._past_day()
        if not self._ts:
            return past
        return Day(
            past.open,
            max(past.high, self._high),
            min(past.low, self._low),
            past.volume + self._volume,
            past.turnover + self.forming.turnover,
            past.open_utc,
        )

    def _past_day(self) -> Day:
        now = self._ts or self._closed[-1].ts + MINUTE_MS
        closed = self._closed[bisect_left(self._closed, now - DAY_MS + MINUTE_MS, key=_opening) :]
        bars = closed or [self.forming]
        midnight = bisect_left(self._closed, now - now % DAY_MS, key=_opening)
        return Day(
            bars[0].open,
            max(bar.high for bar in bars),
            min(bar.low for bar in bars),
            sum((bar.volume for bar in closed), ZERO),
            sum((bar.turnover for bar in closed), ZERO),
            self._closed[midnight].open if midnight < len(self._closed) else bars[-1].close,
        )

    def _roll(self, granularity: str) -> list[Candle]:
        if granularity == "1m":
            return self._closed
        opening = GRANULARITIES[granularity]
        rolled = self._rolled.setdefault(granularity, [])
        for bar in self._closed[self._rolled_to.get(granularity, 0) :]:
            ts = opening(bar.ts)
            if rolled and rolled[-1].ts == ts:
                rolled[-1] = _joined(rolled[-1], bar)
            else:
                rolled.append(Candle(ts, bar.open, bar.high, bar.low, bar.close, bar.volume))
        self._rolled_to[granularity] = len(self._closed)
        return rolled

    def _tail(self, granularity: str) -> Candle | None:
        """The forming bar of `granularity`: its closed minutes so far and the forming minute."""
        if not self._ts:
            return None
        ts = GRANULARITIES[granularity](self._ts)
        rolled = self._rolled.get(granularity, [])
        now = self.forming
        if rolled and rolled[-1].ts == ts:
            return _joined(rolled[-1], now)
        return Candle(ts, now.open, now.high, now.low, now.close, now.volume)


def _opening(bar: Candle) -> int:
    return bar.ts


def _joined(bar: Candle, next_bar: Candle) -> Candle:
    return Candle(
        bar.ts,
        bar.open,
        max(bar.high, next_bar.high),
        min(bar.low, next_bar.low),
        next_bar.close,
        bar.volume + next_bar.volume,
    )
