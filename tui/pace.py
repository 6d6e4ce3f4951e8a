"""How fast the exchange's clock runs beside the engine's: known from two looks at both."""

from __future__ import annotations

from collections import deque
from typing import Final

from engine.protocol import EngineView

LEAST_MS: Final = 2_000
"""Two looks nearer to each other than this say little."""

WINDOW_MS: Final = 8_000
"""What was longer ago tells nothing of now: the speed of a simulated market changes."""

TREMBLE: Final = 0.04
"""A pace that differs by less stays as it is: a quiet screen is not written to for it."""


class Pace:
    """Remembers the looks of the last seconds. `times` is None while nothing can be said."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, int]] = deque()
        self._started = 0
        self.times: int | None = None

    def look(self, engine: EngineView) -> None:
        """Take in both clocks; those of an engine that was started again begin anew."""
        if engine.started != self._started or (self._looks and engine.now < self._looks[-1][0]):
            self._looks.clear()
            self._started, self.times = engine.started, None
        self._looks.append((engine.now, engine.market))
        while len(self._looks) > 2 and engine.now - self._looks[1][0] >= WINDOW_MS:
            self._looks.popleft()
        now, market = self._looks[0]
        if engine.now - now >= LEAST_MS:
            self._take((engine.market - market) / (engine.now - now))

    def _take(self, ratio: float) -> None:
        known = self.times
        if known is None or abs(ratio - known) > max(0.5, known * TREMBLE):
            self.times = _round(ratio)


def _round(ratio: float) -> int:
    """Two digits are all that such a measurement is good for."""
    whole = max(0, round(ratio))
    return round(whole, 2 - len(str(whole)))
