"""Reading a journal file, also while an engine writes it: it changes nothing and no append waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self, TypeVar

from engine.journal import belief, chain, opening
from engine.journal.disk import decoded, follow, recover
from engine.journal.hop import Hop
from engine.journal.port import JournalRefused, Recorded, Recovered
from engine.journal.refusal import damaged, refusing
from engine.journal.touch import key

T = TypeVar("T")

PAGE: Final = 500
"""Entries read in one go."""

CHECKED_AT_ONCE: Final = 5_000


class Readable(Protocol):
    """Whatever entries can be read from: a journal, or a reader of its file."""

    def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        """As Journal.read."""


class JournalReader:
    """A journal file, read-only. Needs no lock."""

    def __init__(self, path: Path, db: sqlite3.Connection, hop: Hop) -> None:
        self.path = path
        self._db = db
        self._hop = hop

    @classmethod
    async def open(cls, path: Path | str, *, account: str | None = None) -> Self:
        """Raises JournalRefused when there is no journal at `path`, none that this Ratchet can read, or none
        of `account`.
        """
        path = Path(path)
        db = await asyncio.to_thread(opening.connect_to_read, path, account)
        return cls(path, db, await Hop.over(db))

    async def recover(self) -> Recovered:
        """As Journal.recover."""
        with refusing(self.path):
            return await self._hop.run(lambda: recover(self._db, self.path)[0])

    async def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        """As Journal.read. A client id or an order id may be named in place of a cycle."""
        names = tuple(name for name in (symbol, cycle) if name)
        while limit > 0:
            page = await self._hop.run(partial(self._page, names, after, min(limit, PAGE)))
            for item in page:
                yield item
            if not page:
                return
            after, limit = page[-1].seq, limit - len(page)

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """What `question` reads from the tables, in the reader's own thread. Raises JournalRefused."""

        def answer() -> T:
            with refusing(self.path):
                return question(self._db)

        return await self._hop.run(answer)

    async def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Check the whole chain, every snapshot and SQLite's own pages; return the number of entries.

        `progress(checked, all)` is called from the loop now and then. Raises JournalRefused naming the first
        entry that is wrong.
        """
        account, end, last = await self._hop.run(self._head)
        seq, link = 0, chain.genesis(account)
        while seq < end:
            seq, link = await self._hop.run(partial(self._check, seq, link, end))
            if progress is not None:
                progress(seq, end)
        if link != last:
            raise JournalRefused(
                damaged(self.path, f"its last entry ({end}) is not the one that was written last")
            )
        await self._hop.run(self._check_rest)
        return seq

    async def close(self) -> None:
        await self._hop.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _page(self, names: tuple[str, ...], after: int, limit: int) -> list[Recorded]:
        values: list[int] = []
        sql = "SELECT seq, CAST(entry AS BLOB) FROM events"
        if names:
            sql = (
                "SELECT touches.seq, CAST(entry AS BLOB) FROM touches JOIN events ON events.seq = touches.seq"
            )
        sql += " WHERE touches.seq > ?" if names else " WHERE seq > ?"
        values.append(after)
        for number, name in enumerate(names):
            also = "SELECT 1 FROM touches AS also WHERE also.name = ? AND also.seq = touches.seq"
            sql += f" AND EXISTS ({also})" if number else " AND touches.name = ?"
            values.append(key(name))
        sql += " ORDER BY 1 LIMIT ?"
        with refusing(self.path):
            rows = self._db.execute(sql, (*values, limit)).fetchall()
        return [Recorded(seq, decoded(self.path, seq, line)) for seq, line in rows]

    def _head(self) -> tuple[str, int, bytes]:
        with refusing(self.path):
            account, seq, link = self._db.execute("SELECT account, seq, chain FROM head").fetchone()
        return account, seq, link

    def _check(self, seq: int, link: bytes, end: int) -> tuple[int, bytes]:
        """Check the next entries; returns the last one's number and link."""
        sql = (
            "SELECT seq, CAST(entry AS BLOB), chain FROM events "
            "WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        )
        with refusing(self.path):
            rows = self._db.execute(sql, (seq, end, CHECKED_AT_ONCE)).fetchall()
        if not rows:
            raise JournalRefused(damaged(self.path, f"entry {seq + 1} is missing"))
        for number, line, stored in rows:
            seq, link = follow(self.path, (seq, link), number, line, stored)
            decoded(self.path, number, line)
        return seq, link

    def _check_rest(self) -> None:
        """The snapshots, and the pages of the file."""
        with refusing(self.path):
            snapshots = self._db.execute(
                "SELECT snapshots.seq, snapshots.chain, CAST(state AS BLOB), seal, events.chain "
                "FROM snapshots LEFT JOIN events ON events.seq = snapshots.seq"
            ).fetchall()
            is_whole = belief.is_whole(self._db, self._head()[2])
            pages = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        for seq, link, line, seal, event_link in snapshots:
            if chain.seal(link, line) != seal or (seq and event_link != link):
                raise JournalRefused(damaged(self.path, f"the snapshot after entry {seq} was changed"))
        if not is_whole:
            raise JournalRefused(damaged(self.path, "what it says was believed last is not what was written"))
        if pages != "ok":
            raise JournalRefused(damaged(self.path, pages))
