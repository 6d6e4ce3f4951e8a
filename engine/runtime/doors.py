"""The doors to the network, REST and the webhook on one port: kept by a process of their own, so that a crowd
at them takes none of the engine's time.

The engine takes the port and starts that process; it starts it again when it dies or gives no sign of life,
and it ends with the engine, also when that is killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Set
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

BEAT_S: Final = 2.0
"""Between two signs of life of the process."""
MISSED: Final = 5
"""How often in a row the engine listens in vain, one and a half beats each: then it is taken for hung."""
STARTING: Final = 40
"""As many, before the first sign: a busy machine takes its time to load a program."""

FAREWELL_S: Final = 3.0
LOG: Final = "doors.log"
SPOOL: Final = "engine.alerts"
KNOWN: Final = ("PATH", "HOME", "LANG", "TZ", "VIRTUAL_ENV", "LC_", "PYTHON")
"""What it is told of the environment. The exchange's keys are none of its business."""


class Orders(msgspec.Struct, frozen=True):
    """What the process at the doors is to do: the terms, the engine's socket and journal, its own log, the
    file where alerts wait that the engine cannot be told of, the file descriptor on which it listens, the
    processors that are its own. It gives a sign of life on its standard output every `beat_s`.
    """

    rest: RestTerms
    webhook: WebhookTerms | None
    socket: str
    journal: str
    log: str
    spool: str
    version: str
    listens: int
    processors: frozenset[int] = frozenset()
    beat_s: float = BEAT_S


class Doors:
    """Entering takes the port, and raises RestRefused when somebody has it; `run` must be awaited by an
    owner. With nothing configured nothing is opened. The process works on `processors` only; on any without.
    `warn` tells the trader of the first trouble in a row.
    """

    def __init__(
        self,
        rest: RestTerms | None,
        webhook: WebhookTerms | None,
        *,
        paths: Paths,
        version: str,
        processors: Set[int] = frozenset(),
        warn: Callable[[str], None] | None = None,
        beat_s: float = BEAT_S,
    ) -> None:
        self.rest = rest
        self.beat_s = beat_s
        self._warn = warn or (lambda text: None)
        self.process: Process | None = None
        self._webhook = webhook
        self._paths, self._version = paths, version
        self._processors = frozenset(processors)
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
        loop, wait_s, is_told = asyncio.get_running_loop(), AGAIN_S, False
        while self.rest is not None and self._listening is not None:
            began = loop.time()
            try:
                end = await self._live(self.rest, self._listening)
            except OSError as error:
                end = f"cannot be started ({error.strerror or error})"
            was_well = loop.time() - began > WELL_S
            wait_s = AGAIN_S if was_well else min(2 * wait_s, LONGEST_S)
            logger.warning("the process at the doors %s; again in %g s", end, wait_s)
            if was_well or not is_told:
                self._warn(f"The process at the doors (REST, webhook) {end}: it is started again.")
            is_told = True
            await asyncio.sleep(wait_s)

    async def _live(self, rest: RestTerms, listening: socket.socket) -> str:
        """One life of it, and how that ended. Secrets go through its standard input, whose end is the end of
        its work.
        """
        told = {name: value for name, value in os.environ.items() if name.startswith(KNOWN)}
        orders = Orders(
            rest,
            self._webhook,
            socket=str(self._paths.socket),
            journal=str(self._paths.database),
            log=str(self._paths.logs / LOG),
            spool=str(self._paths.database.with_name(SPOOL)),
            version=self._version,
            listens=listening.fileno(),
            processors=self._processors,
            beat_s=self.beat_s,
        )
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine.runtime.doorman",
            stdin=PIPE,
            stdout=PIPE,
            env=told,
            pass_fds=(listening.fileno(),),
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            with suppress(ConnectionError):
                process.stdin.write(msgspec.json.encode(orders) + b"\n")
                await process.stdin.drain()
            return await self._end_of(process, process.stdout)
        finally:
            if process.returncode is None:
                await _end(process)

    async def _end_of(self, process: Process, beats: asyncio.StreamReader) -> str:
        """When and how it ends; one that gives no sign of life is ended."""
        ended = asyncio.create_task(process.wait(), name="end of the doors")
        silent = asyncio.create_task(_falls_silent(beats, 1.5 * self.beat_s), name="beats of the doors")
        try:
            await asyncio.wait({ended, silent}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return f"ended ({ended.result()})"
            process.kill()
            return f"gave no sign of life for {silent.result():.0f} s and was ended"
        finally:
            ended.cancel()
            silent.cancel()


async def _falls_silent(beats: asyncio.StreamReader, listen_s: float) -> float:
    """Wait until there is nothing to hear any more, and return for how many seconds there was not. It counts
    how often it listened in vain: when this machine slept, or the engine itself, nothing was missed.
    """
    missed, patience = 0, STARTING
    beat = asyncio.create_task(beats.read(4096))
    try:
        while missed < patience:
            heard, _ = await asyncio.wait({beat}, timeout=listen_s)
            if heard and beat.result():
                missed, patience = 0, MISSED
                beat = asyncio.create_task(beats.read(4096))
                continue
            missed += 1
            if heard:  # its output is closed
                await asyncio.sleep(listen_s)
        return missed * listen_s
    finally:
        beat.cancel()


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(FAREWELL_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
