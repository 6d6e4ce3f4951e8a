"""The trader's hand on a simulated exchange: what `ratchet demo` lends to the desk, so that there is somebody
who opens positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.protocol import Side


class Hand(Protocol):
    """Everything a trader does by hand on the exchange's own page. Each call returns a sentence that says
    what happened.

    A call that cannot be done raises `HandRefused` with the reason.
    """

    @property
    def symbols(self) -> Sequence[str]:
        """The contracts that can be opened."""
        ...

    async def open(self, symbol: str, side: Side) -> str:
        """Open a position at market with the configured margin and leverage."""
        ...

    async def close(self, symbol: str) -> str:
        """Close whatever is open on this contract at market."""
        ...

    async def next_move(self) -> str:
        """Let the recorded market run on to its next large move."""
        ...


class HandRefused(Exception):
    """The simulated exchange refused; the text says why and what to do."""


async def lend(hand: Hand, what: str, symbol: str, side: Side | None) -> str:
    """Let the hand do one thing: `open`, `close` or `move`. Raises HandRefused."""
    if what == "open" and side is not None:
        return await hand.open(symbol, side)
    return await (hand.close(symbol) if what == "close" else hand.next_move())
