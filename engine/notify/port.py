"""What the runtime offers to those who tell the trader: durable notes, and the engine's face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Protocol

import msgspec

from engine.core.actions import Note
from engine.protocol import Answer, PreviewView, Request, Side, Snapshot, StoryLine


class Happened(msgspec.Struct, frozen=True):
    """What one journal entry tells the trader; `notes` is often empty. `at` is milliseconds UTC."""

    seq: int
    at: int
    notes: tuple[Note, ...]


class Listener(Protocol):
    """Who hears every entry once it is durable."""

    def hear(self, happened: Happened) -> None:
        """Take it in and return at once: orders wait behind this call. Never raises."""

    def cry(self, text: str, at: int) -> None:
        """As `hear`, for what cannot become durable: it is told at once, and keeps nothing on the disk."""


class History(Protocol):
    """What happened before now."""

    def since(self, seq: int) -> AsyncIterator[Happened]:
        """The entries after `seq`, oldest first. Raises what the journal raises when it cannot be read."""


class Desk(Protocol):
    """The engine's face, as far as a phone needs it."""

    def snapshot(self) -> Snapshot:
        """Everything a screen draws, now."""

    def preview(self, symbol: str, side: Side, parts: tuple[Decimal, ...]) -> PreviewView:
        """What other stops, and closing each of these parts, would come to for a position under care that
        the newest snapshot has.
        """

    async def command(self, request: Request) -> Answer:
        """Decide a command and make the decision durable; the same request id is done once."""

    async def why(self, name: str) -> list[StoryLine]:
        """The story of a symbol, a cycle or an order id."""
