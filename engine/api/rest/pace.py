"""How often somebody may ask: a bucket that refills evenly, one for each who asks."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

REMEMBERED: Final = 4096
"""How many askers are remembered. The longest silent one is forgotten first; its bucket was full by then."""


class Pace:
    """At most `per_minute` on average, and at most `burst` at once. Times are seconds of any steady clock."""

    def __init__(self, per_minute: int, burst: int) -> None:
        self.per_second = per_minute / 60
        self.burst = burst
        self._left: dict[Hashable, tuple[float, float]] = {}

    def __repr__(self) -> str:
        return f"<Pace {self.per_second:g} a second, {len(self._left)} askers>"

    def wait_s(self, asker: Hashable, now: float) -> float:
        """0.0 when `asker` may go on, and that is counted; otherwise after how many seconds it may."""
        left, since = self._left.pop(asker, (float(self.burst), now))
        left = min(float(self.burst), left + (now - since) * self.per_second)
        may = left >= 1
        self._left[asker] = (left - 1 if may else left, now)
        if len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]
        return 0.0 if may else (1 - left) / self.per_second
