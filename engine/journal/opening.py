"""Opening a journal file: look before touching, then bring its schema up. A refused file is not changed.

A new one is made whole beside its place and moved there: an empty file is what became of another.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from engine.core.instrument import ZERO
from engine.journal import refusal, schema
from engine.journal.chain import genesis
from engine.journal.owner import owner
from engine.journal.port import JournalRefused

BUSY_S: Final = 1.0
"""How long another program may hold the database before an append is refused, seconds."""

MAGIC: Final = b"SQLite format 3\x00"


def connect(path: Path, *, account: str) -> sqlite3.Connection:
    """The writing connection to `account`'s journal, made new when there is none. Raises JournalRefused."""
    inspect(path, account=account)
    if not path.exists():
        _make(path.resolve(), account)
    _make_private(path)
    return _connect(path, account)


def _make(path: Path, account: str) -> None:
    """A new journal in place of nothing."""
    new = path.with_name(f"{path.name}.new")
    for left in ("", "-wal", "-shm", "-journal"):
        new.with_name(new.name + left).unlink(missing_ok=True)
    _make_private(new)
    with refusal.refusing(new), closing(_connect(new, account)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _connect(path: Path, account: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _configure(db)
        with transaction(db):
            if schema.version_of(db) < len(schema.steps()):
                schema.bring_up(db)
            db.execute(
                "INSERT INTO head (one, account, seq, chain) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
                (account, genesis(account)),
            )
    except BaseException:
        db.close()
        raise
    return db


def connect_to_read(path: Path, account: str | None = None) -> sqlite3.Connection:
    """A connection that cannot write. Raises JournalRefused when there is no journal, or not `account`'s."""
    if not is_there(path):
        raise JournalRefused(f"There is no journal at {path}: name the file that the engine writes.")
    inspect(path, account=account)
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, durable at the end."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def inspect(path: Path, *, account: str | None) -> None:
    """Raise JournalRefused when `path` is there and is no journal that this Ratchet and account can use."""
    there = is_there(path)
    if there and not path.is_file():
        raise JournalRefused(refusal.not_ours(path))
    if not there or path.stat().st_size == 0:
        logs = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        left = next((log.name for log in logs if log.exists() and log.stat().st_size), "")
        if there or left:
            raise JournalRefused(refusal.gone(path, left))
        return
    try:
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
    except OSError as error:
        raise JournalRefused(refusal.unreadable(path, error)) from error
    if beginning != MAGIC:
        raise JournalRefused(refusal.not_ours(path))
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with refusal.refusing(path), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as db:
        _inspect_content(db, path, account)


def is_there(path: Path) -> bool:
    """Whether there is a file. Raises JournalRefused where its folder does not let us know."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise JournalRefused(refusal.unreadable(path, error)) from error
    return True


def _inspect_content(db: sqlite3.Connection, path: Path, account: str | None) -> None:
    version, ours = schema.version_of(db), len(schema.steps())
    is_ours = db.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
    is_empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not is_ours and not is_empty:
        raise JournalRefused(refusal.not_ours(path))
    if version > ours:
        raise JournalRefused(refusal.newer(path, version, ours))
    if is_empty:
        return
    theirs = owner(db, path)
    if account not in (None, theirs):
        raise JournalRefused(refusal.other_account(path, theirs, account))


def _make_private(path: Path) -> None:
    """Make a missing folder (0700) and file (0600). Raises JournalRefused when they may not be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_writable(path.parent):
            raise JournalRefused(refusal.read_only(path.parent))
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise JournalRefused(f"{refusal.read_only(path)} ({error.strerror})") from error
    if not _is_writable(path):
        raise JournalRefused(refusal.read_only(path))


def _is_writable(path: Path) -> bool:
    """Whether this user may write and nobody has marked it as read-only (which root could ignore)."""
    return os.access(path, os.W_OK) and bool(path.stat().st_mode & 0o222)


def _configure(db: sqlite3.Connection) -> None:
    """Every commit reaches the disk; REPLACE, too, fires the triggers that protect the events."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA recursive_triggers = ON")
    db.execute("PRAGMA journal_size_limit = 67108864")
    db.create_aggregate("exact_sum", 1, _ExactSum)  # type: ignore[arg-type]
    db.create_aggregate("exact_cost", 2, _ExactCost)  # type: ignore[arg-type]


class _ExactSum:
    """`exact_sum(qty)`: the sum of decimal texts, as decimal text."""

    def __init__(self) -> None:
        self._total = ZERO

    def step(self, value: str) -> None:
        self._total += Decimal(value)

    def finalize(self) -> str:
        return str(self._total)


class _ExactCost(_ExactSum):
    """`exact_cost(qty, price)`: Σ qty · price of decimal texts, as decimal text."""

    def step(self, qty: str, price: str) -> None:  # type: ignore[override]
        self._total += Decimal(qty) * Decimal(price)
