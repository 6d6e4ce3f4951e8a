"""The crowd of bench/rest.py: a process that asks an engine over HTTP in bursts, as often as told, while it
is told to. It stands for other machines, and takes only what this one has left.

python -m bench.rest_child URL TOKEN PER_SECOND      then `go` and `stop` on the standard input
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from typing import Final

import aiohttp

ROUTES: Final = (
    "/api/crypto/accounts",
    "/api/crypto/positions",
    "/metrics",
    "/api/health",
    "/api/crypto/cot",
    "/api/crypto/history",
    "/api/crypto/signals",
    "/api/orders",
    "/api/why/BTCUSDT",
)
BURST: Final = 100
"""Requests that are sent at the same moment, each on a connection of its own."""
WRONG: Final = 5
"""Every so many-th request has a wrong token."""


class Crowd:
    """Bursts at a pace."""

    def __init__(self, token: str, per_second: float) -> None:
        self.token = token
        self.pause_s = BURST / per_second
        self.going = asyncio.Event()
        self.numbers = itertools.count()
        self.answers = 0

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """One burst after the other."""
        while True:
            await self.going.wait()
            await asyncio.gather(*(self._once(session) for _ in range(BURST)))
            await asyncio.sleep(self.pause_s)

    async def _once(self, session: aiohttp.ClientSession) -> None:
        number = next(self.numbers)
        token = "wrong" if number % WRONG == 0 else self.token
        headers = {"Authorization": f"Bearer {token}"}
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(ROUTES[number % len(ROUTES)], headers=headers) as reply:
                await reply.read()
            self.answers += 1


async def main(url: str, token: str, per_second: str) -> None:
    os.nice(19)
    crowd, loop = Crowd(token, float(per_second)), asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as session, asyncio.TaskGroup() as group:
        asking = group.create_task(crowd.ask(session))
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if line.strip() == "go":
                crowd.going.set()
            else:
                crowd.going.clear()
        asking.cancel()
    print(crowd.answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
