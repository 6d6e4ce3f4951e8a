"""The desk's end of the engine's control socket: HTTP and one WebSocket over a unix socket.

Frames are kept as they came and decoded when somebody looks: the screen samples four times a second what the
engine sends ten times a second. Nothing here raises for a lost engine; the link says what is known, and a
command gets an honest answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from engine.protocol import PROTOCOL, Answer, AnyCommand, Hello, Request, Snapshot
from tui import wire
from tui.link import Link, LinkState

T = TypeVar("T")

HELLO_S: Final = 3.0
COMMAND_S: Final = 5.0
SILENCE_S: Final = 6.0
MEASURE_S: Final = 5.0
TREMBLE_MS: Final = 20.0
BACK_OFF_S: Final = (0.2, 0.4, 0.8, 1.5, 3.0)


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
        self._frame: tuple[bytes, float] | None = None
        self._arrived = 0.0
        self._snapshot: Snapshot | None = None
        self.frames = 0
        self.known = asyncio.Event()
        """Set once there is something to show: the first frame of all, or why there is none."""
        self.link = Link(since=wall())

    async def watch(self) -> None:
        """Follow the engine until cancelled: greet, stream, and after a loss again, with growing pauses."""
        while True:
            reason = await self._one_visit()
            if self.link.state is not LinkState.FOREIGN:
                self._lose(reason)
            self.known.set()
            pause = self._pauses[min(self.link.retries, len(self._pauses) - 1)]
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - guards nothing
            self.link = replace(self.link, retries=self.link.retries + 1)

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
        body = msgspec.json.encode(Request(id=uuid4().hex, by=self.by, command=command))
        reached = False
        for _ in range(2):
            try:
                async with asyncio.timeout(self._patience_s):
                    reply = await wire.ask(self.socket, "POST", "/v1/commands", body)
                return msgspec.json.decode(reply.body, type=Answer)
            except (TimeoutError, wire.HungUp):
                reached = True
            except wire.Unreached:
                break
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
        try:
            async with asyncio.timeout(self._patience_s):
                reply = await wire.ask(self.socket, "GET" if body is None else "POST", path, body or b"")
            if reply.status != wire.OK:
                raise EngineUnheard(msgspec.json.decode(reply.body, type=Answer).text)
            return msgspec.json.decode(reply.body, type=shape)
        except TimeoutError as error:
            raise EngineUnheard("the engine does not answer") from error
        except wire.Unreached as error:
            raise EngineUnheard(_why_unreached(error, self.socket)) from error
        except wire.HungUp as error:
            raise EngineUnheard(str(error)) from error
        except msgspec.DecodeError as error:
            raise EngineUnheard(f"the engine's answer could not be read: {error}") from error

    async def _one_visit(self) -> str:
        """Greet and stream until something ends it; returns why, in words."""
        try:
            if await self._greet():
                await self._stream()
                return "the engine closed the stream"
        except TimeoutError:
            return "the engine does not answer"
        except wire.Unreached as error:
            return _why_unreached(error, self.socket)
        except wire.HungUp as error:
            return str(error)
        except msgspec.DecodeError as error:
            return f"the engine's hello could not be read: {error}"
        return self.link.reason

    async def _greet(self) -> bool:
        """The version handshake; False when this engine speaks another protocol."""
        begun = self._steady()
        async with asyncio.timeout(HELLO_S):
            body = (await wire.ask(self.socket, "GET", "/v1/hello")).body
        greeting = msgspec.json.decode(body, type=Greeting)
        if greeting.protocol != PROTOCOL:
            self._meet_stranger(greeting)
            return False
        hello = msgspec.json.decode(body, type=Hello)
        took = (self._steady() - begun) * 1000
        self.link = Link(LinkState.UP, self._wall(), 0, "", took, hello)
        return True

    async def _stream(self) -> None:
        due = 0.0
        async with wire.watching(
            self.socket, "/v1/stream", silence_s=SILENCE_S, steady=self._steady, took=self._measured
        ) as stream:
            async for frame in stream.frames():
                now = self._steady()
                self._frame = frame, now
                self.frames += 1
                self.known.set()
                if now >= due:
                    due = now + MEASURE_S
                    stream.measure()

    def _measured(self, took_s: float) -> None:
        """A number that only trembles stays as it is: a quiet screen is not written to for it."""
        took_ms, known = took_s * 1000, self.link.latency_ms
        if known is None or abs(took_ms - known) >= TREMBLE_MS:
            self.link = replace(self.link, latency_ms=took_ms)

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


def _why_unreached(error: wire.Unreached, socket: Path) -> str:
    cause = error.__cause__
    if isinstance(cause, FileNotFoundError):
        return f"no engine at {socket}"
    if isinstance(cause, ConnectionRefusedError):
        return "nobody listens at the engine's socket"
    if isinstance(cause, PermissionError):
        return f"no permission for {socket}: the engine runs as another user"
    return str(error)
