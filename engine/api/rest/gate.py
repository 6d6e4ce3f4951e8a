"""What every request passes: is it whole, who asks, how often, and a line about it in the log."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.web_exceptions import HTTPException

from engine.api.rest.guests import Guests
from engine.api.rest.pace import Pace
from engine.api.rest.route import Handler, Route, refused
from engine.api.rest.tokens import Scope, Tokens
from engine.protocol import NotAnswering

logger = logging.getLogger("ratchet.rest")

BODY_BYTES: Final = 64 * 1024
BODY_S: Final = 10.0
WRONG_PER_MINUTE: Final = 10
"""Requests without a right token that one address may make; then it is told to wait."""

SCOPE: Final = web.RequestKey("scope", Scope)
"""What the token of this request opens; read where the door is open."""

SAFE: Final[Mapping[str, str]] = {
    "Server": "ratchet",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Judges requests. One for a server."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        per_minute: int,
        open_page: bool,
        body_s: float = BODY_S,
        wrong_per_minute: int = WRONG_PER_MINUTE,
        guests: Guests | None = None,
    ) -> None:
        self.tokens = tokens
        self.open_page = open_page
        self.body_s = body_s
        self.guests = guests
        self.answered: Counter[int] = Counter()
        self._hushed = 0
        self._hushed_at = -1.0
        self._pace = Pace(per_minute, max(10, per_minute // 6))
        self._strangers = Pace(wrong_per_minute, wrong_per_minute)
        self._lines = Pace(60, 100)

    def __repr__(self) -> str:
        return f"<Gate {self.answered.total()} answered, {self.tokens!r}>"

    def guarded(self, route: Route) -> Handler:
        """The route's handler behind this gate."""

        async def handle(request: web.Request) -> web.Response:
            no = self._stopped(route, request)
            if no is None and (no := await self._incomplete(request)) is not None and route.unread:
                await route.unread(request, no.status)
            return no if no is not None else await route.handler(request)

        return handle

    @web.middleware
    async def judge(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Around everything, also what no route answers: refusals as sentences, headers, the log."""
        loop = asyncio.get_running_loop()
        begun, guest = loop.time(), request.protocol
        if self.guests is not None:
            self.guests.begins(guest)
        try:
            response = await self._told(request, handler)
        finally:
            if self.guests is not None:
                self.guests.ends(guest)
        for name, value in SAFE.items():
            response.headers.setdefault(name, value)
        self.answered[response.status] += 1
        self._note(request, response.status, begun, loop.time())
        return response

    def _note(self, request: web.Request, status: int, begun: float, now: float) -> None:
        """A line for each call. Of those that come too often one a second, of strangers who are refused one
        after the other a hundred and then one a second: nobody can flood the log.
        """
        stranger = request.get(SCOPE) is None and status >= HTTPStatus.BAD_REQUEST
        too_often = status == HTTPStatus.TOO_MANY_REQUESTS and now - self._hushed_at < 1
        if too_often or (stranger and self._lines.wait_s("strangers", now)):
            self._hushed += 1
            return
        more = f", and {self._hushed} more that came too often" if self._hushed else ""
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._hushed_at = now
        self._hushed = 0
        scope = request.get(SCOPE)
        logger.info(
            "%s %s %s %s %d %.1f ms%s",
            address(request),
            scope.word if scope else "nobody",
            request.method[:16],
            request.rel_url.raw_path[:120],
            status,
            (now - begun) * 1000,
            more,
        )

    async def _told(self, request: web.Request, handler: Next) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            response = refused(error.status, f"{request.path} takes {allowed}, not {request.method}")
            response.headers["Allow"] = allowed
            return response
        except web.HTTPNotFound:
            return refused(
                HTTPStatus.NOT_FOUND, f"there is no {request.path[:120]}: GET /api/openapi.json lists all"
            )
        except HTTPException as error:
            return refused(error.status, error.reason)
        except NotAnswering as silent:
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{silent}: ask again in a moment")
        except Exception:
            logger.exception("a request broke: %s %s", request.method[:16], request.rel_url.raw_path[:120])
            return refused(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "this request broke something; the log tells what. The engine goes on",
            )

    def _stopped(self, route: Route, request: web.Request) -> web.Response | None:
        """Why this request goes no further; None when it may. A right token is never made to wait for what
        strangers do from the same address.
        """
        scope, at, now = self._scope(route, request), address(request), asyncio.get_running_loop().time()
        if scope is not None:
            request[SCOPE] = scope
        if route.needs is not None and (scope is None or scope < route.needs):
            if wait := self._strangers.wait_s(at, now):
                return _later(wait)
            return _unknown() if scope is None else _beyond(scope, route.needs)
        wait = self._pace.wait_s((scope, at), now) if route.paced else 0
        return _later(wait) if wait else None

    def _scope(self, route: Route, request: web.Request) -> Scope | None:
        given = request.headers.get("Authorization", "")
        if not given and route.on_page and self.open_page and is_at_home(request):
            return Scope.READ
        return self.tokens.scope(given)

    async def _incomplete(self, request: web.Request) -> web.Response | None:
        """Read the whole body, in time. aiohttp keeps it for the handler."""
        if (request.content_length or 0) > BODY_BYTES:
            return _closing(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {BODY_BYTES} bytes")
        try:
            async with asyncio.timeout(self.body_s):
                await request.read()
        except TimeoutError:
            text = f"the body did not come within {self.body_s:g} s"
            return _closing(HTTPStatus.REQUEST_TIMEOUT, text)
        except ConnectionError:
            return _closing(HTTPStatus.BAD_REQUEST, "the connection ended before the whole body came")
        except web.HTTPRequestEntityTooLarge:
            return _closing(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {BODY_BYTES} bytes")
        return None


def address(request: web.Request) -> str:
    """Who is on the other end of the connection. Headers that claim something else are not believed."""
    return request.remote or "unknown"


def is_at_home(request: web.Request) -> bool:
    """Whether the asker sits at this machine: by the connection, by the name it asked for (a page of somebody
    else that resolves to this machine asks under its own), and not through a proxy.
    """
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")):
        return False
    try:
        near = ipaddress.ip_address(address(request)).is_loopback
    except ValueError:
        return False
    host = (request.url.host or "").lower()
    return near and host in {"localhost", "127.0.0.1", "::1"}


def _later(wait_s: float) -> web.Response:
    seconds = math.ceil(wait_s)
    response = refused(HTTPStatus.TOO_MANY_REQUESTS, f"too many requests: ask again in {seconds} s")
    response.headers["Retry-After"] = str(seconds)
    return response


def _unknown() -> web.Response:
    response = refused(
        HTTPStatus.UNAUTHORIZED, "this needs a token: send the header `Authorization: Bearer TOKEN`"
    )
    response.headers["WWW-Authenticate"] = 'Bearer realm="ratchet"'
    return response


def _beyond(scope: Scope, needs: Scope) -> web.Response:
    return refused(
        HTTPStatus.FORBIDDEN, f"this token opens {scope.word}; {needs.word} is needed: use another token"
    )


def _closing(status: int, text: str) -> web.Response:
    """A refusal that ends the connection: the rest of what was being sent is not waited for."""
    response = refused(status, text)
    response.force_close()
    return response
