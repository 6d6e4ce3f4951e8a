from __future__ import annotations

from pathlib import Path

from journal_day import ACCOUNT

from engine.journal.memory import MemoryJournal
from engine.journal.sqlite import SqliteJournal


class Shelf:
    """Opens a journal again and again, as starts of an engine do: in a file, or in memory."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.newest: MemoryJournal | SqliteJournal | None = None

    async def open(self) -> MemoryJournal | SqliteJournal:
        if self.newest is not None:
            await self.newest.close()
        if self.path is not None:
            self.newest = await SqliteJournal.open(self.path, account=ACCOUNT)
        else:
            before = self.newest
            self.newest = before.crash() if isinstance(before, MemoryJournal) else MemoryJournal(ACCOUNT)
        return self.newest
