"""Two presses that belong together: the first arms, the second, soon enough, fires."""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 3.0


class Arming:
    """Flatten's safety catch. `now` is a steady clock in seconds; after `WINDOW_S` the catch is on again."""

    def __init__(self) -> None:
        self._armed_at: float | None = None

    def press(self, now: float) -> bool:
        """Whether this press fires; otherwise it arms."""
        fires = self.is_armed(now)
        self._armed_at = None if fires else now
        return fires

    def is_armed(self, now: float) -> bool:
        return self._armed_at is not None and 0 <= now - self._armed_at <= WINDOW_S

    def release(self) -> None:
        """The catch is on again."""
        self._armed_at = None
