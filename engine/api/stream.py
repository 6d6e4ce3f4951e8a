"""Snapshots for everybody who watches: drawn at most ten times a second, encoded once, and never queued."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import ClientConnectionError, WSCloseCode, WSMsgType, web

from engine.api.port import Served

INTERVAL_S: Final = 0.1
STALLED_S: Final = 5.0
WATCHERS: Final = 32


class Stream:
    """The newest frame, and one slot for it per watcher: whoever reads slowly skips frames, whoever stops
    reading is cut off.

    Nothing is encoded while nobody watches.
    """

    def __init__(
        self, served: Served, *, interval_s: float = INTERVAL_S, stalled_s: float = STALLED_S
    ) -> None:
        self.served = served
        self.interval_s = interval_s
        self.stalled_s = stalled_s
        self.drawn = 0
        self.cut_off = 0
        self._watchers: set[web.WebSocketResponse] = set()
        self._watched = asyncio.Event()
        self._fresh = asyncio.Event()
        self._frame = b""
        self._version = -1
        self._encoder = msgspec.json.Encoder()

    def __repr__(self) -> str:
        return f"<Stream {self.watchers} watching, {self.drawn} drawn, {self.cut_off} cut off>"

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    async def draw(self) -> None:
        """Draw a frame for each change, at most one an interval, while somebody watches. Ends only by
        cancellation.
        """
        while True:
            await self._watched.wait()
            await self.served.changed(self._version)
            if self._watchers:
                self._redraw()
            await asyncio.sleep(self.interval_s)

    def _redraw(self) -> None:
        snapshot = self.served.snapshot()
        self._version = snapshot.version
        self._frame = self._encoder.encode(snapshot)
        self.drawn += 1
        self._fresh.set()
        self._fresh = asyncio.Event()

    async def attend(self, request: web.Request) -> web.StreamResponse:
        """One watcher, from the handshake until it leaves, stalls, or the engine ends."""
        if self.watchers >= WATCHERS:
            raise web.HTTPServiceUnavailable(text=f"{WATCHERS} clients watch already: close one of them")
        watcher = web.WebSocketResponse(timeout=1.0, compress=False, max_msg_size=1024)
        await watcher.prepare(request)
        self._watchers.add(watcher)
        self._watched.set()
        if not self._frame:
            self._redraw()
        try:
            stalled = await self._attend(watcher)
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._watched.clear()
                self._frame = b""
        if stalled and request.transport is not None:
            self.cut_off += 1
            request.transport.abort()
        return watcher

    async def _attend(self, watcher: web.WebSocketResponse) -> bool:
        """Send and listen until one of them ends; whether the watcher stopped reading."""
        tasks = (
            asyncio.create_task(self._send(watcher), name="frames to a watcher"),
            asyncio.create_task(_listen(watcher), name="words from a watcher"),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0] in done and isinstance(tasks[0].exception(), TimeoutError)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, watcher: web.WebSocketResponse) -> None:
        """Send the newest frame, then each newer one. Raises TimeoutError when the watcher has not read for
        too long.
        """
        sent = b""
        while True:
            fresh = self._fresh
            if self._frame is sent:
                await fresh.wait()
                continue
            sent = self._frame
            try:
                async with asyncio.timeout(self.stalled_s):
                    await watcher.send_frame(sent, WSMsgType.TEXT)
            except ClientConnectionError:
                return

    async def dismiss(self) -> None:
        """Say goodbye to everybody: the engine ends."""
        goodbyes = [
            each.close(code=WSCloseCode.GOING_AWAY, message=b"engine ends") for each in self._watchers
        ]
        await asyncio.gather(*goodbyes, return_exceptions=True)


async def _listen(watcher: web.WebSocketResponse) -> None:
    """Answer pings and notice the goodbye; a watcher has nothing else to say."""
    async for _ in watcher:
        pass
