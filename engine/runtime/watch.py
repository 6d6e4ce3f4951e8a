"""Who watches the engine: the disk under its journal, the pace of its loop, the age of what it hears.

It tells the supervisor and a heartbeat address that all is well only while it is.
"""

from __future__ import annotations

import asyncio
import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp

from engine.core.cycle import Rest
from engine.core.events import Hindered
from engine.core.words import stops_rest
from engine.runtime.engine import Engine
from engine.runtime.supervisor import Supervisor

logger = logging.getLogger("ratchet.engine")

MB: Final = 1_000_000
WARN_BYTES: Final = 200 * MB
REFUSE_BYTES: Final = 20 * MB
BEAT_S: Final = 0.5
LOOK_S: Final = 5.0
"""Between two looks at the disk, and two lines of status."""
LATE_S: Final = 1.0
"""A loop that wakes so late delays orders; the trader's log says so."""
STUCK_S: Final = 5.0
UNWRITTEN_MS: Final = 20_000
SILENT_MS: Final = 90_000
"""A stream that is silent for longer, through all redialling, is not alive."""
HEARTBEAT_S: Final = 60.0
HEARTBEAT_PATIENCE_S: Final = 10.0


def free_bytes(folder: Path) -> int:
    """What is left for this user on the disk of `folder`."""
    return shutil.disk_usage(folder).free


class Watch:
    """One engine's watch. `run` ends by cancellation."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        *,
        supervisor: Supervisor | None = None,
        heartbeat_url: str = "",
        heartbeat_s: float = HEARTBEAT_S,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.engine = engine
        self.lag_s = 0.0
        self._folder = folder
        self._supervisor = supervisor or Supervisor()
        self._url = heartbeat_url
        self._heartbeat_s = heartbeat_s
        self._free = free
        self._is_ready = False
        self._is_warned = False
        self._said = ""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="watch")
            if self._url:
                tasks.create_task(self._beat_outside(), name="heartbeat")

    def stop(self) -> None:
        """A signal ends the engine: the supervisor need not wonder."""
        self._supervisor.tell(STOPPING="1", STATUS="stopping; what rests on Bitget stays")

    def stale_because(self) -> str:
        """Why this engine is not to be called alive; empty when it is."""
        if self.lag_s > STUCK_S:
            return f"the loop was stuck for {self.lag_s:.0f} s"
        if self.engine.unwritten_ms > UNWRITTEN_MS and not self.engine.unrecorded:
            return f"entries wait for the disk since {self.engine.unwritten_ms / 1000:.0f} s"
        for link in ("public", "private"):
            silence = self.engine.venue.silence_ms(link)
            if math.isnan(silence) or silence > SILENT_MS:
                return f"the {link} stream is silent"
        return ""

    def look_at_disk(self) -> None:
        """Warn in time, and take no new risk on a disk that may not hold its story."""
        engine, left = self.engine, self._free(self._folder)
        if left < REFUSE_BYTES:
            if not engine.state.hindered:
                needed = f"{REFUSE_BYTES // MB} MB are needed"
                engine.take(Hindered(f"the disk of the journal has {left // MB} MB left, {needed}"))
        elif engine.state.hindered and left > 2 * REFUSE_BYTES:
            engine.take(Hindered())
        if left < WARN_BYTES and not self._is_warned:
            where = f"The disk of {self._folder} has {left // MB} MB left"
            self.warn(f"{where}: free space; below {REFUSE_BYTES // MB} MB nothing is added.")
        self._is_warned = left < (1.25 * WARN_BYTES if self._is_warned else WARN_BYTES)

    def warn(self, text: str) -> None:
        """Tell the trader of a trouble with this machine that hinders nothing."""
        if self.engine.has_begun:
            self.engine.take(Hindered(self.engine.state.hindered, warning=text))

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        looked = fed = -math.inf
        while True:
            planned = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            now = loop.time()
            self.lag_s = now - planned
            if self.lag_s > LATE_S:
                logger.warning("the event loop was late by %.1f s: this machine is too busy", self.lag_s)
            if now - looked >= LOOK_S:
                looked = now
                if self.engine.has_begun and not self.engine.unrecorded:
                    self.look_at_disk()
            fed = self._feed(now, fed)

    def _feed(self, now: float, fed: float) -> float:
        """Tell the supervisor what is so; returns when it was last told that all is well."""
        if not self._is_ready and self.engine.state.is_reconciled:
            self._is_ready = True
            self._supervisor.tell(READY="1")
        stale = self.stale_because()
        status = f"NOT ALIVE: {stale}" if stale and self._is_ready else self.status()
        if status != self._said:
            self._said = status
            self._supervisor.tell(STATUS=status)
        patience = self._supervisor.watchdog_s
        if patience and not stale and now - fed >= patience / 3:
            self._supervisor.tell(WATCHDOG="1")
            return now
        return fed

    def status(self) -> str:
        """One line of what holds."""
        state = self.engine.state
        if self.engine.unrecorded:
            return self.engine.unrecorded
        if not state.is_reconciled:
            return f"reading {', '.join(state.unread)}"
        stops = sum(s.state in (Rest.RESTING, Rest.MOVING) for c in state.cycles.values() for s in c.stops)
        halted = ", HALTED" if state.kill else f", {state.hindered}" if state.hindered else ""
        whose = f"{self.engine.venue.mode} {state.settings.account}"
        return f"{whose}: {len(state.cycles)} under care, {stops_rest(stops)}{halted}"

    async def _beat_outside(self) -> None:
        """Ask the heartbeat address every minute, while all is well: its silence is the alarm."""
        timeout = aiohttp.ClientTimeout(total=HEARTBEAT_PATIENCE_S)
        failed = ""
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await asyncio.sleep(self._heartbeat_s)
                if self.stale_because() or self.engine.unrecorded:
                    continue
                before, failed = failed, await self._ask_outside(session)
                if failed and failed != before:
                    logger.warning("the heartbeat address does not answer: %s", failed)

    async def _ask_outside(self, session: aiohttp.ClientSession) -> str:
        """What went wrong, without the address (it may hold a token); empty when it answered."""
        try:
            async with session.get(self._url, allow_redirects=False) as answer:
                return "" if answer.status < 400 else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__
