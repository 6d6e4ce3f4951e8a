"""The trader's hand on a simulated exchange, while the desk has it: its menu, and what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from tui.client import EngineClient
from tui.hand import Hand, HandRefused, lend
from tui.orders import Orders

if TYPE_CHECKING:
    from tui.screens.hand_menu import Choice


class Lending:
    """Only a demo lends a hand; where nobody does, nothing happens."""

    def __init__(self, app: App[int], client: EngineClient, orders: Orders, hand: Hand | None) -> None:
        self._app = app
        self._client = client
        self._orders = orders
        self._hand = hand

    @property
    def is_possible(self) -> bool:
        """Whether there is a hand, an engine on a simulated exchange, and leave to act."""
        hello = self._client.link.hello
        return self._hand is not None and hello is not None and hello.hand and not self._orders.read_only

    def open(self) -> None:
        """The hand's menu."""
        if self._hand is not None and self.is_possible:
            from tui.screens.hand_menu import HandMenu

            self._app.push_screen(HandMenu(self._hand), self._use)

    def _use(self, choice: Choice | None) -> None:
        if choice is not None and self._hand is not None:
            self._app.run_worker(self._lend(self._hand, choice), group="hand", exit_on_error=True)

    async def _lend(self, hand: Hand, choice: Choice) -> None:
        words = f"hand: {' '.join(str(word) for word in choice if word)}"
        self._orders.begin(words)
        try:
            told = await lend(hand, *choice)
        except HandRefused as error:
            self._orders.refuse(words, str(error))
        else:
            self._orders.tell(words, told)
