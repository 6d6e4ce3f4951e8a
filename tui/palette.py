"""The command palette: every key's action and every theme, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from tui.app import RatchetDesk


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
        desk = cast("RatchetDesk", self.app)
        own = desk.page.KEYS if desk.page else ()
        for key in desk.foot.offered():
            yield (
                desk.foot.words_of(key),
                partial(desk.run_action, f"screen.{key.action}" if key in own else key.action),
            )
        for name in desk.looks.names:
            yield f"Theme: {name}", partial(desk.looks.wear, name)
