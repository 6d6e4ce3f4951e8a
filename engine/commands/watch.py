"""`ratchet watch`: every change as a line, over engine restarts, until Ctrl-C or until nobody reads the
pipe.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, UnixConnector, WSMsgType, WSServerHandshakeError

from engine.commands.figures import clock
from engine.commands.plain import beginning, changes, numbers
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE, refused, wrong
from engine.config.paths import find_paths
from engine.core.words import span
from engine.protocol import PROTOCOL, Hello, Snapshot

RETRY_S: Final = 0.5
SILENT_S: Final = 10.0
GONE: Final = "ENGINE GONE: nothing is known from here on; stops that rest on Bitget stay there; trying again"


def run(arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.every < float("inf"):
        return wrong("--every takes a number of seconds, 0 for never")
    hello = engine_of(arguments).hello()
    if not isinstance(hello, Hello):
        return unread(hello)
    if hello.protocol != PROTOCOL:
        return refused(
            f"this `ratchet` speaks protocol {PROTOCOL}, the engine {hello.protocol}: use one of both"
        )
    try:
        return asyncio.run(_until_unread(Watch(find_paths(arguments.home).socket, arguments.every)))
    except KeyboardInterrupt:
        return DONE


async def _until_unread(watch: Watch) -> int:
    """Watch; end when the pipe has no reader any more, which a quiet market would not show by itself."""
    watching = asyncio.create_task(watch.run())
    while not watching.done():
        await asyncio.wait((watching,), timeout=0.5)
        if not _is_read():
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            return DONE
    return await watching


def _is_read() -> bool:
    """Whether somebody still holds the other end of our standard output."""
    with suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return True


class Watch:
    """One watcher: what it told last, and since when the engine is gone."""

    def __init__(self, socket: Path, every_s: float) -> None:
        self.socket = socket
        self.every_s = every_s
        self.last: Snapshot | None = None
        self.gone_since = 0.0
        self.told_numbers = time.monotonic()

    async def run(self) -> int:
        """Follow the stream, and the next one after an engine restart. Returns an exit code when the engine
        refuses us.
        """
        while True:
            try:
                door = UnixConnector(str(self.socket))
                async with ClientSession("http://engine", connector=door) as session:
                    await self._follow(session)
            except WSServerHandshakeError as error:
                if error.status == 409:
                    return refused("the engine is of another version now: watch again with its own `ratchet`")
            except (ClientError, OSError, TimeoutError):
                pass
            self._gone()
            await asyncio.sleep(RETRY_S)

    async def _follow(self, session: ClientSession) -> None:
        """One connection, to its end. A ping every few seconds finds an engine that hangs."""
        ours = {"Ratchet-Protocol": str(PROTOCOL)}
        joining = session.ws_connect("/v1/stream", headers=ours, heartbeat=SILENT_S, max_msg_size=0)
        async with joining as stream:
            async for message in stream:
                if message.type is not WSMsgType.TEXT:
                    return
                self._tell(msgspec.json.decode(message.data, type=Snapshot))

    def _tell(self, now: Snapshot) -> None:
        if self.gone_since:
            away = span(int((time.monotonic() - self.gone_since) * 1000))
            say(now.engine.now, [f"engine back after {away}"])
            self.gone_since = 0.0
        say(now.engine.now, beginning(now) if self.last is None else changes(self.last, now))
        self.last = now
        if self.every_s and time.monotonic() - self.told_numbers >= self.every_s:
            self.told_numbers = time.monotonic()
            say(now.engine.now, numbers(now))

    def _gone(self) -> None:
        if not self.gone_since:
            self.gone_since = time.monotonic()
            say(int(time.time() * 1000), [GONE])


def say(at: int, lines: Iterable[str]) -> None:
    """Each line with its time (UTC), at once."""
    for line in lines:
        print(f"{clock(at)} {line}", flush=True)
