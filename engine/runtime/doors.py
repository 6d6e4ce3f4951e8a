"""The doors to the network: REST and the webhook on one port, open as long as the engine runs, if at all."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from engine.api.port import Served
from engine.api.rest.gate import Gate
from engine.api.rest.metrics import Vitals
from engine.api.rest.route import Route
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Scope, Tokens
from engine.config.doors import RestTerms, WebhookTerms
from engine.runtime.engine import Engine
from engine.webhook.alert import Message
from engine.webhook.carrying import Desk, Outcome, Terms
from engine.webhook.hook import PATH, Hook

logger = logging.getLogger("ratchet.engine")


class Front(Served, Desk, Protocol):
    """The engine's face, as clients see it and as alerts need it."""


class Doors:
    """Entering listens, and raises RestRefused when that is not possible; `run` must be awaited by an owner.
    With nothing configured nothing is opened.
    """

    def __init__(
        self, rest: RestTerms | None, webhook: WebhookTerms | None, engine: Engine, face: Front
    ) -> None:
        self.hook = _hook(webhook, face) if webhook is not None else None
        self.server = _server(rest, self.hook, engine, face) if rest is not None else None
        self._warning = rest.warning if rest is not None else ""
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self.server is not None:
            await self._open.enter_async_context(self.server)
        if self._warning:
            logger.warning("%s", self._warning)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def run(self) -> None:
        """Watch over connections and carry out alerts. Ends by cancellation, at once when nothing is open."""
        async with asyncio.TaskGroup() as group:
            if self.server is not None:
                group.create_task(self.server.run(), name="rest")
            if self.hook is not None:
                group.create_task(self.hook.run(), name="webhook")


def _hook(wanted: WebhookTerms, face: Front) -> Hook:
    terms = Terms(**{name: getattr(wanted, name) for name in Terms._fields})
    return Hook(face, terms, wanted.token, addresses=wanted.addresses)


def _server(wanted: RestTerms, hook: Hook | None, engine: Engine, face: Served) -> RestServer:
    tokens = Tokens({Scope[scope.upper()]: secret for scope, secret in wanted.tokens.items()})
    gate = Gate(tokens, per_minute=wanted.requests_per_minute, open_page=wanted.open_page)
    return RestServer(
        gate,
        served=face if wanted.on else None,
        bind=wanted.bind,
        port=wanted.port,
        tls=wanted.tls,
        routes=() if hook is None else (webhook_route(hook),),
        vitals=lambda: Vitals(engine.unwritten, len(engine.state.pending)),
        version=engine.version,
    )


def webhook_route(hook: Hook) -> Route:
    """The webhook as the server knows it. Its token is in the body, so it judges by itself who comes."""
    return Route(
        "POST",
        PATH,
        hook.take,
        "An alert of TradingView, as JSON or text; its token is in the body",
        Outcome,
        needs=None,
        takes=Message,
        refuses=(202, 400, 401, 403, 408, 409, 413, 422, 503),
        paced=False,
        answers_refusals=True,
    )
