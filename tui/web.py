"""The desk in a browser on this machine, through textual-serve: each visitor gets a desk process of its own.

It listens on loopback only. A page of another site that is open in the same browser could reach loopback too;
so every visit needs the key that was printed in the trader's terminal, a cookie carries it on, and requests
that name another host or come from another origin are refused.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

HOST: Final = "127.0.0.1"
COOKIE: Final = "ratchet-desk"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DeskServer(Server):
    """Serves the desk of one engine. `address` is what the trader opens, with the key in it."""

    def __init__(self, socket: Path, port: int, options: Sequence[str]) -> None:
        command = (sys.executable, "-m", "tui", str(socket), "--by", "desk in a browser", *options)
        super().__init__(shlex.join(command), HOST, port, title="Ratchet", public_url=f"http://{HOST}:{port}")
        self.key = secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        return f"{self.public_url}/?key={self.key}"

    def initialize_logging(self) -> None:
        """What goes wrong is told; who asked for which file is not."""
        logging.basicConfig(level=logging.WARNING, format="%(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """Nothing more to say than the address."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only who holds the key, and only from this page."""
        if request.host != f"{HOST}:{self.port}":
            raise web.HTTPForbidden(text="this desk is at its own address only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="this desk does not talk to other pages")
        if request.path == "/" and "key" in request.query:
            return self._let_in(request.query["key"])
        if not self._is_key(request.cookies.get(COOKIE, "")):
            raise web.HTTPForbidden(text="open the address that `ratchet web` printed: it holds the key")
        return await handler(request)

    def _let_in(self, key: str) -> web.Response:
        """The key leaves the address bar at once and goes into a cookie that no script can read."""
        if not self._is_key(key):
            raise web.HTTPForbidden(
                text="this is not the key of this desk: it changes with each `ratchet web`"
            )
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        answer.set_cookie(COOKIE, self.key, httponly=True, samesite="Strict")
        return answer

    def _is_key(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(), self.key.encode())


def serve_desk(socket: Path, port: int, options: Sequence[str]) -> None:
    """Print the address and what may be done there, and serve until Ctrl-C or SIGTERM. `options` are those of
    `python -m tui`.
    """
    server = DeskServer(socket, port, options)
    may = "to watch only" if "--read-only" in options else "and whoever has this address can trade"
    print(f"The desk, {may}, until Ctrl-C: {server.address}", flush=True)
    server.serve()
