"""The engine's clock: it begins with the machine's time of day and from then on only counts.

Ages and deadlines must not move when somebody sets the machine's clock. What is counted includes the time in
which the machine slept, so that nothing looks young that was received before.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def elapsed_ns() -> int:
    """Nanoseconds since some fixed moment: never set, and counted in sleep too where the system can."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boottime is None else time.clock_gettime_ns(boottime)


class Clock:
    """Milliseconds UTC as they were when it began, plus what has passed."""

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, elapsed: Callable[[], int] = elapsed_ns
    ) -> None:
        self._elapsed = elapsed
        self._begun = wall_ns() - elapsed()

    def __call__(self) -> int:
        return (self._begun + self._elapsed()) // 1_000_000
