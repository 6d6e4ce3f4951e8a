"""HTTP and a WebSocket over the engine's unix socket, as much of both as our own engine speaks.

A desk must be up at once and small: a client library for the whole web would cost it a fifth of a second and
a quarter of its memory before the first number is drawn.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket
from typing import Final, NamedTuple

LARGEST: Final = 16 * 1024 * 1024
"""No answer and no frame of an engine is larger."""

QUEUE_S: Final = 0.02
"""How soon a place in a full queue is tried for again."""

HEAD: Final = 64 * 1024
OK: Final = 200
SWITCHING: Final = 101
MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3: what proves that the other side understood the handshake."""

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


class Unreached(Exception):
    """Nobody took the call, so that nothing was sent; the cause is the system's own error."""


class HungUp(Exception):
    """Somebody took the call and broke it off, or does not speak as an engine does; the text says how."""


class Reply(NamedTuple):
    """What the engine said."""

    status: int
    body: bytes


async def ask(socket: Path, method: str, target: str, body: bytes = b"") -> Reply:
    """One question on a connection of its own. Raises Unreached or HungUp; set a timeout around it."""
    async with _call(socket) as (reader, writer):
        writer.write(_request(method, target, {"Connection": "close"}, body))
        status, headers = await _head(reader)
        return Reply(status, await _body(reader, headers))


class Stream:
    """The engine's frames, as they come. `took` is told the seconds of each round trip that is measured."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        silence_s: float,
        steady: Callable[[], float],
        took: Callable[[float], None],
    ) -> None:
        self._reader, self._writer, self._silence_s = reader, writer, silence_s
        self._steady, self._took, self._asked = steady, took, 0.0
        self._held = bytearray()

    def measure(self) -> None:
        """Ask for a sign of life, and measure how long it takes."""
        self._asked = self._steady()
        self._send(PING, b"alive?")

    async def frames(self) -> AsyncIterator[bytes]:
        """Every message whole, until the engine says goodbye. Raises HungUp when it leaves without, and
        TimeoutError when it is silent and does not answer a ping either.
        """
        parts: list[bytes] = []
        while True:
            first, second = await self._lead()
            payload = await self._payload(second)
            kind = first & 0x0F
            if kind == CLOSE:
                self._send(CLOSE, payload[:2])
                return
            if kind == PING:
                self._send(PONG, payload[:125])
            elif kind == PONG:
                self._took(self._steady() - self._asked)
            else:
                parts.append(payload)
                if first & 0x80:
                    yield parts[0] if len(parts) == 1 else b"".join(parts)
                    parts = []

    async def _lead(self) -> bytes:
        """The first two bytes of a frame. After a silence the engine is asked whether it lives."""
        try:
            return await self._read(2)
        except TimeoutError:
            self.measure()
            return await self._read(2)

    async def _payload(self, second: int) -> bytes:
        if second & 0x80:
            raise HungUp("the engine sent a masked frame: something else listens at its socket")
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self._read(2 if size == 126 else 8), "big")
        if size > LARGEST:
            raise HungUp(f"the engine sent a frame of {size:,} bytes")
        return await self._read(size)

    async def _read(self, count: int) -> bytes:
        """The next bytes. What came with others waits here: a frame in one piece is one wait."""
        while len(self._held) < count:
            async with asyncio.timeout(self._silence_s):
                more = await self._reader.read(HEAD)
            if not more:
                raise asyncio.IncompleteReadError(bytes(self._held), count)
            self._held += more
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _send(self, kind: int, payload: bytes) -> None:
        """A small frame, masked as a client's must be."""
        mask = os.urandom(4)
        veiled = bytes(byte ^ mask[k % 4] for k, byte in enumerate(payload))
        self._writer.write(bytes((0x80 | kind, 0x80 | len(payload))) + mask + veiled)


@asynccontextmanager
async def watching(
    socket: Path,
    target: str,
    *,
    silence_s: float,
    steady: Callable[[], float] = time.monotonic,
    took: Callable[[float], None] = lambda _: None,
) -> AsyncIterator[Stream]:
    """A WebSocket on the engine. Raises Unreached or HungUp, also when the engine lets nobody more in."""
    key = base64.b64encode(os.urandom(16))
    wishes = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key.decode(),
    }
    async with _call(socket) as (reader, writer):
        writer.write(_request("GET", target, wishes))
        async with asyncio.timeout(silence_s):
            status, headers = await _head(reader)
            if status != SWITCHING:
                said = (await _body(reader, headers)).decode(errors="replace")
                raise HungUp(f"the engine lets nobody watch ({status}): {said[:200]}")
        proof = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest()).decode()
        if headers.get("sec-websocket-accept") != proof:
            raise HungUp("what answers at the engine's socket is no engine")
        yield Stream(reader, writer, silence_s=silence_s, steady=steady, took=took)


@asynccontextmanager
async def _call(socket: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        line = await _line(socket)
    except OSError as error:
        raise Unreached(str(error)) from error
    reader, writer = await asyncio.open_unix_connection(sock=line, limit=HEAD)
    try:
        yield reader, writer
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
        raise HungUp("the engine hung up") from error
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _line(socket: Path) -> Socket:
    """A connection. Where the engine's queue is full we wait for a place: to asyncio a full queue is as good
    as a connection.
    """
    line = Socket(AF_UNIX)
    try:
        line.setblocking(False)
        while True:
            try:
                line.connect(str(socket))
            except BlockingIOError:
                await asyncio.sleep(QUEUE_S)
            else:
                return line
    except BaseException:
        line.close()
        raise


def _request(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    if not target.isascii() or any(character <= " " for character in target):
        raise ValueError(f"{target!r} is no path")
    told = {"Host": "engine", **headers}
    if body:
        told |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = (f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers, their names in small letters."""
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    words = status_line.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise HungUp(f"what answers at the engine's socket does not speak HTTP: {status_line[:80]!r}")
    pairs = (line.partition(":") for line in lines if line)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """As long as the engine said that it is."""
    size = headers.get("content-length", "")
    if not size.isdigit() or int(size) > LARGEST:
        raise HungUp(f"the engine sent an answer of {size or 'unknown'} bytes")
    return await reader.readexactly(int(size))
