"""The command palette: every key's action and every theme, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.book import Book
from tui.foot import Foot
from tui.looks import Looks


class Stock(Protocol):
    """What the palette finds its commands in."""

    book: Book
    foot: Foot
    looks: Looks

    async def run_action(self, action: str) -> bool: ...


class DeskCommands(Provider):
    """What the desk can do, found by any part of its words."""

    async def discover(self) -> Hits:
        for words, run in self._commands():
            yield DiscoveryHit(words, run)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, run in self._commands():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), run, text=words)

    def _commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        desk = cast("Stock", self.app)
        own = front.KEYS if (front := desk.book.front) else ()
        for key in desk.foot.offered():
            yield (
                desk.foot.words_of(key),
                partial(desk.run_action, f"screen.{key.action}" if key in own else key.action),
            )
        for name in desk.looks.names:
            yield f"Theme: {name}", partial(desk.looks.wear, name)
