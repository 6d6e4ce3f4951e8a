"""What the process at the doors sees: the engine over its socket, the past in the journal's own file. However
long a story is and however often it is asked for, the engine does not notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engine.api.remote import Remote
from engine.journal.history import History
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader
from engine.journal.story import story
from engine.protocol import CycleView, NotAnswering, StoryLine

T = TypeVar("T")


class Window(Remote):
    """An engine, and the journal that it writes. Every call raises NotAnswering when there is no answer."""

    def __init__(self, socket: Path, database: Path) -> None:
        super().__init__(socket)
        self._database = database
        self._one_story = asyncio.Lock()

    async def why(self, name: str) -> tuple[StoryLine, ...]:
        async with self._one_story:
            return tuple(await self._read(lambda reader: story(reader, name)))

    async def history(self) -> tuple[CycleView, ...]:
        return await self._read(lambda reader: History(reader).cycles())

    async def _read(self, what: Callable[[JournalReader], Awaitable[T]]) -> T:
        """In a thread of its own: a long story does not stand before a short question."""

        async def read() -> T:
            async with await JournalReader.open(self._database) as reader:
                return await what(reader)

        try:
            return await asyncio.to_thread(asyncio.run, read())
        except JournalRefused as refused:
            raise NotAnswering(f"the journal cannot be read: {refused}") from None
