"""How long to wait before the next attempt: doubling, capped, and never the same for two clients."""

from __future__ import annotations

import random
from typing import Final

FIRST_S: Final = 0.25
LAST_S: Final = 10.0


class Backoff:
    """Waits of 0.25 s, 0.5 s … 10 s, each between a half and the whole of it."""

    def __init__(self, first_s: float = FIRST_S, last_s: float = LAST_S) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._attempt = 0

    def next_s(self) -> float:
        """The next wait, in seconds."""
        whole = min(self._first_s * 2.0 ** min(self._attempt, 16), self._last_s)
        self._attempt += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 – spreads clients, guards nothing

    def rest(self) -> None:
        """Something worked: begin again."""
        self._attempt = 0
