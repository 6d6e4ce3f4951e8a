"""A connection kept open for what has to go at once: its bytes are ready, and one write sends them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import h11

from engine.venue.signing import Signed

LOOK_S: Final = 1.0
OPENING_S: Final = 5.0
WANTED_S: Final = 5.0
"""How long after the newest letter it is kept."""

IDLE_S: Final = 30.0
"""How long it may lie unused: what stands between here and the exchange forgets silent connections."""

CHUNK: Final = 65_536


class Letter(NamedTuple):
    """A request as bytes, and the talk that reads its answer. Sent once; its repr shows no secret."""

    text: bytes
    talk: h11.Connection

    def __repr__(self) -> str:
        return f"<Letter, {len(self.text)} bytes>"


class Line:
    """One HTTP/1.1 connection to `base` (`https://host`), kept by `keep` while letters are written for it.

    It carries one request at a time: while it `is_free` somebody may `ask`. Nothing here retries.
    """

    def __init__(self, base: str, secure: Callable[[], ssl.SSLContext]) -> None:
        address = urlsplit(base)
        self._host, self._is_secure = address.hostname or "", address.scheme == "https"
        self._port = address.port or (443 if self._is_secure else 80)
        self._name = address.netloc
        self._secure = secure
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._busy = False
        self._written = self._used = -math.inf

    @property
    def is_free(self) -> bool:
        """Whether it is open, as far as this side can know, and nobody speaks."""
        return self._ends is not None and not self._busy and not self._ends[0].at_eof()

    def letter(self, signed: Signed) -> Letter:
        """The bytes of a request. Raises ValueError for what no header can carry."""
        self._written = time.monotonic()
        talk = h11.Connection(h11.CLIENT)
        body = signed.body or b""
        headers = [("Host", self._name), *signed.headers.items(), ("Content-Length", str(len(body)))]
        plain = [(name, value) for name, value in headers if name != "Accept-Encoding"]
        try:
            head = talk.send(h11.Request(method=signed.method, target=signed.target, headers=plain))
        except h11.LocalProtocolError as error:
            raise ValueError(str(error)) from None
        parts = (head, talk.send(h11.Data(body)), talk.send(h11.EndOfMessage()))
        return Letter(b"".join(part or b"" for part in parts), talk)

    async def ask(self, letter: Letter) -> tuple[int, bytes]:
        """Send it; the status and the body of the answer. To be called only while the line `is_free`.

        Raises OSError when the connection ends before the answer is whole. It has no time limit of its own.
        """
        assert self._ends is not None
        reader, writer = self._ends
        self._busy = True
        try:
            writer.write(letter.text)
            answer = await _answer(reader, letter.talk)
        except h11.RemoteProtocolError:
            self._hang_up()
            raise ConnectionError("the answer was cut off, or was no HTTP") from None
        except BaseException:
            # what comes now would be taken for the answer to the next one
            self._hang_up()
            raise
        finally:
            self._busy = False
        self._used = time.monotonic()
        if letter.talk.our_state is not h11.DONE or letter.talk.their_state is not h11.DONE:
            self._hang_up()
        return answer

    async def keep(self) -> None:
        """Have it open while it is wanted. Ends only by cancellation, and takes the connection with it."""
        try:
            while True:
                if not self._busy and not (self._is_wanted and self.is_free and self._is_young):
                    await self._renew()
                await asyncio.sleep(LOOK_S)
        finally:
            self._hang_up()

    @property
    def _is_wanted(self) -> bool:
        return time.monotonic() - self._written < WANTED_S

    @property
    def _is_young(self) -> bool:
        return time.monotonic() - self._used < IDLE_S

    async def _renew(self) -> None:
        """A new connection in the place of the old one; where there is none, others carry what it would."""
        ends = None
        if self._is_wanted:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(OPENING_S):
                    ends = await asyncio.open_connection(
                        self._host, self._port, ssl=self._secure() if self._is_secure else None
                    )
        if not self._busy:
            self._hang_up()
            self._ends, self._used = ends, time.monotonic()
        elif ends is not None:
            ends[1].close()

    def _hang_up(self) -> None:
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None


async def _answer(reader: asyncio.StreamReader, talk: h11.Connection) -> tuple[int, bytes]:
    status, body = 0, b""
    while True:
        match talk.next_event():
            case h11.NEED_DATA:
                talk.receive_data(await reader.read(CHUNK))
            case h11.Response() as head:
                status = head.status_code
            case h11.Data() as data:
                body += data.data
            case h11.EndOfMessage():
                return status, body
