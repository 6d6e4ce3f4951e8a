"""Reading a journal's file beside everything else: a thread and a connection for each question, so that a
long story stands before nothing short.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engine.journal.reader import JournalReader
from engine.journal.story import story
from engine.protocol import StoryLine

T = TypeVar("T")


class Aside:
    """The journal at `path`. Every call raises JournalRefused when it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_story = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Aside {self.path}>"

    async def story(self, name: str) -> list[StoryLine]:
        """As `engine.journal.story`; of those who want one each waits its turn."""
        async with self._one_story:
            return await self.ask(lambda reader: story(reader, name))

    async def ask(self, question: Callable[[JournalReader], Awaitable[T]]) -> T:
        """What `question` reads, in a loop of its own."""

        async def read() -> T:
            async with await JournalReader.open(self.path) as reader:
                return await question(reader)

        return await asyncio.to_thread(asyncio.run, read())
