"""Whose request goes first: what reduces risk waits for nothing but Bitget's limit per endpoint."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final

PERIOD_S: Final = 1.1
"""Bitget counts per second; a tenth more keeps a burst within it whatever the network does to its spacing."""

LIMITS: Final = {
    "v2/mix/position/all-position": 5,
    "v2/mix/market/contracts": 20,
    "v2/public/time": 20,
}
USUAL_LIMIT: Final = 10
"""Requests a second per endpoint and account (WIRE §2)."""

KEPT_FREE: Final = 3
"""Slots of an endpoint that only reducing requests may take."""


class Lane(Enum):
    """What a request is for."""

    REDUCE = "reduce"
    ADD = "add"
    READ = "read"


class Lanes:
    """Paces requests. Reads are few at a time, adding leaves slots to reducing, reducing takes every slot."""

    def __init__(self, reads_at_once: int = 4) -> None:
        self._sent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._reading = asyncio.Semaphore(reads_at_once)

    @asynccontextmanager
    async def reading(self, path: str) -> AsyncIterator[None]:
        """Wait until a read of `path` may go out, and hold its place while it runs."""
        async with self._reading:
            await self.turn(path, Lane.READ)
            yield

    async def turn(self, path: str, lane: Lane) -> None:
        """Wait until a request to `path` may go out."""
        limit = LIMITS.get(path, USUAL_LIMIT) - (KEPT_FREE if lane is Lane.ADD else 0)
        sent = self._sent[path]
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            while sent and sent[0] <= now - PERIOD_S:
                sent.popleft()
            if len(sent) < limit:
                sent.append(now)
                return
            await asyncio.sleep(sent[len(sent) - limit] + PERIOD_S - now)
