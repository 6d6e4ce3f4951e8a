"""The server on TCP, from `async with` to its end: its routes, its pages, its gate."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from aiohttp import web

from engine.api.port import Behind
from engine.api.rest import gibberish
from engine.api.rest.desk import Desk
from engine.api.rest.gate import BODY_BYTES, Gate
from engine.api.rest.guests import Guests
from engine.api.rest.metrics import CONTENT_TYPE, prometheus
from engine.api.rest.openapi import document
from engine.api.rest.route import Handler, Route

logger = logging.getLogger("ratchet.rest")

BACKLOG: Final = 256
PAGES: Final = Path(__file__).parent / "pages"
FILES: Final = {
    "/": ("phone.html", "text/html", "Accounts and positions, for a phone"),
    "/phone.css": ("phone.css", "text/css", "How the pages look"),
    "/phone.js": ("phone.js", "text/javascript", "What the page for phones does"),
    "/api": ("api.html", "text/html", "This document, to read"),
    "/api.js": ("api.js", "text/javascript", "What the page to read does"),
}


class RestRefused(Exception):
    """The server cannot listen. The text says why and what to do."""


def listen(bind: str, port: int) -> socket.socket:
    """A listening socket. Raises RestRefused when somebody else listens there."""
    listening = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bind, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise RestRefused(
            f"rest cannot listen on {bind}:{port} ({error.strerror or error}): choose another rest.port, or "
            "end the program that has it"
        ) from error
    listening.setblocking(False)
    return listening


class RestServer:
    """HTTP on `listening`, or on `bind`:`port` (0: any free port; `port` then tells which). Entering raises
    RestRefused when somebody else listens there. `run` must be awaited by an owner. With
    `behind` None only `routes` are answered, beside the page that lists them.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        behind: Behind | None,
        bind: str = "127.0.0.1",
        port: int = 8080,
        tls: ssl.SSLContext | None = None,
        routes: Sequence[Route] = (),
        version: str = "0",
        silent_s: float = 15.0,
        most: int = 256,
        listening: socket.socket | None = None,
    ) -> None:
        self.gate = gate
        self.bind = bind
        self.port = port
        self.tls = tls
        self._desk = Desk(behind, version) if behind is not None else None
        self._silent_s, self._most = silent_s, most
        self._runner: web.AppRunner | None = None
        self._taken = listening
        self._listening: asyncio.Server | None = None
        self._routes = (*self._own_routes(), *routes)
        self.document = msgspec.json.encode(document(self._routes, version))

    def __repr__(self) -> str:
        return f"<RestServer {self.url}, {self.gate!r}>"

    @property
    def url(self) -> str:
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self.gate.judge], client_max_size=BODY_BYTES)
        for route in self._routes:
            application.router.add_route(route.method, route.path, self.gate.guarded(route))
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=gibberish.logger,
            shutdown_timeout=0.5,
            keepalive_timeout=4 * self._silent_s,
            lingering_time=1.0,
            auto_decompress=False,
        )
        taken = self._taken or listen(self.bind, self.port)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self.gate.guests = Guests(server, silent_s=self._silent_s, most=self._most)
        self._listening = await asyncio.get_running_loop().create_server(
            self.gate.guests,
            sock=taken,
            ssl=self.tls,
            ssl_handshake_timeout=5.0 if self.tls else None,
            backlog=BACKLOG,
        )
        self.port = taken.getsockname()[1]
        logger.info("listening on %s", self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def run(self) -> None:
        """Watch over the connections. Ends only by cancellation."""
        assert self.gate.guests is not None, "enter the server first"
        await self.gate.guests.watch()

    def _own_routes(self) -> tuple[Route, ...]:
        pages = (
            Route("GET", path, _page(PAGES / name, kind), meaning, kind, needs=None)
            for path, (name, kind, meaning) in FILES.items()
            if self._desk is not None or path.startswith("/api") or path.endswith(".css")
        )
        document = Route("GET", "/api/openapi.json", self._show_document, "This document", dict, needs=None)
        if self._desk is None:
            return (document, *pages)
        metrics = Route("GET", "/metrics", self._metrics, "Prometheus metrics", "text/plain")
        return (*self._desk.routes(), metrics, document, *pages)

    async def _show_document(self, _: web.Request) -> web.Response:
        return web.Response(body=self.document, content_type="application/json")

    async def _metrics(self, _: web.Request) -> web.Response:
        assert self._desk is not None
        text = prometheus(await self._desk.snapshot.get(), dict(self.gate.answered))
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def _page(file: Path, kind: str) -> Handler:
    body = file.read_bytes()

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return show
