"""The journal of a simulation: in memory, as slow as a disk, and it remembers what a crash could not take
away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from engine.core.actions import Work
from engine.core.state import State
from engine.journal import chain
from engine.journal.memory import MemoryJournal
from engine.journal.port import Entry
from engine.runtime.engine import armed_ids


class Disk(MemoryJournal):
    """`intended` holds every action that is durable, by id; `armed` every client id of a rung that was armed
    durably.
    """

    def __init__(self, account: str, chance: Random) -> None:
        super().__init__(account)
        self._chance = chance
        self.intended: dict[str, Work] = {}
        self.armed: set[str] = set()
        self.seen: list[tuple[int, bytes]] = []

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        """Durable after a few milliseconds."""
        await asyncio.sleep(self._chance.uniform(0.0005, 0.006))
        seq = await super().append(entries, state)
        self.remember(entries, state)
        return seq

    def remember(self, entries: Sequence[Entry], state: State) -> None:
        """These entries can be lost no more."""
        for entry in entries:
            for work in entry.actions:
                self.intended[work.id] = work
        self.armed |= armed_ids(state)

    def after_crash(self, *, torn: bool) -> Disk:
        """What the next start finds."""
        self.seen.append((len(self), self.link))
        left = self.crash(torn=torn)
        found = Disk(self.account, self._chance)
        found.__dict__.update(
            left.__dict__ | {"intended": self.intended, "armed": self.armed, "seen": self.seen}
        )
        return found

    def entry(self, seq: int) -> Entry:
        """The entry with this number, read from its bytes."""
        return self._recorded(seq).entry

    def is_whole(self) -> bool:
        """Whether the chain holds from the first entry on, through everything that was ever durable."""
        link, links = chain.genesis(self.account), [chain.genesis(self.account)]
        for seq, line in enumerate(self._lines, 1):
            link = chain.link(link, seq, line)
            links.append(link)
        return link == self.link and all(links[size] == known for size, known in self.seen)
