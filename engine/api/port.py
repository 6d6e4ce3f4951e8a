"""What the engine shows and does for its clients: the one thing that the control socket knows of it."""

from __future__ import annotations

from typing import Protocol

from engine.protocol import Answer, Hello, OrderView, Request, Snapshot, StoryLine


class Served(Protocol):
    """The engine's face. All of it is called from the engine's own event loop and returns without waiting
    for the exchange.
    """

    @property
    def version(self) -> int:
        """The version of the newest snapshot; grows with every change."""

    def hello(self) -> Hello:
        """Who answers."""

    def snapshot(self) -> Snapshot:
        """Everything a screen draws, now."""

    async def changed(self, after: int) -> int:
        """Wait until the version is beyond `after`, and return it. Any number of waiters, each may be
        cancelled.
        """

    async def command(self, request: Request) -> Answer:
        """Decide a command and make the decision durable. The same request id again gives the same answer
        and is done once.
        """

    def orders(self) -> tuple[OrderView, ...]:
        """The orders that rest on the exchange."""

    async def why(self, name: str) -> list[StoryLine]:
        """The story of a symbol, a cycle or an order id; empty when the journal knows none."""
