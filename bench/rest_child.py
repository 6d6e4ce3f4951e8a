"""The crowd of bench/rest.py: a process that asks an engine over HTTP in bursts, when and where it is told.
It stands for other machines: it takes what this one has left, and as little as it can.

python -m bench.rest_child TOKEN BURST

Each line of the standard input is the port of one burst; none for an empty line. At its end it prints how
many answers of each status there were.
"""

from __future__ import annotations

import itertools
import json
import os
import selectors
import socket
import sys
from collections import Counter
from typing import Final

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
WRONG: Final = 5
"""Every so many-th request has a wrong token."""
PATIENCE_S: Final = 30.0
CHUNK: Final = 1 << 20


class Crowd:
    """`burst` requests at the same moment, each on a connection of its own."""

    def __init__(self, token: str, burst: int) -> None:
        self.burst = burst
        self.answers: Counter[str] = Counter()
        self._texts = itertools.cycle(
            f"GET {route} HTTP/1.1\r\nHost: doors\r\nConnection: close\r\n"
            f"Authorization: Bearer {'wrong' if number % WRONG == 0 else token}\r\n\r\n".encode()
            for number, route in enumerate(ROUTES * WRONG)
        )

    def ask(self, port: int) -> None:
        """One burst, until all of it is answered."""
        with selectors.DefaultSelector() as waiting:
            for _ in range(self.burst):
                door = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
                door.sendall(next(self._texts))
                waiting.register(door, selectors.EVENT_READ, bytearray())
            while waiting.get_map():
                for key, _ in waiting.select():
                    self._hear(waiting, key)

    def _hear(self, waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        door, heard = key.fileobj, key.data
        assert isinstance(door, socket.socket)
        if more := door.recv(CHUNK):
            heard += more
            return
        self.answers[heard[9:12].decode() or "none"] += 1
        waiting.unregister(door)
        door.close()


def main(token: str, burst: str) -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    crowd = Crowd(token, int(burst))
    for line in sys.stdin:
        if port := line.strip():
            crowd.ask(int(port))
    print(json.dumps(crowd.answers), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
