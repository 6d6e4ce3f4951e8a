"""systemd's side of the bargain: ready, what is going on, and still alive. Without systemd nothing is said.

The protocol is sd_notify(3): lines of NAME=value in a datagram to the unix socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Final, Self

logger = logging.getLogger("ratchet.engine")

MICRO: Final = 1_000_000


class Supervisor:
    """Whoever started this process and wants to hear of it. An empty `address` is nobody.

    `watchdog_s` is how long it waits for a sign of life; 0 when it does not wait for any.
    """

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self.watchdog_s = watchdog_s
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._has_complained = False

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The one that systemd names; a watchdog that is meant for another process is none."""
        address = environment.get("NOTIFY_SOCKET", "")
        own = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micro = environment.get("WATCHDOG_USEC", "")
        is_set = address and own and micro.isdigit()
        return cls(address, int(micro) / MICRO if is_set else 0.0)

    def tell(self, **words: str) -> None:
        """Send `NAME=value` lines; never waits. One that does not listen is complained about once."""
        if not self._address:
            return
        text = "\n".join(f"{name}={value}" for name, value in words.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.setblocking(False)
                wire.sendto(text.encode(), self._address)
        except OSError as error:
            if not self._has_complained:
                logger.warning("the supervisor cannot be told anything (%s)", error.strerror)
            self._has_complained = True
        else:
            self._has_complained = False
