"""The journal in memory, for simulations: the file's promises, and it can be cut off at any point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence, Set

import msgspec

from engine.core.state import State
from engine.journal import chain, touch
from engine.journal.port import Entry, Journal, JournalRefused, Recorded, Recovered


class _Call(msgspec.Struct):
    """An append on its way to the disk: canonical JSON, names touched."""

    lines: tuple[bytes, ...]
    touched: list[Set[str]]
    state: State
    last: int = 0
    has_landed: bool = False


class MemoryJournal(Journal):
    """Everything is kept as the bytes that a file would hold; reading decodes them anew.

    `refusal` makes every append fail like a full disk does, for as long as it is not empty. An append becomes
    durable one turn of the loop after it was asked for: `crash` in between finds it under way.
    """

    def __init__(self, account: str = "simulation") -> None:
        self.account = account
        self.refusal = ""
        self._lines: list[bytes] = []
        self._touched: list[Set[str]] = []
        self._link = chain.genesis(account)
        self._snapshot: tuple[int, bytes] | None = None
        self._under_way: list[_Call] = []
        self._believed: State | None = None
        self._kept: State | None = None
        self._is_dead = False

    @property
    def link(self) -> bytes:
        """The link of the newest durable entry: two journals with the same one hold the same."""
        return self._link

    def __len__(self) -> int:
        return len(self._lines)

    async def recover(self) -> Recovered:
        seq, state = 0, None
        if self._snapshot is not None:
            seq, line = self._snapshot
            state = chain.read_state(line)
        after = tuple(self._recorded(n) for n in range(seq + 1, len(self._lines) + 1))
        kept = None if self._kept is None else chain.read_state(chain.write_state(self._kept))
        return Recovered(state, after, kept)

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        self._check()
        lines = tuple(map(chain.write_entry, entries))
        call = _Call(lines, touch.touched(entries, self._believed, state), state)
        self._believed = state
        self._under_way.append(call)
        try:
            await asyncio.sleep(0)
        finally:
            self._land()
        if not call.has_landed:
            raise JournalRefused(self.refusal or "The machine went down while this was being recorded.")
        return call.last

    async def snapshot(self, state: State) -> None:
        self._check()
        self._land()
        self._snapshot = (len(self._lines), chain.write_state(state))
        self._kept = state

    async def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        wanted = {name for name in (symbol, cycle) if name}
        seq = after
        while seq < len(self._lines) and limit > 0:
            seq += 1
            if wanted <= self._touched[seq - 1]:
                limit -= 1
                yield self._recorded(seq)

    async def verify(self) -> int:
        """Check the whole chain; the number of entries. Raises JournalRefused when it does not hold."""
        link = chain.genesis(self.account)
        for seq, line in enumerate(self._lines, 1):
            link = chain.link(link, seq, line)
        if link != self._link:
            raise JournalRefused("The journal in memory is damaged: its chain does not hold.")
        return len(self._lines)

    async def close(self) -> None:
        if not self._is_dead:
            self._land()
        self._is_dead = True

    def crash(self, *, torn: bool = True) -> MemoryJournal:
        """The machine goes down now. Returns what the next start finds; this journal records no more.

        What `append` has answered is there. What was under way is not when its commit was `torn`; otherwise
        it had just reached the disk, although nobody was told.
        """
        if not torn:
            self._land()
        self._is_dead = True
        self._under_way.clear()
        found = MemoryJournal(self.account)
        found._lines, found._touched = list(self._lines), list(self._touched)
        found._link, found._snapshot, found._kept = self._link, self._snapshot, self._kept
        return found

    def __repr__(self) -> str:
        return f"MemoryJournal(entries={len(self._lines)}, under_way={len(self._under_way)})"

    def _check(self) -> None:
        if self._is_dead:
            raise JournalRefused("The journal in memory is closed: nothing of this was recorded.")
        if self.refusal:
            raise JournalRefused(self.refusal)

    def _land(self) -> None:
        """Everything that is under way becomes durable, in order."""
        if self._is_dead or self.refusal:
            self._under_way.clear()
            return
        for call in self._under_way:
            for line, touched in zip(call.lines, call.touched, strict=True):
                self._lines.append(line)
                self._touched.append(touched)
                self._link = chain.link(self._link, len(self._lines), line)
            self._kept = call.state
            call.last, call.has_landed = len(self._lines), True
        self._under_way.clear()

    def _recorded(self, seq: int) -> Recorded:
        return Recorded(seq, chain.read_entry(self._lines[seq - 1]))
