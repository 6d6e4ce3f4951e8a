"""What the engine shows and does: for the control socket, and for the process at the doors to the network."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from engine.core.events import SignalHeard
from engine.protocol import (
    Answer,
    ChartView,
    CycleStory,
    CycleView,
    Enter,
    EquityPoint,
    Hello,
    OrderView,
    PreviewView,
    Request,
    SettingsView,
    Side,
    SignalsView,
    Snapshot,
    StoryLine,
    TicketView,
)


class NothingThere(Exception):
    """What was asked for is not there; the text says so and where to look."""


class Behind(Protocol):
    """What the doors to the network need of the engine, which is another process. All of it raises
    `engine.protocol.NotAnswering`.
    """

    async def snapshot(self) -> Snapshot:
        """Everything a screen draws, now, but for the log."""

    async def orders(self) -> tuple[OrderView, ...]:
        """The orders that rest on the exchange."""

    async def why(self, name: str) -> tuple[StoryLine, ...]:
        """The story of a symbol, a cycle or an order id; empty when the journal knows none."""

    async def history(self) -> tuple[CycleView, ...]:
        """The cycles of the journal, newest first."""

    async def signals(self) -> SignalsView:
        """What came from outside, newest first, and the regimes."""

    async def command(self, request: Request) -> Answer:
        """Decide a command and make it durable; the same id again is done once. Whether a command that was
        not answered is carried out, nobody knows: ask again with the same id.
        """

    async def heard(self, signal: SignalHeard) -> Answer:
        """Journal a signal from outside, and what became of it, durably. What is not answered may be told
        again: the same nonce is journalled once.
        """


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

    def preview(self, symbol: str, side: Side, parts: tuple[Decimal, ...]) -> PreviewView:
        """What each stop mode and each reduce would do. Raises NothingThere for what is not under care."""

    def ticket(self, enter: Enter) -> TicketView:
        """What an entry would do; nothing is sent."""

    async def history(self) -> tuple[CycleView, ...]:
        """The cycles of the journal, newest first."""

    async def cycle(self, name: str) -> CycleStory:
        """One of them with all that happened in it. Raises NothingThere."""

    async def equity(self) -> tuple[EquityPoint, ...]:
        """The equity curve, oldest first."""

    async def signals(self) -> SignalsView:
        """What came from outside, newest first, and the regimes."""

    def regimes(self) -> SignalsView:
        """The regimes and the sources, without what came."""

    async def heard(self, signal: SignalHeard) -> None:
        """A signal came from outside, and this became of it: into the journal with it, durably, and once for
        one nonce. Raises NotAnswering while nothing can be recorded.
        """

    async def chart(self, symbol: str) -> ChartView:
        """The marks of a symbol by the minute, and the fills of its open cycles."""

    def settings(self) -> SettingsView:
        """Every option and where its value comes from."""
