"""The control socket: HTTP and WebSocket on a unix socket that only the trader's own user can open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from msgspec.structs import replace

from engine.api.address import listen
from engine.api.asked import Asked, answer, refusal
from engine.api.port import Served
from engine.api.requests import BODY_BYTES, Unfit, other_protocol, parse, unfit
from engine.api.stream import Stream
from engine.protocol import PROTOCOL

PROTOCOL_HEADER: Final = "Ratchet-Protocol"
"""A client that sends its protocol's number with a request is told when it would misread the answer."""

FOR_ALL: Final = {"/v1/hello", "/v1/commands"}
"""What a client of any protocol may ask: who is there, and to halt."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlSocket:
    """The engine's face on a unix socket, from `async with` to its end.

    Entering raises SocketRefused when another engine answers there. `run` must be awaited by an owner: it
    draws the stream.
    """

    def __init__(self, served: Served, path: Path, *, stream: Stream | None = None) -> None:
        self.served = served
        self.path = path
        self.stream = stream or Stream(served)
        self._runner: web.AppRunner | None = None
        self._inode = 0

    async def __aenter__(self) -> Self:
        listening = listen(self.path)
        self._inode = self.path.lstat().st_ino
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        with suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self._inode:
                os.unlink(self.path)  # noqa: PTH108 – one system call on a local folder

    async def run(self) -> None:
        """Feed those who watch. Ends only by cancellation."""
        await self.stream.draw()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_BYTES, middlewares=[_in_sentences, _same_protocol])
        application.add_routes(
            [
                web.get("/v1/hello", self._hello),
                web.get("/v1/snapshot", self._snapshot),
                web.get("/v1/snapshot/brief", self._brief),
                web.get("/v1/stream", self.stream.attend),
                web.get("/v1/orders", self._orders),
                web.get("/v1/why/{name}", self._why),
                web.post("/v1/commands", self._command),
                *Asked(self.served).routes(),
            ]
        )
        application.on_shutdown.append(self._dismiss)
        return application

    async def _dismiss(self, _: web.Application) -> None:
        await self.stream.dismiss()

    async def _hello(self, _: web.Request) -> web.Response:
        return answer(self.served.hello())

    async def _snapshot(self, _: web.Request) -> web.Response:
        return answer(self.served.snapshot())

    async def _brief(self, _: web.Request) -> web.Response:
        """Without the log, which is most of it."""
        return answer(replace(self.served.snapshot(), log=()))

    async def _orders(self, _: web.Request) -> web.Response:
        return answer(self.served.orders())

    async def _why(self, request: web.Request) -> web.Response:
        return answer(await self.served.why(request.match_info["name"]))

    async def _command(self, request: web.Request) -> web.Response:
        """A command, once it has begun, is finished even when its client hangs up."""
        parsed = parse(await request.read(), said=request.headers.get(PROTOCOL_HEADER, ""))
        if isinstance(parsed, Unfit):
            return refusal(parsed)
        return answer(await asyncio.shield(self.served.command(parsed)))


@web.middleware
async def _in_sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal of the socket itself is an Answer with a sentence, too."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        too_large = unfit(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {BODY_BYTES} bytes")
        return refusal(too_large)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        wrong = unfit(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allowed}, not {request.method}")
        return refusal(wrong)
    except web.HTTPNotFound:
        unknown = unfit(
            HTTPStatus.NOT_FOUND,
            f"there is no {request.path}: try /v1/hello, /v1/snapshot, /v1/stream, /v1/orders, "
            "/v1/why/NAME, /v1/preview/SYMBOL/SIDE, /v1/ticket, /v1/history, /v1/equity, /v1/chart/SYMBOL, "
            "/v1/settings or /v1/commands",
        )
        return refusal(unknown)
    except web.HTTPServiceUnavailable as error:
        full = unfit(HTTPStatus.SERVICE_UNAVAILABLE, error.text or "")
        return refusal(full)


@web.middleware
async def _same_protocol(request: web.Request, handler: Handler) -> web.StreamResponse:
    """409 for a client that says that it speaks another protocol, where no one else sees to that."""
    theirs = request.headers.get(PROTOCOL_HEADER, str(PROTOCOL))
    if theirs != str(PROTOCOL) and request.path not in FOR_ALL:
        return refusal(other_protocol(theirs))
    return await handler(request)
