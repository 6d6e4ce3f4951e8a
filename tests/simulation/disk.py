"""The journal of a simulation: in memory, as slow as a disk, at times refusing like one, and it remembers
what a crash could not take away.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from engine.core.actions import Work
from engine.core.arming import armed_ids
from engine.core.state import State
from engine.journal import chain
from engine.journal.memory import MemoryJournal
from engine.journal.port import Entry, JournalRefused

from .misfortune import OnDisk


@lru_cache(4096)
def _read(line: bytes) -> Entry:
    return chain.read_entry(line)


class Disk(MemoryJournal):
    """`intended` holds every action that is durable, by id; `armed` every client id of a rung that was armed
    durably. `refused_at` is when it refused first since it last took something, None when it did not;
    `relented` is called when it takes something again, `recorded` with what it took.
    """

    def __init__(self, account: str, chance: Random) -> None:
        super().__init__(account)
        self._chance = chance
        self.intended: dict[str, Work] = {}
        self.armed: set[str] = set()
        self.seen: list[tuple[int, bytes]] = []
        self.trouble: OnDisk | None = None
        self.refused_at: float | None = None
        self.relented: Callable[[], None] = lambda: None
        self.recorded: Callable[[Sequence[Entry]], None] = lambda _: None
        self._writing: tuple[Sequence[Entry], State] | None = None
        self._unsure: tuple[Sequence[Entry], State] | None = None

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        """Durable after a few milliseconds, unless the disk refuses."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._chance.uniform(0.0005, 0.006))
        self.refusal = self._refusal()
        self._writing = entries, state
        try:
            seq = await super().append(entries, state)
        except JournalRefused:
            self.refused_at = loop.time() if self.refused_at is None else self.refused_at
            if self.trouble is OnDisk.UNSURE:
                self._unsure = entries, state
            raise
        finally:
            self._writing = None
        self.remember(entries, state)
        if self.refused_at is not None:
            self.refused_at = self._unsure = None
            self.relented()
        return seq

    def _refusal(self) -> str:
        if self.trouble is None or (self.trouble is OnDisk.FLAKY and self._chance.random() < 0.5):
            return ""
        return f"The simulated disk refuses ({self.trouble})."

    def remember(self, entries: Sequence[Entry], state: State) -> None:
        """These entries can be lost no more."""
        self._keep(entries, state)
        self.recorded(entries)

    def _keep(self, entries: Sequence[Entry], state: State) -> None:
        for entry in entries:
            for work in entry.actions:
                self.intended[work.id] = work
        self.armed |= armed_ids(state)

    def after_crash(self, *, torn: bool) -> Disk:
        """What the next start finds. What was refused after it was written is there, unless it was `torn` or
        something newer has come to the disk.
        """
        durable, writing = list(self._lines), self._writing
        left = self.crash(torn=torn)
        assert left._lines[: len(durable)] == durable, "a crash took away what was durable"
        found = Disk(self.account, self._chance)
        found.__dict__.update(
            left.__dict__
            | {"intended": self.intended, "armed": self.armed, "seen": [*self.seen, (len(left), left.link)]}
            | {"trouble": self.trouble, "relented": self.relented, "recorded": self.recorded}
        )
        if writing is not None and len(left) > len(durable):
            found._keep(*writing)
        if self._unsure is not None and not torn and len(left) == len(durable):
            found.write(*self._unsure)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """What is there when no engine runs: without a pace, which a machine gets when it is started. The
        belief that was kept is its bytes here, and sets have an order: equal disks are equal.
        """
        kept = None if self._kept is None else chain.write_state(self._kept)
        touched = [sorted(names) for names in self._touched]
        return self.__dict__ | {
            "_chance": None,
            "_kept": kept,
            "_touched": touched,
            "armed": sorted(self.armed),
        }

    def __setstate__(self, left: dict[str, Any]) -> None:
        self.__dict__.update(left)
        self._kept = None if left["_kept"] is None else chain.read_state(left["_kept"])
        self._touched = [frozenset(names) for names in left["_touched"]]
        self.armed = set(left["armed"])

    @property
    def is_writing(self) -> bool:
        """Whether a crash now may lose or land something."""
        return bool(self._under_way) or self._unsure is not None

    def paces(self, chance: Random) -> None:
        """From now on it is as slow as `chance` says."""
        self._chance = chance

    def left(self, *, torn: bool) -> Disk:
        """What the next start would find if the machine went down now. It does not: this disk goes on."""
        twin = copy.copy(self)
        twin._lines, twin._touched = list(self._lines), list(self._touched)
        twin.intended, twin.armed = dict(self.intended), set(self.armed)
        twin._under_way = [copy.copy(call) for call in self._under_way]
        return twin.after_crash(torn=torn)

    def write(self, entries: Sequence[Entry], state: State) -> None:
        """These bytes are there."""
        for entry in entries:
            line = chain.write_entry(entry)
            self._lines.append(line)
            self._touched.append(frozenset())
            self._link = chain.link(self._link, len(self._lines), line)
        self._kept = state
        self.remember(entries, state)

    def entry(self, seq: int) -> Entry:
        """The entry with this number, read from its bytes."""
        return _read(self._lines[seq - 1])

    def links(self) -> list[bytes]:
        """The chain, made anew from the bytes: the link before the first entry, and that of each."""
        links = [chain.genesis(self.account)]
        for seq, line in enumerate(self._lines, 1):
            links.append(chain.link(links[-1], seq, line))
        return links
