"""The journal file as one thread sees it: groups of appends in, entries out. Nothing here knows of a loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.core.events import Event, Started
from engine.core.state import State
from engine.journal import belief, chain, opening, read_models, touch
from engine.journal.owner import go_on
from engine.journal.port import Entry, JournalRefused, Recorded, Recovered
from engine.journal.refusal import damaged, refusing

SNAPSHOTS_KEPT: Final = 3

_FORGET_OLD_SNAPSHOTS = (
    "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)"
)
_END_WITH = "UPDATE head SET seq = ?, chain = ?, belief = ?"


class Append(msgspec.Struct, frozen=True):
    """One call of `Journal.append`: `lines` are the canonical JSON of `entries`. `account` is whose the
    journal is from the last of them on, when that changes.
    """

    entries: tuple[Entry, ...]
    lines: tuple[bytes, ...]
    state: State
    account: str = ""


class Keep(msgspec.Struct, frozen=True):
    """One call of `Journal.snapshot`."""

    state: State


Job = Append | Keep


class _Group:
    """What one commit writes, worked out before the database is touched. It follows entry `seq`."""

    def __init__(self, seq: int, link: bytes, kept: belief.Kept, believed: State | None) -> None:
        self.seq, self.link, self.kept, self.believed = seq, link, kept, believed
        self.events: list[tuple[int, str, bytes, int]] = []
        self.owners: list[tuple[int, bytes, str]] = []
        self.touches: list[tuple[int, int]] = []
        self.changes: list[read_models.Change] = []
        self.snapshots: list[tuple[int, bytes, str, bytes]] = []

    def append(self, job: Append) -> None:
        first, last, link = self.seq + 1, self.seq + len(job.lines), self.link
        for seq, line in enumerate(job.lines, first):
            link = chain.link(link, seq, line)
            self.events.append((seq, line.decode(), link, seq == last))
        self.seq, self.link = last, link
        if job.account:
            self.owners.append((last, link, job.account))
        self.derive(first, job.entries, job.state)

    def derive(self, first: int, entries: Sequence[Entry], after: State) -> None:
        """The read models of one append, whose entries are numbered from `first` on."""
        for seq, names in enumerate(touch.touched(entries, self.believed, after), first):
            if names:
                self.touches += [(touch.key(name), seq) for name in names]
        self.changes += read_models.changes(first, entries, self.believed, after)
        self.believed = after

    def keep(self, state: State) -> None:
        line = chain.write_state(state)
        self.snapshots.append((self.seq, self.link, line.decode(), chain.seal(self.link, line)))
        self.believed = state

    def write(self, db: sqlite3.Connection) -> None:
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", self.events)
        for seq, link, account in self.owners:
            go_on(db, seq, link, account)
        self.write_derived(db)
        if self.snapshots:
            db.executemany("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)", self.snapshots)
            db.execute(_FORGET_OLD_SNAPSHOTS, (SNAPSHOTS_KEPT,))
        assert self.believed is not None, "every job carries a belief"
        self.kept, change = belief.follow(self.kept, self.believed)
        change.write(db)
        db.execute(_END_WITH, (self.seq, self.link, self.kept.seal(self.link)))

    def write_derived(self, db: sqlite3.Connection) -> None:
        db.executemany("INSERT OR IGNORE INTO touches VALUES (?, ?)", sorted(self.touches))
        for statement, values in self.changes:
            db.execute(statement, values)
        self.touches, self.changes = [], []


class Disk:
    """One connection that writes. `seq` and `link` are the newest durable entry's."""

    def __init__(self, path: Path, account: str) -> None:
        self.path = path
        with refusing(path):
            self.db = opening.connect(path, account=account)
        self._believed: State | None = None
        self._kept = belief.Kept()
        self.seq, self.link = 0, b""
        self._read_head()

    def write(self, jobs: Sequence[Job]) -> list[int]:
        """Make all of it durable in one commit, and return the last `seq` of each job.

        Raises JournalRefused when it cannot be; then nothing of it is there.
        """
        group = _Group(self.seq, self.link, self._kept, self._believed)
        ends = []
        for job in jobs:
            if isinstance(job, Append):
                group.append(job)
            else:
                group.keep(job.state)
            ends.append(group.seq)
        try:
            with refusing(self.path), opening.transaction(self.db):
                group.write(self.db)
        except JournalRefused:
            self._kept = belief.Kept()
            self._read_head()
            raise
        self.seq, self.link = group.seq, group.link
        self._kept, self._believed = group.kept, group.believed
        return ends

    def recover(self) -> Recovered:
        """The newest readable snapshot and what followed, with the chain of all of that checked."""
        with refusing(self.path):
            found, self._kept = recover(self.db, self.path)
        self._believed = self._kept.state or (None if found.after else found.state)
        return found

    def rebuild(self, step: Callable[[State, Event], State]) -> None:
        """Make the derived tables again, by deciding every event again; all or nothing."""
        with refusing(self.path), opening.transaction(self.db):
            for table in read_models.TABLES:
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own constants
            self._believed = self._replay(step)

    def _replay(self, step: Callable[[State, Event], State]) -> State | None:
        group = _Group(0, b"", belief.Kept(), None)
        now: State | None = None
        call: list[Entry] = []
        for seq, line, _, closes in rows_after(self.db, 0):
            entry = decoded(self.path, seq, line)
            body = entry.event.body
            if now is None:
                if not isinstance(body, Started):
                    raise JournalRefused(damaged(self.path, "its first entry is not the start of an engine"))
                now = State(settings=body.settings)
            now = step(now, entry.event)
            call.append(entry)
            if closes:
                group.derive(seq - len(call) + 1, call, now)
                group.write_derived(self.db)
                call = []
        return group.believed

    def _read_head(self) -> None:
        with refusing(self.path):
            self.seq, self.link = self.db.execute("SELECT seq, chain FROM head").fetchone()


Row = tuple[int, bytes, bytes, int]
Place = tuple[int, bytes]
"""An entry's number and its link."""


def rows_after(db: sqlite3.Connection, seq: int) -> Iterator[Row]:
    """Number, bytes and link of an entry, and whether it ends an append: all after `seq`, oldest first."""
    return iter(
        db.execute(
            "SELECT seq, CAST(entry AS BLOB), chain, closes FROM events WHERE seq > ? ORDER BY seq", (seq,)
        )
    )


def decoded(path: Path, seq: int, line: bytes) -> Entry:
    """The entry. Raises JournalRefused when this version cannot read it."""
    try:
        return chain.read_entry(line)
    except msgspec.DecodeError as error:
        raise JournalRefused(damaged(path, f"entry {seq} cannot be read ({error})")) from error


def recover(db: sqlite3.Connection, path: Path) -> tuple[Recovered, belief.Kept]:
    """See Journal.recover; beside it, what the disk keeps of the belief. Raises JournalRefused, and
    sqlite3.Error for a file that cannot be read.
    """
    account, end, last_link = db.execute("SELECT account, seq, chain FROM head").fetchone()
    newest = db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
    if newest != end:
        raise JournalRefused(damaged(path, f"it should end with entry {end} and ends with {newest}"))
    seq, link, state = _newest_snapshot(db, path, end) or (0, chain.genesis(account), None)
    after = []
    for number, line, stored, _ in rows_after(db, seq):
        seq, link = follow(path, (seq, link), number, line, stored)
        after.append(Recorded(number, decoded(path, number, line)))
    if link != last_link:
        raise JournalRefused(damaged(path, f"its last entry ({end}) is not the one that was written last"))
    kept = belief.read(db, link)
    return Recovered(state, tuple(after), kept.state), kept


def follow(path: Path, place: Place, number: int, line: bytes, stored: bytes) -> Place:
    """Check that a row follows `place`, and return its own. Raises JournalRefused naming the entry."""
    seq, link = place
    if number != seq + 1:
        raise JournalRefused(damaged(path, f"entry {seq + 1} is missing"))
    own = chain.link(link, number, line)
    if own != stored:
        raise JournalRefused(
            damaged(path, f"entry {number} is not what was written (the chain breaks there)")
        )
    return number, own


def _newest_snapshot(db: sqlite3.Connection, path: Path, end: int) -> tuple[int, bytes, State] | None:
    """The newest snapshot that is whole and that this version can read."""
    found = db.execute(
        "SELECT seq, chain, CAST(state AS BLOB), seal FROM snapshots ORDER BY seq DESC"
    ).fetchall()
    for seq, link, line, seal in found:
        if seq > end:
            raise JournalRefused(damaged(path, f"entries {end + 1} to {seq} are missing"))
        stands_on = db.execute("SELECT chain FROM events WHERE seq = ?", (seq,)).fetchone()
        if stands_on is not None and stands_on[0] != link:
            raise JournalRefused(
                damaged(path, f"entry {seq} is not the one that the snapshot was made after")
            )
        if chain.seal(link, line) != seal:
            continue
        try:
            return seq, link, chain.read_state(line)
        except msgspec.DecodeError:
            continue
    return None
