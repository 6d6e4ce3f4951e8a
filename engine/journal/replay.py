"""A journal lived through again: equal decisions, belief and tables, or the first difference."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.core.decide import decide
from engine.core.events import Started
from engine.core.state import State
from engine.journal import belief, chain, opening, read_models
from engine.journal.disk import Disk, decoded, rows_after
from engine.journal.owner import owner
from engine.journal.port import Entry, JournalRefused
from engine.journal.refusal import damaged, refusing

SHOWN: Final = 300
"""Characters of a difference that are shown."""

TOLD_EVERY: Final = 2_000


class Replayed(msgspec.Struct, frozen=True):
    """What a replay found. `snapshots` and `rows` are how many were compared; `difference` is the first one
    in words, empty when all is equal.
    """

    entries: int
    snapshots: int
    rows: int
    difference: str = ""


def replay(path: Path, progress: Callable[[int, int], None] | None = None) -> Replayed:
    """Decide every event of the journal at `path` again, on a copy: an engine may write it meanwhile.

    Raises JournalRefused when there is no journal, or it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="ratchet-replay-") as folder, refusing(path):
        copy = Path(folder) / "state.db"
        with closing(opening.connect_to_read(path)) as live, closing(sqlite3.connect(copy)) as mine:
            live.backup(mine)
            account = owner(mine, path)
        disk = Disk(copy, account)
        try:
            again = _Again(disk, path, progress)
            return again.tables() if not again.difference else again.found()
        finally:
            disk.db.close()


class _Again:
    """One replay: first the decisions and the snapshots, then the tables."""

    def __init__(self, disk: Disk, path: Path, progress: Callable[[int, int], None] | None) -> None:
        self.disk = disk
        self.path = path
        self.entries = self.snapshots = self.rows = 0
        self.difference = ""
        kept = disk.db.execute("SELECT seq, CAST(state AS BLOB) FROM snapshots").fetchall()
        self._kept: dict[int, bytes] = dict(kept)
        self._live_again(progress)

    def found(self) -> Replayed:
        return Replayed(self.entries, self.snapshots, self.rows, self.difference)

    def tables(self) -> Replayed:
        """Make the read models again and compare them row by row."""
        before = _rows(self.disk.db)
        self.disk.rebuild(lambda state, event: decide(state, event).state)
        after = _rows(self.disk.db)
        for table in read_models.TABLES:
            self.rows += len(before[table])
            if before[table] != after[table]:
                self.difference = _first(table, before[table], after[table])
                break
        return self.found()

    def _live_again(self, progress: Callable[[int, int], None] | None) -> None:
        now: State | None = None
        for seq, line, _, _ in rows_after(self.disk.db, 0):
            entry = decoded(self.path, seq, line)
            now = _first_state(self.path, entry) if now is None else now
            decision = decide(now, entry.event)
            now, self.entries = decision.state, seq
            again = Entry(entry.event, decision.actions, decision.notes)
            self.difference = _differs(seq, entry, again, now.version)
            if not self.difference and seq in self._kept:
                self.snapshots += 1
                self.difference = _states_differ(
                    f"the snapshot after entry {seq}", chain.read_state(self._kept[seq]), now
                )
            if self.difference:
                return
            if progress is not None and seq % TOLD_EVERY == 0:
                progress(seq, self.disk.seq)
        kept = belief.read(self.disk.db, self.disk.link).state
        if kept is not None and now is not None:
            self.difference = _states_differ("what was believed last", kept, now)


def _first_state(path: Path, entry: Entry) -> State:
    body = entry.event.body
    if not isinstance(body, Started):
        raise JournalRefused(damaged(path, "its first entry is not the start of an engine"))
    return State(settings=body.settings)


def _differs(seq: int, then: Entry, now: Entry, version: str) -> str:
    for what in ("actions", "notes"):
        was, is_now = getattr(then, what), getattr(now, what)
        if was != is_now:
            kind = type(then.event.body).__name__
            said = f"recorded by {version} {_short(was)}, decided now {_short(is_now)}"
            return f"entry {seq} ({kind}), {what}: {said}"
    return ""


def _states_differ(what: str, then: State, now: State) -> str:
    for field in State.__struct_fields__:
        was, is_now = getattr(then, field), getattr(now, field)
        if was != is_now:
            return f"{what}, {field}: kept {_short(was)}, now {_short(is_now)}"
    return ""


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _rows(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived row, in an order that does not depend on when it was written."""
    return {table: sorted(_all(db, table), key=repr) for table in read_models.TABLES}


def _all(db: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    return iter(db.execute(f"SELECT * FROM {table}"))  # noqa: S608 - our own constants


def _first(table: str, before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]) -> str:
    gone = [row for row in before if row not in after]
    new = [row for row in after if row not in before]
    kept = _short(gone[0]) if gone else "nothing like it"
    made = _short(new[0]) if new else "nothing like it"
    return f"table {table}: kept {kept}, made again {made}"
