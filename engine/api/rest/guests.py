"""Connections from the network: not too many, and none that keeps a place while it says nothing."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

MOST: Final = 256
"""Connections at the same time. The engine's own links need their descriptors, too."""

SILENT_S: Final = 15.0
"""How long a connection may be open without a whole request."""


class TurnedAway(asyncio.Protocol):
    """A connection too many: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class Guests:
    """Makes the protocol of each new connection, and ends those that are silent."""

    def __init__(self, server: web.Server, *, most: int = MOST, silent_s: float = SILENT_S) -> None:
        self.most = most
        self.silent_s = silent_s
        self.turned_away = 0
        self.cut_off = 0
        self._server = server
        self._heard: dict[asyncio.BaseProtocol, float] = {}
        self._busy: set[asyncio.BaseProtocol] = set()

    def __repr__(self) -> str:
        here = len(self._server.connections)
        return f"<Guests {here} here, {self.turned_away} turned away, {self.cut_off} cut off>"

    def __call__(self) -> asyncio.Protocol:
        if len(self._server.connections) >= self.most:
            self.turned_away += 1
            return TurnedAway()
        guest = self._server()
        self._heard[guest] = asyncio.get_running_loop().time()
        return guest

    def begins(self, guest: asyncio.BaseProtocol) -> None:
        """A whole request head has come from this guest; until `ends` it may take the time that the answer
        takes.
        """
        self._busy.add(guest)

    def ends(self, guest: asyncio.BaseProtocol) -> None:
        self._busy.discard(guest)
        self._heard[guest] = asyncio.get_running_loop().time()

    async def watch(self) -> None:
        """Cut off the silent ones. Ends only by cancellation."""
        while True:
            await asyncio.sleep(min(1.0, self.silent_s / 4))
            self._sweep(asyncio.get_running_loop().time())

    def _sweep(self, now: float) -> None:
        here = set(self._server.connections)
        for guest, heard in list(self._heard.items()):
            if guest not in here:
                del self._heard[guest]
            elif guest not in self._busy and now - heard > self.silent_s:
                self.cut_off += 1
                guest.force_close()
