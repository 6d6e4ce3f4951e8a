"""What was decided, being done: each action is a task of its own, and its answers are told like anything else
that happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.core.actions import Read, Reading, Work
from engine.core.events import AnyBody
from engine.venue.port import Venue, dated


class Errands:
    """Actions on their way to the venue, as tasks of `tasks`; without any, nothing is begun."""

    def __init__(self, venue: Venue, stamp: Callable[[], int], tell: Callable[[AnyBody], object]) -> None:
        self.tasks: asyncio.TaskGroup | None = None
        self.in_flight: set[str] = set()
        self._venue, self._stamp, self._tell = venue, stamp, tell
        self._reading: dict[tuple[Reading, ...], Read | None] = {}

    def begin(self, work: Work) -> None:
        """Carry it out. Readings of one kind follow each other: the newest asked for waits its turn."""
        if self.tasks is None:
            return
        if isinstance(work, Read):
            if work.what in self._reading:
                self._reading[work.what] = work
                return
            self._reading[work.what] = None
        if work.id not in self.in_flight:
            self.in_flight.add(work.id)
            self.tasks.create_task(self._do(work), name=work.id)

    async def _do(self, work: Work) -> None:
        asked = self._stamp()
        try:
            answers = await self._venue.do(work)
        finally:
            self.in_flight.discard(work.id)
            following = self._reading.pop(work.what, None) if isinstance(work, Read) else None
        for body in answers:
            self._tell(dated(body, asked))
        if following is not None:
            self.begin(following)
