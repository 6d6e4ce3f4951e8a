"""From the engine's ear to the outbox: whatever the trader has to be told is on disk before anybody tries to
send it.

Also what only time tells: how long the engine was away, what the day came to.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from engine.core.actions import Level, Note
from engine.notify.layout import clock as clock_words
from engine.notify.outbox import CURSOR, Outbox
from engine.notify.port import Desk, Happened, History
from engine.notify.summary import DAY_MS, day_has_ended, summary
from engine.notify.telegram.lateness import span
from engine.notify.telegram.wire import logger
from engine.protocol import Snapshot

ALIVE_S: Final = 30.0
ALIVE: Final = "alive"
ENDED: Final = "ended"
SILENCE_MS: Final = 120_000
OLD_MS: Final = 86_400_000
"""What happened longer ago is for the journal, not for a phone."""
PAGE: Final = 500
RETRY_S: Final = 5.0
MOST: Final = 20_000
"""The most entries that wait for the outbox's disk."""


class Hearing:
    """Hears at once, writes in its own time. `wake` is called when there is something new to send."""

    def __init__(
        self, outbox: Outbox, desk: Desk, history: History, clock: Callable[[], int], wake: Callable[[], None]
    ) -> None:
        self._outbox = outbox
        self._desk = desk
        self._history = history
        self._clock = clock
        self._wake = wake
        self._heard: deque[Happened] = deque(maxlen=MOST)
        self._alarms: deque[tuple[str, Note]] = deque(maxlen=100)
        self._newest = 0
        self._caught = 0
        self._something = asyncio.Event()
        self._last: Snapshot | None = None
        self._writing = asyncio.Lock()
        self._has_ended = False

    def hear(self, happened: Happened) -> None:
        self._newest = happened.seq
        if happened.notes:
            self._heard.append(happened)
            self._something.set()

    def alarm(self, key: str, note: Note) -> None:
        """Something that no journal entry tells; once for each `key`."""
        self._alarms.append((key, note))
        self._something.set()

    async def run(self) -> None:
        """Ends by cancellation. A disk that does not take it is tried again for ever, and logged."""
        began, looked = False, 0.0
        while True:
            try:
                if not began:
                    await self._begin()
                    began = True
                await self._write()
                if time.monotonic() - looked >= ALIVE_S:
                    looked = time.monotonic()
                    await self._look()
            except (sqlite3.Error, OSError) as error:
                logger.warning("the outbox cannot be written (%s); it is tried again", error)
                await asyncio.sleep(RETRY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_S):
                    await self._something.wait()
            self._something.clear()

    async def farewell(self) -> None:
        """The end is meant: the next start need not wonder. Raises sqlite3.Error, OSError."""
        self._has_ended = True
        await self._write()
        await self._outbox.set_mark(ENDED, self._clock())

    async def _begin(self) -> None:
        """What happened while nobody could tell it, and how long that was."""
        if self._has_ended:
            return
        now = self._clock()
        alive, ended = await self._outbox.mark(ALIVE), await self._outbox.mark(ENDED)
        if alive is not None and (not ended or now - ended > SILENCE_MS):
            self.alarm(f"back.{now}", _back(now, alive, ended or 0))
        await self._outbox.set_mark(ENDED, 0)
        cursor = await self._outbox.mark(CURSOR)
        if cursor is not None:
            await self._catch_up(cursor)

    async def _catch_up(self, cursor: int) -> None:
        page: list[Happened] = []
        async for each in self._history.since(cursor):
            is_old = self._clock() - each.at > OLD_MS
            page.append(Happened(each.seq, each.at, ()) if is_old else each)
            self._caught = each.seq
            if len(page) >= PAGE:
                await self._outbox.put(page)
                page = []
        await self._outbox.put(page)
        self._wake()

    async def _write(self) -> None:
        """What was heard becomes letters. The farewell and the daily work never take the same one."""
        async with self._writing:
            await self._write_all()

    async def _write_all(self) -> None:
        while self._alarms:
            key, note = self._alarms[0]
            await self._outbox.write(key, self._clock(), note)
            self._alarms.popleft()
            self._wake()
        if self._heard:
            batch = list(self._heard)
            await self._check_journal(batch[0].seq)
            await self._outbox.put(batch)
            for _ in batch:
                self._heard.popleft()
            self._wake()

    async def _check_journal(self, first: int) -> None:
        """An entry that is new and yet numbered below what was told long ago: the journal began again."""
        cursor = await self._outbox.mark(CURSOR) or 0
        if self._caught < first <= cursor:
            await self._outbox.begin_again()
        self._caught = max(self._caught, first)

    async def _look(self) -> None:
        now, snapshot = self._clock(), self._desk.snapshot()
        await self._outbox.set_mark(ALIVE, now)
        if self._newest and not self._heard:
            await self._check_journal(self._newest)
            await self._outbox.put([Happened(self._newest, now, ())])
        await self._outbox.forget(now)
        last, self._last = self._last, snapshot
        if last is not None and day_has_ended(last, snapshot):
            self.alarm(
                f"day.{last.engine.market // DAY_MS}", Note("summary", Level.MONEY, summary(last).text)
            )


def _back(now: int, alive: int, ended: int) -> Note:
    """Nobody watched: how long, and whether the end was meant."""
    since = max(alive, ended)
    how = f"It was stopped at {clock_words(ended)}" if ended else "It ended without a farewell"
    away = f"did not run for {span(now - since)}"
    text = f"The engine is back. {how} and {away}; what rested on Bitget stayed there."
    return Note("engine", Level.MONEY if ended else Level.WARNING, text)
