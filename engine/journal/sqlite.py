"""The journal in an SQLite file: durable before it answers, many appends in one commit, one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self

from engine.core.events import Event
from engine.core.state import State
from engine.journal import chain, opening
from engine.journal.disk import Append, Disk, Job, Keep
from engine.journal.hop import Hop
from engine.journal.lock import EngineLock, lock_beside
from engine.journal.port import Entry, Journal, JournalRefused, Recorded, Recovered
from engine.journal.reader import JournalReader

GROUP: Final = 5_000
"""The most appends that one commit carries."""


class SqliteJournal(Journal):
    """An account's journal. Holds the lock file beside it (`state.db.lock`) for as long as it is open.

    A caller of `append` that is cancelled while it waits learns nothing, but what it gave is written all the
    same: once asked for, a write is never taken back.
    """

    def __init__(self, disk: Disk, hop: Hop, reader: JournalReader, lock: EngineLock) -> None:
        self.path = disk.path
        self.reader = reader
        self._disk = disk
        self._hop = hop
        self._lock = lock
        self._waiting: list[tuple[Job, asyncio.Future[int]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path | str, *, account: str) -> Self:
        """Open `account`'s journal, or make a new one.

        Raises JournalRefused when the file is corrupt, another account's, newer than this Ratchet, read-only,
        or not a journal, and when another engine holds it.
        """
        path = Path(path)
        await asyncio.to_thread(opening.inspect, path, account=account)
        lock = EngineLock(lock_beside(path), account)
        lock.acquire()
        try:
            disk = await asyncio.to_thread(Disk, path, account)
            hop = await Hop.over(disk.db)
            try:
                return cls(disk, hop, await JournalReader.open(path), lock)
            except BaseException:
                await hop.close()
                raise
        except BaseException:
            lock.release()
            raise

    async def recover(self) -> Recovered:
        return await self._hop.run(self._disk.recover)

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        lines = tuple(map(chain.write_entry, entries))
        return await self._ask(Append(tuple(entries), lines, state))

    async def snapshot(self, state: State) -> None:
        await self._ask(Keep(state))

    def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        return self.reader.read(symbol=symbol, cycle=cycle, after=after, limit=limit)

    async def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """As JournalReader.verify; appends go on meanwhile."""
        return await self.reader.verify(progress)

    async def rebuild(self, step: Callable[[State, Event], State]) -> None:
        """Make all read models again from the events, in one transaction.

        `step` is the belief after an event: `lambda state, event: decide(state, event).state`. Raises
        JournalRefused when an entry cannot be read.
        """
        await self._hop.run(partial(self._disk.rebuild, step))

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        while self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer})
        await self.reader.close()
        await self._hop.close()
        self._lock.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"SqliteJournal({str(self.path)!r}, entries={self._disk.seq}, waiting={len(self._waiting)})"

    def _ask(self, job: Job) -> asyncio.Future[int]:
        """Hand a job to the writer; it is done when the job is durable."""
        if self._is_closed:
            raise JournalRefused(f"The journal {self.path} is closed: nothing of this was recorded.")
        durable: asyncio.Future[int] = self._loop.create_future()
        self._waiting.append((job, durable))
        if self._writer is None or self._writer.done():
            self._writer = self._loop.create_task(self._write(), name="journal writer")
        return durable

    async def _write(self) -> None:
        """Make what waits durable, one commit after the other. Nobody cancels this task."""
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                ends = await self._hop.run(partial(self._disk.write, [job for job, _ in group]))
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait, all of them
                for _, durable in group:
                    if not durable.done():
                        durable.set_exception(error)
                continue
            for (_, durable), seq in zip(group, ends, strict=True):
                if not durable.done():
                    durable.set_result(seq)
