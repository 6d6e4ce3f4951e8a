"""The face of an engine: a real server on a real unix socket that sends given snapshots and remembers the
commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec
from aiohttp import WSCloseCode, web

from engine.protocol import Answer, AnyCommand, Enter, Hello, Request, Snapshot, TicketView, Verdict
from tests.desk import past
from tests.desk.scenes import HELLO, LIVE


class EngineFace:
    """`async with EngineFace(path) as face`. `answer` decides what a command gets; `deaf` makes commands
    hang.
    """

    def __init__(self, socket: Path, snapshot: Snapshot | None = LIVE, hello: Hello = HELLO) -> None:
        self.socket = socket
        self.snapshot = snapshot
        self.hello = hello
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer] = lambda request: Answer(request.id, Verdict.DONE, "decided")
        self.deaf = asyncio.Event()
        self.heard = asyncio.Event()
        self.greeted = 0
        self.looks: dict[str, object] = dict(past.LOOKS)
        self.ticket: Callable[[Enter], TicketView] = past.ticket
        self.looked: list[str] = []
        self.drop_next = False
        """Hear the next command and hang up instead of answering."""
        self.watchers: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    @property
    def commands(self) -> list[AnyCommand]:
        """What was asked, in order, each request once."""
        by_id = {request.id: request.command for request in self.requests}
        return list(by_id.values())

    async def __aenter__(self) -> EngineFace:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.vanish()

    async def open(self) -> None:
        """Listen, as an engine that has started."""
        app = web.Application()
        app.router.add_get("/v1/hello", self._hello)
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_post("/v1/commands", self._command)
        app.router.add_post("/v1/ticket", self._ticket)
        app.router.add_get("/v1/{what:.+}", self._look)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def vanish(self) -> None:
        """Stop, as an engine that was killed."""
        for watcher in list(self.watchers):
            await watcher.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.socket.unlink(missing_ok=True)

    async def tell(self, snapshot: Snapshot) -> None:
        """Send a snapshot to everybody who watches."""
        self.snapshot = snapshot
        frame = msgspec.json.encode(snapshot).decode()
        for watcher in list(self.watchers):
            await watcher.send_str(frame)

    async def _hello(self, request: web.Request) -> web.Response:
        self.greeted += 1
        return web.Response(body=msgspec.json.encode(self.hello), content_type="application/json")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        self.watchers.add(stream)
        if self.snapshot is not None:
            await stream.send_str(msgspec.json.encode(self.snapshot).decode())
        async for _ in stream:
            pass
        self.watchers.discard(stream)
        return stream

    async def _look(self, request: web.Request) -> web.Response:
        """What is asked once: by its path, or 404 in a sentence."""
        self.looked.append(str(request.rel_url))
        found = self.looks.get(request.path)
        if found is None:
            refusal = Answer("", Verdict.REFUSED, f"there is no {request.path}")
            return web.Response(body=msgspec.json.encode(refusal), status=404)
        value = found(request) if callable(found) else found
        return web.Response(body=msgspec.json.encode(value), content_type="application/json")

    async def _ticket(self, request: web.Request) -> web.Response:
        enter = msgspec.json.decode(await request.read(), type=Enter)
        return web.Response(body=msgspec.json.encode(self.ticket(enter)), content_type="application/json")

    async def _command(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=Request)
        self.requests.append(asked)
        self.heard.set()
        if self.drop_next:
            self.drop_next = False
            assert request.transport is not None
            request.transport.close()
        if self.deaf.is_set():
            await asyncio.sleep(3600)
        return web.Response(body=msgspec.json.encode(self.answer(asked)), content_type="application/json")
