"""The numbered schema: `NNN_name.sql` files, each carried out once, in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x52544348
"""`RTCH`, in the header of the file: `file state.db` shows it."""


def steps() -> list[str]:
    """The scripts, oldest first. Number n brings a journal from schema n − 1 to n."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9][0-9]_*.sql"))
    assert [int(file.name[:3]) for file in files] == list(range(1, len(files) + 1)), (
        "schema files have a hole"
    )
    return [file.read_text(encoding="utf-8") for file in files]


def statements(script: str) -> Iterator[str]:
    """The single statements of a script; a trigger's body is part of its statement."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    assert not pending.strip(), f"an unfinished statement: {pending!r}"


def version_of(db: sqlite3.Connection) -> int:
    """The schema of this database; 0 when it is new."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def bring_up(db: sqlite3.Connection) -> None:
    """Carry out the scripts that this database lacks. The caller holds the transaction."""
    scripts = steps()
    for script in scripts[version_of(db) :]:
        for statement in statements(script):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(scripts)}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
