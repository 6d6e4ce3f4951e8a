"""The order of a market's ticks: recorded minutes walked through, still symbols repeated every second."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from engine.core.instrument import ZERO
from engine.simulator.candles import MINUTE_MS, Candle, Recording
from engine.simulator.path import moments, walk

_DUST = Decimal("0.00000001")
HEARTBEAT_MS = 1_000


class Tick(NamedTuple):
    """What happens next: `symbol` trades `volume` at `price` at `ts`; no price means nothing changed."""

    ts: int
    symbol: str
    price: Decimal | None
    volume: Decimal


class RecordedTrack:
    """A symbol that follows a recording, from the first bar that opens at or after `start_ms`."""

    def __init__(self, recording: Recording, tick: Decimal, start_ms: int, steps: int, seed: int) -> None:
        self.symbol = recording.symbol
        self.first = bisect_left(recording.candles, start_ms, key=lambda candle: candle.ts)
        self.end_ms = recording.end_ms
        self._candles = recording.candles
        self._next = self.first
        self._tick = tick
        self._steps = steps
        self._seed = f"{seed}:{recording.symbol}"

    def next_minute(self) -> int | None:
        """When the next bar opens; None after the last."""
        return self._candles[self._next].ts if self._next < len(self._candles) else None

    def ticks(self) -> list[Tick]:
        """The ticks of the next bar; their volumes sum to the bar's."""
        candle = self._candles[self._next]
        self._next += 1
        prices = walk(candle, self._tick, self._steps, self._seed)
        share = (candle.volume / len(prices)).quantize(_DUST, ROUND_FLOOR)
        ticks = [
            Tick(ts, self.symbol, self._tick * price, share)
            for ts, price in zip(moments(candle.ts, len(prices)), prices, strict=True)
        ]
        ticks[-1] = ticks[-1]._replace(volume=candle.volume - share * (len(prices) - 1))
        return ticks

    def skip_to(self, ts: int) -> None:
        """Recorded minutes are lived through, never skipped."""


class StillTrack:
    """A symbol that stands where it was put, and repeats itself every second so as not to seem dead."""

    end_ms: int | None = None

    def __init__(self, symbol: str, start_ms: int) -> None:
        self.symbol = symbol
        self._next = start_ms - start_ms % HEARTBEAT_MS + HEARTBEAT_MS

    def next_minute(self) -> int | None:
        return self._next - self._next % MINUTE_MS

    def ticks(self) -> list[Tick]:
        end = self._next - self._next % MINUTE_MS + MINUTE_MS
        ticks = [Tick(ts, self.symbol, None, ZERO) for ts in range(self._next, end, HEARTBEAT_MS)]
        self._next = end
        return ticks

    def skip_to(self, ts: int) -> None:
        """The next heartbeat comes at `ts`."""
        self._next = max(ts, self._next)


Track = RecordedTrack | StillTrack


class Replay:
    """The ticks of all tracks in the order of time; at the same time, in the order of the tracks."""

    def __init__(self, tracks: Sequence[Track], start_ms: int) -> None:
        self._tracks = tracks
        self._pending: deque[Tick] = deque()
        self._start_ms = start_ms
        ends = [track.end_ms for track in tracks if track.end_ms is not None]
        self._end_ms = max(ends) if ends else None
        self._still = frozenset(track.symbol for track in tracks if isinstance(track, StillTrack))

    def peek(self) -> Tick | None:
        """The next tick, left where it is; None when every recording has ended."""
        if not self._pending:
            self._load()
        return self._pending[0] if self._pending else None

    def take(self) -> Tick:
        """The next tick. Call it after `peek` found one."""
        return self._pending.popleft()

    def progress(self, now_ms: int) -> float | None:
        """How much of the recordings has been played, 0 to 1; None when there is none."""
        if self._end_ms is None:
            return None
        return min(1.0, max(0.0, (now_ms - self._start_ms) / max(1, self._end_ms - self._start_ms)))

    def skip_to(self, ts: int) -> None:
        """Drop the heartbeats before `ts`: a long wait on a still market is one tick, not thousands."""
        if not self._still:
            return
        self._pending = deque(
            tick for tick in self._pending if tick.ts >= ts or tick.symbol not in self._still
        )
        for track in self._tracks:
            track.skip_to(ts)

    def _load(self) -> None:
        recorded = [minute for track in self._moving() if (minute := track.next_minute()) is not None]
        if self._end_ms is not None and not recorded:
            return
        minutes = [minute for track in self._tracks if (minute := track.next_minute()) is not None]
        opening = min(minutes)
        ticks = [tick for track in self._tracks if track.next_minute() == opening for tick in track.ticks()]
        ticks.sort(key=lambda tick: tick.ts)
        self._pending.extend(ticks)

    def _moving(self) -> list[Track]:
        return [track for track in self._tracks if isinstance(track, RecordedTrack)]


def bars_before(recording: Recording, start_ms: int) -> tuple[Candle, ...]:
    """What was already on the chart at `start_ms`."""
    return recording.candles[: bisect_left(recording.candles, start_ms, key=lambda candle: candle.ts)]
