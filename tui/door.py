"""The way out of the desk: `q` at once, Ctrl-C at its second press, or when whoever lent it wants it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from textual.widgets import Input

from tui.arming import Arming
from tui.leaving import parting

if TYPE_CHECKING:
    from tui.app import RatchetDesk


class Door:
    """`farewell` is the last line in the trader's shell when the engine ends with the desk; `until` is done
    when the desk has to close. `steady` is a clock in seconds.
    """

    def __init__(
        self,
        desk: RatchetDesk,
        steady: Callable[[], float],
        farewell: str | None = None,
        until: Future[None] | None = None,
    ) -> None:
        self._desk = desk
        self._steady = steady
        self._farewell = farewell
        self._until = until
        self._arming = Arming()

    @property
    def is_ajar(self) -> bool:
        """Whether one more Ctrl-C leaves."""
        return self._arming.is_armed(self._steady())

    @property
    def ends_engine(self) -> bool:
        """Whether the engine ends with the desk."""
        return self._farewell is not None

    def interrupt(self) -> None:
        """Ctrl-C: copies what is selected, else leaves at the second press. Never by accident, never deaf."""
        if selected := self._selected():
            self._desk.copy_to_clipboard(selected)
            self._desk.orders.tell("copy", "on the clipboard, where the terminal allows it")
        elif self._arming.press(self._steady()):
            self.leave()
        else:
            self._desk.show_foot()

    def _selected(self) -> str:
        focused = self._desk.focused
        typed = focused.selected_text if isinstance(focused, Input) else ""
        return typed or self._desk.screen.get_selected_text() or ""

    def leave(self) -> None:
        """Close the desk, and say in the last line what becomes of the engine."""
        link = self._desk.client.link
        told = parting(link.hello, up=link.is_up) if self._farewell is None else self._farewell
        self._desk.exit(0, message=told or None)

    async def wait(self) -> None:
        """Leave once `until` is done, however it ended: that is for whoever waits for it."""
        if self._until is not None:
            done = asyncio.wrap_future(self._until)
            await asyncio.wait((done,))
            done.exception()
            self.leave()
