"""What the process at the doors sees: the engine over its socket, the past in the journal's own file. However
long a story is and however often it is asked for, the engine does not notice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from engine.api.remote import Remote
from engine.journal.aside import Aside
from engine.journal.history import History
from engine.journal.port import JournalRefused
from engine.protocol import CycleView, NotAnswering, SignalsView, StoryLine

T = TypeVar("T")


class Window(Remote):
    """An engine, and the journal that it writes. Every call raises NotAnswering when there is no answer."""

    def __init__(self, socket: Path, database: Path) -> None:
        super().__init__(socket)
        self._journal = Aside(database)

    async def why(self, name: str) -> tuple[StoryLine, ...]:
        return tuple(await _read(self._journal.story(name)))

    async def history(self) -> tuple[CycleView, ...]:
        return await self._past(lambda past: past.cycles())

    async def signals(self) -> SignalsView:
        return replace(await self.regimes(), signals=await self._past(lambda past: past.signals()))

    async def _past(self, question: Callable[[History], Awaitable[T]]) -> T:
        return await _read(self._journal.ask(lambda reader: question(History(reader))))


async def _read(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except JournalRefused as refused:
        raise NotAnswering(f"the journal cannot be read: {refused}") from None
