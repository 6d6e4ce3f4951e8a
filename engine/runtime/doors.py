"""The doors to the network, REST and the webhook on one port: kept by a process of their own, so that a crowd
at them takes none of the engine's time.

The engine takes the port and starts that process; it starts it again when it dies, and it ends with the
engine, also when that is killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec

from engine.api.rest.server import listen
from engine.config.doors import RestTerms, WebhookTerms
from engine.config.paths import Paths

logger = logging.getLogger("ratchet.engine")

AGAIN_S: Final = 1.0
LONGEST_S: Final = 60.0
WELL_S: Final = 60.0
"""Who lived so long was well, and is started again at once."""

FAREWELL_S: Final = 3.0
LOG: Final = "doors.log"
KNOWN: Final = ("PATH", "HOME", "LANG", "TZ", "VIRTUAL_ENV", "LC_", "PYTHON")
"""What it is told of the environment. The exchange's keys are none of its business."""


class Orders(msgspec.Struct, frozen=True):
    """What the process at the doors is to do: the terms, the engine's socket and journal, its own log, the
    file descriptor on which it listens.
    """

    rest: RestTerms
    webhook: WebhookTerms | None
    socket: str
    journal: str
    log: str
    version: str
    listens: int


class Doors:
    """Entering takes the port, and raises RestRefused when somebody has it; `run` must be awaited by an
    owner. With nothing configured nothing is opened.
    """

    def __init__(
        self, rest: RestTerms | None, webhook: WebhookTerms | None, *, paths: Paths, version: str
    ) -> None:
        self.rest = rest
        self.process: Process | None = None
        self._webhook = webhook
        self._paths, self._version = paths, version
        self._listening: socket.socket | None = None

    async def __aenter__(self) -> Self:
        if self.rest is not None:
            self._listening = listen(self.rest.bind, self.rest.port)
            if self.rest.warning:
                logger.warning("%s", self.rest.warning)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.close()

    async def run(self) -> None:
        """Keep the process alive. Ends by cancellation, at once when nothing is open."""
        loop, wait_s = asyncio.get_running_loop(), AGAIN_S
        while self.rest is not None and self._listening is not None:
            began = loop.time()
            try:
                end = f"ended ({await self._live(self.rest, self._listening)})"
            except OSError as error:
                end = f"cannot be started ({error.strerror or error})"
            wait_s = AGAIN_S if loop.time() - began > WELL_S else min(2 * wait_s, LONGEST_S)
            logger.warning("the process at the doors %s; again in %g s", end, wait_s)
            await asyncio.sleep(wait_s)

    async def _live(self, rest: RestTerms, listening: socket.socket) -> int:
        """One life of it. Secrets go through its standard input, whose end is the end of its work."""
        told = {name: value for name, value in os.environ.items() if name.startswith(KNOWN)}
        orders = Orders(
            rest,
            self._webhook,
            socket=str(self._paths.socket),
            journal=str(self._paths.database),
            log=str(self._paths.logs / LOG),
            version=self._version,
            listens=listening.fileno(),
        )
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine.runtime.doorman",
            stdin=PIPE,
            env=told,
            pass_fds=(listening.fileno(),),
        )
        assert process.stdin is not None
        try:
            with suppress(ConnectionError):
                process.stdin.write(msgspec.json.encode(orders) + b"\n")
                await process.stdin.drain()
            return await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(FAREWELL_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
