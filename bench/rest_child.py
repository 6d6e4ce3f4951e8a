"""The crowd of bench/rest.py: a process that asks an engine over HTTP, as fast as told, while it is told to.

python -m bench.rest_child URL TOKEN PER_SECOND      then `go` and `stop` on the standard input
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

import aiohttp

ROUTES: Final = (
    "/api/crypto/accounts",
    "/api/crypto/positions",
    "/metrics",
    "/api/health",
    "/api/crypto/cot",
)
ASKERS: Final = 8
WRONG: Final = 5
"""Every so many-th request has a wrong token."""


class Crowd:
    """Askers that share a pace."""

    def __init__(self, token: str, per_second: float) -> None:
        self.token = token
        self.pause_s = ASKERS / per_second
        self.going = asyncio.Event()
        self.numbers = itertools.count()
        self.answers = 0

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """One of them."""
        while True:
            await self.going.wait()
            number = next(self.numbers)
            token = "wrong" if number % WRONG == 0 else self.token
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(ROUTES[number % len(ROUTES)], headers=headers) as reply:
                await reply.read()
            self.answers += 1
            await asyncio.sleep(self.pause_s)


async def main(url: str, token: str, per_second: str) -> None:
    crowd, loop = Crowd(token, float(per_second)), asyncio.get_running_loop()
    async with aiohttp.ClientSession(url) as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(crowd.ask(session)) for _ in range(ASKERS)]
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if line.strip() == "go":
                crowd.going.set()
            else:
                crowd.going.clear()
        for task in tasks:
            task.cancel()
    print(crowd.answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
