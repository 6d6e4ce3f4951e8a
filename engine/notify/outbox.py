"""The durable outbox: what has to reach the phone, until it has.

An SQLite file of its own (`engine.outbox`), through the standard library in one thread: the journal's file
has one writer and keeps it, a letter and the place in the journal up to which letters were written must
become durable in one step, and a button may be claimed only once. That is a transaction; lines in a text file
have none.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final, Self, TypeVar

import msgspec

from engine.core.actions import Level, Note
from engine.notify.port import Happened
from engine.notify.urgency import Urgency, is_own_answer, is_question, urgency_of

SAME_MS: Final = 300_000
"""The same warning again within this time is counted, not sent again."""
KEPT_MS: Final = 7 * 86_400_000
CURSOR: Final = "cursor"
"""The mark of the last journal entry whose notes are here."""
JOURNALS: Final = "journals"
"""The mark that counts journals: a new one counts its entries from 1 again."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS letter (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, urgency INTEGER NOT NULL, at INTEGER NOT NULL,
    cycle TEXT NOT NULL, text TEXT NOT NULL, note BLOB NOT NULL, times INTEGER NOT NULL DEFAULT 1,
    sent INTEGER, message INTEGER, seen INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS letter_unsent ON letter (id) WHERE sent IS NULL;
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS button (
    nonce TEXT PRIMARY KEY, family TEXT NOT NULL, user INTEGER NOT NULL, chat INTEGER NOT NULL,
    deed BLOB NOT NULL, expires INTEGER NOT NULL, used INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS card (
    cycle TEXT NOT NULL, rung INTEGER NOT NULL, message INTEGER NOT NULL, expires INTEGER NOT NULL,
    family TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (cycle, rung)
) STRICT;
"""

T = TypeVar("T")


class Letter(msgspec.Struct, frozen=True):
    """A note on its way. `times`: how often it happened; `seen` when the trader acknowledged it, ms UTC."""

    id: int
    urgency: Urgency
    at: int
    note: Note
    times: int = 1
    message: int | None = None


class Outbox:
    """Every method is one transaction, in order, in the outbox's own thread. Raises OSError and sqlite3.Error
    when the disk does not take it.
    """

    def __init__(self, db: sqlite3.Connection, thread: ThreadPoolExecutor, path: Path) -> None:
        self._db = db
        self._thread = thread
        self.path = path

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or make it, for this user alone. A file that is no database is moved aside (`….broken`)."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        try:
            db = await asyncio.get_running_loop().run_in_executor(thread, _open, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(db, thread, path)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown(wait=False)

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the outbox's thread: all of it becomes durable, or nothing."""

        def whole() -> T:
            with self._db:
                return work(self._db)

        return await asyncio.get_running_loop().run_in_executor(self._thread, whole)

    # -- letters ---------------------------------------------------------------------------------------------

    async def put(self, happened: Sequence[Happened]) -> None:
        """Keep what these entries tell; an entry that was put before is not put again."""

        def work(db: sqlite3.Connection) -> None:
            cursor, journal = _mark(db, CURSOR) or 0, _mark(db, JOURNALS) or 0
            for each in happened:
                if each.seq > cursor:
                    for place, note in enumerate(each.notes):
                        _put(db, f"{journal}.{each.seq}.{place}", each.at, note)
                    cursor = each.seq
            _set_mark(db, CURSOR, cursor)

        await self.transact(work)

    async def begin_again(self) -> None:
        """The journal is a new one: forget how far the old one was told, keep what waits."""

        def work(db: sqlite3.Connection) -> None:
            _set_mark(db, CURSOR, 0)
            _set_mark(db, JOURNALS, (_mark(db, JOURNALS) or 0) + 1)

        await self.transact(work)

    async def write(self, key: str, at: int, note: Note) -> None:
        """Keep a note that is not in the journal, such as an alarm of the phone itself; one a `key`."""
        await self.transact(lambda db: _put(db, key, at, note))

    async def unsent(self) -> list[Letter]:
        """The first of what waits: alarms, then money, then chatter, each from the oldest on."""
        return await self.transact(lambda db: _letters(db, "sent IS NULL"))

    async def unseen(self) -> list[Letter]:
        """What was sent, is urgent, and was not acknowledged."""
        wanted = f"sent IS NOT NULL AND seen IS NULL AND urgency = {Urgency.URGENT.value}"
        return await self.transact(lambda db: _letters(db, wanted))

    async def sent(self, letters: Sequence[Letter], at: int, message: int | None) -> None:
        """They reached Telegram as `message` (None: given up)."""
        rows = [(at, message, letter.id) for letter in letters]
        await self.transact(
            lambda db: _many(db, "UPDATE letter SET sent = ?, message = ? WHERE id = ?", rows)
        )

    async def seen(self, through: int, at: int) -> int:
        """The trader has seen every urgent letter up to this id; how many these were."""
        statement = (
            "UPDATE letter SET seen = ? WHERE id <= ? AND sent IS NOT NULL AND seen IS NULL AND urgency = 0"
        )
        return await self.transact(lambda db: db.execute(statement, (at, through)).rowcount)

    async def forget(self, now: int) -> None:
        """Let go of what was sent, pressed or acknowledged a week ago."""
        old = now - KEPT_MS

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM letter WHERE sent < ? AND (urgency > 0 OR seen IS NOT NULL)", (old,))
            db.execute("DELETE FROM button WHERE expires < ?", (old,))

        await self.transact(work)

    # -- marks -----------------------------------------------------------------------------------------------

    async def mark(self, name: str) -> int | None:
        """A number that outlives the process: the cursor, when it last lived, until when it is muted."""
        return await self.transact(lambda db: _mark(db, name))

    async def set_mark(self, name: str, value: int) -> None:
        await self.transact(lambda db: _set_mark(db, name, value))


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        path.replace(path.with_name(path.name + ".broken"))
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    db = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _put(db: sqlite3.Connection, key: str, at: int, note: Note) -> None:
    if is_question(note) or is_own_answer(note):
        return
    if note.level in (Level.WARNING, Level.URGENT):
        again = (
            "UPDATE letter SET times = times + 1 WHERE id = (SELECT max(id) FROM letter WHERE text = ?"
            " AND cycle = ? AND seen IS NULL AND at BETWEEN ? AND ? AND key <> ?)"
        )
        if db.execute(again, (note.text, note.cycle, at - SAME_MS, at, key)).rowcount:
            return
    row = (key, urgency_of(note).value, at, note.cycle, note.text, msgspec.json.encode(note))
    db.execute(
        "INSERT OR IGNORE INTO letter (key, urgency, at, cycle, text, note) VALUES (?, ?, ?, ?, ?, ?)", row
    )


def _letters(db: sqlite3.Connection, where: str) -> list[Letter]:
    columns = "id, urgency, at, note, times, message"
    wanted = f"SELECT {columns} FROM letter WHERE {where} ORDER BY urgency, id LIMIT 500"  # noqa: S608
    with closing(db.execute(wanted)) as rows:
        return [
            Letter(id, Urgency(urgency), at, msgspec.json.decode(note, type=Note), times, message)
            for id, urgency, at, note, times, message in rows
        ]


def _many(db: sqlite3.Connection, statement: str, rows: list[tuple[int, int | None, int]]) -> None:
    db.executemany(statement, rows)


def _mark(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT value FROM mark WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None


def _set_mark(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)", (name, value))
