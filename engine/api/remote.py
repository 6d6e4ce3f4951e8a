"""The engine as another process asks it: every answer is one request over the control socket."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

from engine.core.events import SignalHeard
from engine.protocol import (
    Answer,
    CycleView,
    NotAnswering,
    OrderView,
    Request,
    SignalsView,
    Snapshot,
    StoryLine,
)

ANSWER_S: Final = 5.0
DECIDE_S: Final = 60.0
"""How long a command may wait for its decision: a disk that mends itself takes its time."""

AT_ONCE: Final = 1
"""Questions on their way at the same time: between two of them the engine turns to whatever else has come."""

T = TypeVar("T")


class Remote:
    """Implements `engine.api.port.Behind`, from `async with` to its end. Every call raises NotAnswering when
    there is no answer.
    """

    def __init__(self, socket: Path, *, answer_s: float = ANSWER_S) -> None:
        self.socket = socket
        self._answer_s = answer_s
        self._session: ClientSession | None = None
        self._turn = asyncio.Semaphore(AT_ONCE)

    def __repr__(self) -> str:
        return f"<Remote {self.socket}>"

    async def __aenter__(self) -> Self:
        # commands do not wait for a free connection: looking may be slow, halting must not be
        self._session = ClientSession("http://engine", connector=UnixConnector(str(self.socket), limit=0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def snapshot(self) -> Snapshot:
        return await self._look("/v1/snapshot/brief", Snapshot)

    async def orders(self) -> tuple[OrderView, ...]:
        return await self._look("/v1/orders", tuple[OrderView, ...])

    async def why(self, name: str) -> tuple[StoryLine, ...]:
        return await self._look(f"/v1/why/{quote(name, safe='')}", tuple[StoryLine, ...])

    async def history(self) -> tuple[CycleView, ...]:
        return await self._look("/v1/history", tuple[CycleView, ...])

    async def signals(self) -> SignalsView:
        return await self._look("/v1/signals", SignalsView)

    async def regimes(self) -> SignalsView:
        """The regimes and the sources, without what came."""
        return await self._look("/v1/regimes", SignalsView)

    async def command(self, request: Request) -> Answer:
        return await self._ask("POST", "/v1/commands", Answer, request, DECIDE_S)

    async def heard(self, signal: SignalHeard) -> Answer:
        return await self._ask("POST", "/v1/signals", Answer, signal, self._answer_s)

    async def _look(self, path: str, shape: type[T]) -> T:
        """Waiting for its turn is waiting for the engine, too."""
        try:
            async with asyncio.timeout(self._answer_s), self._turn:
                return await self._ask("GET", path, shape, None, self._answer_s)
        except TimeoutError:
            raise self._silent(self._answer_s) from None

    async def _ask(self, method: str, path: str, shape: type[T], body: object, within_s: float) -> T:
        assert self._session is not None, "enter the remote first"
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method, path, data=data, timeout=ClientTimeout(within_s)
            ) as reply:
                said = await reply.read()
                if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    raise NotAnswering(msgspec.json.decode(said, type=Answer).text)
                return msgspec.json.decode(said, type=shape if reply.status == 200 else _no_answer(shape))
        except TimeoutError:
            raise self._silent(within_s) from None
        except ClientError:
            raise NotAnswering("the engine does not answer") from None
        except msgspec.DecodeError as error:
            raise NotAnswering(f"the engine's answer cannot be read ({error})") from None

    @staticmethod
    def _silent(within_s: float) -> NotAnswering:
        return NotAnswering(f"the engine did not answer within {within_s:g} s")


def _no_answer(shape: type[T]) -> type[T]:
    """A refusal of the socket itself is an Answer, and for a command that is what was asked for."""
    if shape is not Answer:
        raise NotAnswering("the engine refuses to be asked")
    return shape
