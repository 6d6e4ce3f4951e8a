"""The way out of the desk: `q` at once, Ctrl-C at its second press, or when whoever lent it wants it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from textual.app import App
from textual.widgets import Input

from tui.arming import Arming
from tui.client import EngineClient
from tui.leaving import parting
from tui.orders import Orders


class Door:
    """`farewell` is the last line in the trader's shell when the engine ends with the desk; `until` is done
    when the desk has to close. `steady` is a clock in seconds, `told` is called when there is something else
    to tell.
    """

    def __init__(
        self,
        app: App[int],
        client: EngineClient,
        orders: Orders,
        steady: Callable[[], float],
        told: Callable[[], None],
        farewell: str | None = None,
        until: Future[None] | None = None,
    ) -> None:
        self._app = app
        self._client = client
        self._orders = orders
        self._steady = steady
        self._told = told
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
            self._app.copy_to_clipboard(selected)
            self._orders.tell("copy", "on the clipboard, where the terminal allows it")
        elif self._arming.press(self._steady()):
            self.leave()
        else:
            self._told()

    def _selected(self) -> str:
        focused = self._app.focused
        typed = focused.selected_text if isinstance(focused, Input) else ""
        return typed or self._app.screen.get_selected_text() or ""

    def leave(self) -> None:
        """Close the desk, and say in the last line what becomes of the engine."""
        link = self._client.link
        told = parting(link.hello, up=link.is_up) if self._farewell is None else self._farewell
        self._app.exit(0, message=told or None)

    async def wait(self) -> None:
        """Leave once `until` is done, however it ended: that is for whoever waits for it."""
        if self._until is not None:
            done = asyncio.wrap_future(self._until)
            await asyncio.wait((done,))
            done.exception()
            self.leave()
