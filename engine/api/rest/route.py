"""A route: what it is called, who may use it, and what it answers. The server and its OpenAPI document are
both made from these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from engine.api.rest.tokens import Scope
from engine.protocol import Answer, Verdict

Handler = Callable[[web.Request], Awaitable[web.Response]]
Unread = Callable[[web.Request, int], Awaitable[None]]
"""Hears of a body that was not read, with the status of its refusal."""


class Route(NamedTuple):
    """`answers` is a type, or a content type for what is not JSON; `takes` the type of the body. `needs`
    None: no token. `on_page` may be seen without a token when the page is open. `refuses` are the statuses
    beyond those that every route has. A route that is not `paced` judges by itself who asks too often; one
    that `answers_refusals` tells them in the shape of its answers. `unread` hears of bodies that are too
    large or too slow.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Any
    needs: Scope | None = Scope.READ
    takes: Any = None
    on_page: bool = False
    refuses: tuple[int, ...] = ()
    paced: bool = True
    answers_refusals: bool = False
    unread: Unread | None = None


def json(value: object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def refused(status: int, text: str, id: str = "") -> web.Response:
    """A refusal with its sentence."""
    return json(Answer(id, Verdict.REFUSED, text), status)
