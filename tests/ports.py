"""A port for a program that has to be told one."""

from __future__ import annotations

import random
import socket

BELOW_OUTGOING = range(20_000, 32_000)
"""Where no connection has its near end: a port that is free stays so until its program listens."""


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    while True:
        port = random.choice(BELOW_OUTGOING)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
