"""The desk's end of the engine's control socket: HTTP and one WebSocket over a unix socket.

Frames are kept as they came and decoded when somebody looks: the screen samples four times a second what the
engine sends ten
times a second. Nothing here raises for a lost engine; the link says what is known, and a command gets an
honest answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

import msgspec

from engine.protocol import PROTOCOL, Answer, AnyCommand, Hello, Request, Snapshot
from tui.link import Link, LinkState

if TYPE_CHECKING:
    from aiohttp import ClientSession

T = TypeVar("T")

HELLO_S: Final = 3.0
COMMAND_S: Final = 5.0
SILENCE_S: Final = 6.0
BACK_OFF_S: Final = (0.2, 0.4, 0.8, 1.5, 3.0)
LARGEST_FRAME: Final = 16 * 1024 * 1024


class EngineUnheard(Exception):
    """A command got no answer. The text says whether it can have been done."""


class Greeting(msgspec.Struct):
    """The part of a hello that every version shares."""

    protocol: int
    version: str = "unknown"


class EngineClient:
    """One engine, watched and commanded. `wall` is milliseconds UTC, `steady` seconds that never jump.

    `pauses` are the seconds before each new try, the last one for all that follow; `patience_s` is
    how long one try of a command may take.
    """

    def __init__(
        self,
        socket: Path,
        *,
        by: str = "desk",
        steady: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        pauses: Sequence[float] = BACK_OFF_S,
        patience_s: float = COMMAND_S,
    ) -> None:
        self.socket = socket
        self.by = by
        self._pauses = pauses
        self._patience_s = patience_s
        self._steady = steady
        self._wall = wall
        self._session: ClientSession | None = None
        self._frame: tuple[bytes, float] | None = None
        self._arrived = 0.0
        self._snapshot: Snapshot | None = None
        self.frames = 0
        self.link = Link(since=wall())

    async def watch(self) -> None:
        """Follow the engine until cancelled: greet, stream, and after a loss again, with growing pauses."""
        try:
            while True:
                reason = await self._one_visit()
                if self.link.state is not LinkState.FOREIGN:
                    self._lose(reason)
                pause = self._pauses[min(self.link.retries, len(self._pauses) - 1)]
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - guards nothing
                self.link = replace(self.link, retries=self.link.retries + 1)
        finally:
            await self.close()

    def newest(self) -> tuple[Snapshot | None, int]:
        """The newest snapshot and the milliseconds since it arrived."""
        if self._frame is not None:
            (frame, arrived), self._frame = self._frame, None
            try:
                self._snapshot = msgspec.json.decode(frame, type=Snapshot)
                self._arrived = arrived
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self.link = replace(self.link, reason=f"a snapshot could not be read: {error}")
        return self._snapshot, round((self._steady() - self._arrived) * 1000) if self._snapshot else 0

    async def send(self, command: AnyCommand) -> Answer:
        """Send a command and wait for the engine's answer. The id makes a second try harmless.

        Raises:
            EngineUnheard: when no answer came; the text says whether the command can have arrived.
        """
        request = Request(id=uuid4().hex, by=self.by, command=command)
        reached = False
        for _ in range(2):
            try:
                async with asyncio.timeout(self._patience_s):
                    return await self._post(request)
            except TimeoutError:
                reached = True
            except ConnectionRefusedError:
                break
            except ConnectionError:
                reached = True
            except msgspec.DecodeError as error:
                raise EngineUnheard(
                    f"the engine's answer could not be read ({error}): look at the log"
                ) from error
        if reached:
            raise EngineUnheard("sent, but the engine did not answer: it may or may not have been done")
        raise EngineUnheard("NOT SENT: the engine is gone; stops on the exchange stay")

    async def look(self, path: str, shape: type[T], *, body: bytes | None = None) -> T:
        """What the engine answers to one question; with a `body` it is posted. Nothing is changed by it.

        Raises:
            EngineUnheard: when no answer came, or a refusal; the text says which.
        """
        import aiohttp

        session = await self._open()
        try:
            async with (
                asyncio.timeout(self._patience_s),
                session.request(
                    "GET" if body is None else "POST", f"http://engine{path}", data=body
                ) as reply,
            ):
                said = await reply.read()
                if reply.status != HTTPStatus.OK:
                    raise EngineUnheard(msgspec.json.decode(said, type=Answer).text)
                return msgspec.json.decode(said, type=shape)
        except TimeoutError as error:
            raise EngineUnheard("the engine does not answer") from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnheard(_why_unreachable(error, self.socket)) from error
        except msgspec.DecodeError as error:
            raise EngineUnheard(f"the engine's answer could not be read: {error}") from error

    async def close(self) -> None:
        """Let go of the socket."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _one_visit(self) -> str:
        """Greet and stream until something ends it; returns why, in words."""
        import aiohttp

        try:
            if await self._greet():
                await self._stream()
                return "the engine closed the stream"
        except TimeoutError:
            return "the engine does not answer"
        except (aiohttp.ClientError, OSError) as error:
            return _why_unreachable(error, self.socket)
        except msgspec.DecodeError as error:
            return f"the engine's hello could not be read: {error}"
        return self.link.reason

    async def _greet(self) -> bool:
        """The version handshake; False when this engine speaks another protocol."""
        session = await self._open()
        begun = self._steady()
        async with asyncio.timeout(HELLO_S), session.get("http://engine/v1/hello") as response:
            response.raise_for_status()
            body = await response.read()
        greeting = msgspec.json.decode(body, type=Greeting)
        if greeting.protocol != PROTOCOL:
            self._meet_stranger(greeting)
            return False
        hello = msgspec.json.decode(body, type=Hello)
        took = (self._steady() - begun) * 1000
        self.link = Link(LinkState.UP, self._wall(), 0, "", took, hello)
        return True

    async def _stream(self) -> None:
        import aiohttp

        session = await self._open()
        socket = session.ws_connect(
            "http://engine/v1/stream", heartbeat=SILENCE_S, max_msg_size=LARGEST_FRAME
        )
        async with socket as stream:
            async for message in stream:
                if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    data = message.data
                    self._frame = (data.encode() if isinstance(data, str) else data), self._steady()
                    self.frames += 1

    async def _post(self, request: Request) -> Answer:
        import aiohttp

        session = await self._open()
        headers = {"Content-Type": "application/json"}
        try:
            body = msgspec.json.encode(request)
            async with session.post("http://engine/v1/commands", data=body, headers=headers) as response:
                return msgspec.json.decode(await response.read(), type=Answer)
        except aiohttp.ClientConnectorError as error:
            raise ConnectionRefusedError(str(error)) from error
        except aiohttp.ClientError as error:
            raise ConnectionResetError(str(error)) from error

    async def _open(self) -> ClientSession:
        """The session, made at the first need: aiohttp is heavy, and the first picture should not wait for
        it.
        """
        if self._session is None:
            from aiohttp import ClientSession, UnixConnector

            self._session = ClientSession(connector=UnixConnector(str(self.socket)))
        return self._session

    def _lose(self, reason: str) -> None:
        if self.link.state in {LinkState.UP, LinkState.FOREIGN}:
            self.link = replace(self.link, state=LinkState.GONE, since=self._wall(), retries=0, reason=reason)
        else:
            self.link = replace(self.link, reason=reason)

    def _meet_stranger(self, greeting: Greeting) -> None:
        reason = (
            f"The engine is version {greeting.version} and speaks protocol {greeting.protocol}; "
            f"this desk speaks protocol {PROTOCOL}. Install the same version on both sides."
        )
        if self.link.state is not LinkState.FOREIGN:
            self.link = replace(self.link, state=LinkState.FOREIGN, since=self._wall(), retries=0)
        self.link = replace(self.link, reason=reason)


def _why_unreachable(error: Exception, socket: Path) -> str:
    cause = getattr(error, "os_error", error)
    if isinstance(cause, FileNotFoundError):
        return f"no engine at {socket}"
    if isinstance(cause, ConnectionRefusedError):
        return "nobody listens at the engine's socket"
    if isinstance(cause, PermissionError):
        return f"no permission for {socket}: the engine runs as another user"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
