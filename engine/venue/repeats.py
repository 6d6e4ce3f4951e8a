"""A trouble that lasts is said once, then at growing intervals: a log full of it hides everything else."""

from __future__ import annotations

import time
from typing import Final

FIRST_S: Final = 10.0
LAST_S: Final = 600.0


class Repeats:
    """One trouble: due at once, then after 10 s, 20 s, 40 s … 10 min, until it is `over`."""

    def __init__(self, first_s: float = FIRST_S, last_s: float = LAST_S) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._next, self._wait_s = 0.0, first_s

    def is_due(self) -> bool:
        """Whether to say it now. A yes counts as said."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next, self._wait_s = now + self._wait_s, min(self._wait_s * 2, self._last_s)
        return True

    def over(self) -> None:
        """It has ended: the next one is said at once."""
        self._next, self._wait_s = 0.0, self._first_s
