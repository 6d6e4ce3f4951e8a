"""The crowd of bench/rest.py: a process that asks an engine over HTTP in bursts, as often as told, while it
is told to. It stands for other machines, and takes only what this one has left.

python -m bench.rest_child HERE NEXT_DOOR TOKEN PER_SECOND, a place being one address or several in one word

It goes where the standard input says: `here`, `next door`, or `alone`. At its end it prints how many answers
of each status there were.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections import Counter
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
    """Bursts at a pace, at the doors of all `urls`; nowhere without any."""

    def __init__(self, token: str, per_second: float) -> None:
        self.token = token
        self.pause_s = BURST / per_second
        self.urls: tuple[str, ...] = ()
        self.numbers = itertools.count()
        self.answers: Counter[str] = Counter()

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """One burst after the other."""
        while True:
            if urls := self.urls:
                burst = (self._once(session, urls[number % len(urls)]) for number in range(BURST))
                await asyncio.gather(*burst)
            await asyncio.sleep(self.pause_s)

    async def _once(self, session: aiohttp.ClientSession, url: str) -> None:
        number = next(self.numbers)
        token = "wrong" if number % WRONG == 0 else self.token
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with session.get(url + ROUTES[number % len(ROUTES)], headers=headers) as reply:
                await reply.read()
                self.answers[str(reply.status)] += 1
        except aiohttp.ClientError as error:
            self.answers[type(error).__name__] += 1


async def main(here: str, next_door: str, token: str, per_second: str) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    crowd, loop = Crowd(token, float(per_second)), asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        asking = group.create_task(crowd.ask(session))
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            place = {"here": here, "next door": next_door}.get(line.strip(), "")
            crowd.urls = tuple(place.split())
        asking.cancel()
    print(json.dumps(crowd.answers), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
