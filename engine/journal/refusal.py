"""What SQLite's errors mean for the trader: one sentence what is wrong, one what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.journal.port import JournalRefused


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn an error of the database at `path` into JournalRefused."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalRefused(_sentence(path, error)) from error


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_NOTADB:
            return not_ours(path)
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, str(error))
        case sqlite3.SQLITE_FULL:
            return f"The disk under {path} is full: nothing of this was recorded. Free space."
        case sqlite3.SQLITE_IOERR:
            return (
                f"The disk under {path} refuses to read or write ({error}): nothing of this was recorded. "
                "Look at its free space and health."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return (
                f"Another program is writing to {path}: nothing of this was recorded. "
                "Close it (a sqlite3 shell, a backup tool) and try again."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return read_only(path)
        case sqlite3.SQLITE_CANTOPEN:
            return f"{path} cannot be opened: the file and its folder must be writable for this user."
        case _:
            return f"The journal {path} refused ({error}): nothing of this was recorded."


def damaged(path: Path, what: str) -> str:
    """A file that is broken, or was edited."""
    return (
        f"The journal {path} is damaged: {what}. Nothing was changed. "
        f"Copy {path.name}, {path.name}-wal and {path.name}-shm aside, then restore a backup, or start with "
        "a new journal: open positions are read from the exchange, their legs are not."
    )


def gone(path: Path, left: str) -> str:
    """A file that is empty, or missing beside its log, which SQLite would throw away with it."""
    what = "is empty" if path.exists() else "is missing"
    beside = f", and {left} beside it holds what was written last" if left else ""
    return (
        f"The journal {path} {what}{beside}. Nothing was changed. Restore a backup; or, to start with a "
        f"new journal, move {path.name}* away: a halt and the limits of before are forgotten then, open "
        "positions are read from the exchange, their legs are not."
    )


def not_ours(path: Path) -> str:
    """A file that is no journal."""
    return f"{path} is not a Ratchet journal. Nothing was changed. Name another file, or move this one away."


def unreadable(path: Path, error: OSError) -> str:
    """A file that the system does not let us look at."""
    return f"{path} cannot be read ({error.strerror}): look at its rights, and at those of its folder."


def read_only(path: Path) -> str:
    """A file or a folder that may not be written."""
    return f"{path} is read-only: make it and its folder writable (chmod u+w), or name another file."


def newer(path: Path, theirs: int, ours: int) -> str:
    """A journal of a newer Ratchet."""
    return (
        f"{path} was written by a newer Ratchet: its schema is {theirs}, this one knows {ours}. "
        "Nothing was changed. Start the newer Ratchet, or name another file."
    )


def other_account(path: Path, theirs: str, ours: str) -> str:
    """A journal of another account."""
    return (
        f"{path} is the journal of account {theirs}, not of {ours}, which these keys belong to. "
        "Nothing was changed. If these are new keys of the same account, start once with "
        "`ratchet engine --new-key`; if not, start with the account's own keys, or choose another folder for "
        "these with --home DIR."
    )
