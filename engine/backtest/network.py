"""What lies between the engine and an exchange in the same process: who is answered when, what gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

Params = Mapping[str, Any]


class Network(Protocol):
    """Carries requests, frames and connections. Time is the event loop's: what waits sleeps there."""

    async def carry(self, method: str, path: str, params: Params, reach: Callable[[], Any]) -> Any:
        """Take a request to the exchange, which answers `reach()` with the data, and bring that back.

        Raises NoAnswer when it, or its answer, was lost, and whatever `reach` raised when that came through.
        """

    def bring(self, channel: str, symbol: str, frame: str, tell: Callable[[str], None]) -> None:
        """Bring a frame of a websocket: call `tell(frame)` once, late, never or more than once.

        `channel` is Bitget's name of it, `ticker` for a price; `symbol` is empty for a frame about the
        account.
        """

    async def connected(self, link: str) -> None:
        """Return when the websocket `link` (public, private) is connected."""

    async def lost(self, link: str) -> str:
        """Return, with the reason, when a connected websocket was lost."""


class Direct:
    """A network without faults. `delay_s` passes on each way of a request and before a frame arrives."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s

    async def carry(self, method: str, path: str, params: Params, reach: Callable[[], Any]) -> Any:
        """There, then back. Raises what `reach` raises."""
        await asyncio.sleep(self._delay_s)
        try:
            return reach()
        finally:
            await asyncio.sleep(self._delay_s)

    def bring(self, channel: str, symbol: str, frame: str, tell: Callable[[str], None]) -> None:
        """At once, or after the delay; frames never overtake each other."""
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, tell, frame)
        else:
            tell(frame)

    async def connected(self, link: str) -> None:
        """At once."""

    async def lost(self, link: str) -> str:
        """Never; ends by cancellation."""
        await asyncio.get_running_loop().create_future()
        return ""
