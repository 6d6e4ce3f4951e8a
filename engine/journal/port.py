"""The port of the journal. SQLite is one implementation of it; tests and simulations have one in memory with
the same promises.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from engine.core.actions import Note, Work
from engine.core.events import Event
from engine.core.state import State


class Entry(msgspec.Struct, frozen=True):
    """One decision: the event, what is to be done about it, and what the trader is told."""

    event: Event
    actions: tuple[Work, ...] = ()
    notes: tuple[Note, ...] = ()


class Recorded(msgspec.Struct, frozen=True):
    """An entry as it stands in the journal: `seq` counts from 1 without holes."""

    seq: int
    entry: Entry


class Recovered(msgspec.Struct, frozen=True):
    """What a start begins with: the newest snapshot (None in a new journal), and the entries that followed
    it. `believed` is what was believed after the last of them; None when this version cannot read it, or the
    journal is of one that did not keep it.
    """

    state: State | None
    after: tuple[Recorded, ...]
    believed: State | None = None


class JournalRefused(Exception):
    """The journal cannot be used (corrupt, newer, locked, read-only, full). The text says what to do; nothing
    was lost.
    """


class Journal(Protocol):
    """Append-only, one writer."""

    async def recover(self) -> Recovered:
        """The newest snapshot and what followed. Raises JournalRefused when the chain is broken."""

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        """Make the entries durable, in order, in one commit, and return the last `seq`. `state` is the belief
        after the last of them: the read models follow it.

        Raises JournalRefused when it could not be made durable; then nothing of the call is in the journal.
        """

    async def snapshot(self, state: State) -> None:
        """Keep `state` as what everything up to the last appended entry adds up to."""

    def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        """The entries that touch a symbol or a cycle (all of them without either), oldest first."""

    async def close(self) -> None:
        """Finish what is being written, then close."""
