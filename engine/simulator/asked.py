"""What was asked of the simulated exchange over REST, and what became of it."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import msgspec

KEPT: Final = 10_000


class Asked(msgspec.Struct):
    """One request without its secrets: `params` is the query or the body, `faults` what hit it.

    `outcome` is answered, lost, or executed and unanswered. Times are wall and market milliseconds.
    """

    number: int
    wall_ms: int
    market_ms: int
    method: str
    path: str
    params: dict[str, Any]
    account_id: str = ""
    status: int = 0
    code: str = ""
    outcome: str = "pending"
    faults: list[str] = []


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque(maxlen=KEPT)
        self._number = 0

    def open(self, wall_ms: int, market_ms: int, method: str, path: str, params: dict[str, Any]) -> Asked:
        """Note a request that has just arrived."""
        self._number += 1
        asked = Asked(self._number, wall_ms, market_ms, method, path, params, faults=[])
        self._asked.append(asked)
        return asked

    def rows(self, after: int = 0) -> list[dict[str, Any]]:
        """The requests with a number above `after`, as JSON objects."""
        return [msgspec.to_builtins(asked) for asked in self._asked if asked.number > after]
