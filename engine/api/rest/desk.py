"""What the routes do: they show the newest snapshot, and pass commands on."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from engine.api.port import Behind
from engine.api.requests import Unfit, parse
from engine.api.rest.gate import SCOPE, address
from engine.api.rest.kept import Kept
from engine.api.rest.route import Route, json, refused
from engine.api.rest.shapes import (
    AccountList,
    Condition,
    Health,
    HistoryList,
    NotRead,
    PositionList,
    SignalList,
    accounts_of,
    cot_of,
    health_of,
    history_of,
    positions_of,
    signals_of,
)
from engine.api.rest.tokens import Scope, needed
from engine.protocol import (
    Answer,
    ApprovalView,
    NotAnswering,
    OrderView,
    Request,
    Snapshot,
    StoryLine,
    Verdict,
)

logger = logging.getLogger("ratchet.rest")

FRESH_S: Final = 0.2
"""How old an answer may be. The engine is asked at most this often, however many ask here."""

PAST_S: Final = 1.0
"""How old what the journal tells may be."""

STORIES: Final = 8
"""How many names' stories are kept; the one that was not asked for the longest is forgotten first."""

NO_STORY: Final = msgspec.json.encode(())

DECIDE_S: Final = 5.0


class Desk:
    """The routes over one engine, `version` of it. Nothing here decides anything."""

    def __init__(self, behind: Behind, version: str, *, decide_s: float = DECIDE_S) -> None:
        self.behind = behind
        self.version = version
        self.decide_s = decide_s
        self.snapshot = Kept(behind.snapshot, FRESH_S)
        self._orders = Kept(behind.orders, FRESH_S)
        self._history = Kept(behind.history, PAST_S)
        self._signals = Kept(behind.signals, PAST_S)
        self._stories: dict[str, Kept[bytes]] = {}
        self._deciding: dict[str, asyncio.Task[Answer]] = {}

    def routes(self) -> tuple[Route, ...]:
        looks = (
            ("accounts", self.accounts, "Accounts", AccountList, True),
            ("positions", self.positions, "Open positions", PositionList, True),
            ("history", self.history, "Ended cycles, newest first", HistoryList, False),
        )
        return (
            *(
                Route("GET", f"/api/crypto/{name}", handler, meaning, shape, on_page=open)
                for name, handler, meaning, shape, open in looks
            ),
            *(
                Route(
                    "GET",
                    f"/api/crypto/{name}/{{account}}",
                    handler,
                    f"{meaning}; of the account that is named",
                    shape,
                    on_page=open,
                    refuses=(404,),
                )
                for name, handler, meaning, shape, open in looks
            ),
            Route("GET", "/api/crypto/cot", self.cot, "COT reports: none yet, and why", NotRead),
            Route("GET", "/api/crypto/signals", self.signals, "Signals, newest first", SignalList),
            Route("GET", "/api/approvals", self.approvals, "What waits for a yes", tuple[ApprovalView, ...]),
            Route("GET", "/api/orders", self.orders, "Orders that rest", tuple[OrderView, ...]),
            Route(
                "GET",
                "/api/why/{name}",
                self.why,
                "The story of a symbol, a cycle or an order",
                tuple[StoryLine, ...],
                refuses=(404,),
            ),
            Route(
                "GET",
                "/api/health",
                self.health,
                "Does it work?",
                Health,
                needs=None,
                refuses=(503,),
                answers_refusals=True,
            ),
            Route(
                "POST",
                "/api/commands",
                self.command,
                "Ask for something; the same id again is done once. 409: refused, with the reason",
                Answer,
                needs=Scope.KILL,
                takes=Request,
                refuses=(400, 403, 408, 409, 413),
            ),
        )

    async def accounts(self, request: web.Request) -> web.Response:
        snapshot = await self.snapshot.get()
        return _elsewhere(snapshot, request) or json(accounts_of(snapshot))

    async def positions(self, request: web.Request) -> web.Response:
        snapshot = await self.snapshot.get()
        return _elsewhere(snapshot, request) or json(positions_of(snapshot))

    async def history(self, request: web.Request) -> web.Response:
        snapshot = await self.snapshot.get()
        return _elsewhere(snapshot, request) or json(history_of(snapshot, await self._history.get()))

    async def cot(self, _: web.Request) -> web.Response:
        return json(cot_of(await self.snapshot.get()))

    async def signals(self, _: web.Request) -> web.Response:
        return json(signals_of(await self.snapshot.get(), await self._signals.get()))

    async def approvals(self, _: web.Request) -> web.Response:
        return json((await self.snapshot.get()).approvals)

    async def orders(self, _: web.Request) -> web.Response:
        return json(await self._orders.get())

    async def why(self, request: web.Request) -> web.Response:
        """A long story is read and written down once for all who ask within a second."""
        name = request.match_info["name"]
        told = await self._story(name).get()
        if told == NO_STORY:
            never = "it has had no symbol, cycle or order of that name"
            text = f"the journal tells nothing of {name[:40]!r}: {never}"
            return refused(HTTPStatus.NOT_FOUND, text)
        return web.Response(body=told, content_type="application/json")

    def _story(self, name: str) -> Kept[bytes]:
        async def tell() -> bytes:
            return msgspec.json.encode(await self.behind.why(name))

        story = self._stories.pop(name, None) or Kept(tell, PAST_S)
        self._stories[name] = story
        if len(self._stories) > STORIES:
            del self._stories[next(iter(self._stories))]
        return story

    async def health(self, _: web.Request) -> web.Response:
        try:
            health = health_of(await self.snapshot.get())
        except NotAnswering as silent:
            health = Health(Condition.SILENT, str(silent), self.version, 0)
        is_well = health.status.value == "ok"
        return json(health, HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE)

    async def command(self, request: web.Request) -> web.Response:
        """A command, once it has begun, is finished even when its client hangs up."""
        parsed = parse(await request.read())
        if isinstance(parsed, Unfit):
            return json(parsed.answer, parsed.status)
        scope, needs = request[SCOPE], needed(parsed.command)
        if scope < needs:
            word = parsed.command.__struct_config__.tag
            text = f"this token opens {scope.word}, and {word} needs {needs.word}: use another token"
            return refused(HTTPStatus.FORBIDDEN, text, parsed.id)
        by = f"rest, {scope.word} token from {address(request)}{f', {parsed.by}' if parsed.by else ''}"
        try:
            answer = await self._answer(Request(parsed.id, by[:120], parsed.command))
        except NotAnswering as silent:
            answer, why = None, str(silent)
        else:
            why = f"not decided within {self.decide_s:g} s"
        if answer is None:
            text = f"{why}, and nobody knows yet whether it will be done: ask again with the same id"
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, text, parsed.id)
        logger.info(
            "command %s by %r: %s, %s", parsed.id.encode(), by[:120], answer.verdict.value, answer.text
        )
        return json(answer, HTTPStatus.OK if answer.verdict is Verdict.DONE else HTTPStatus.CONFLICT)

    async def _answer(self, request: Request) -> Answer | None:
        """The engine's answer, or None when it takes too long. Who asks for the same id meanwhile waits for
        the same decision.
        """
        deciding = self._deciding.get(request.id)
        if deciding is None:
            deciding = asyncio.create_task(self.behind.command(request), name=f"rest command {request.id}")
            self._deciding[request.id] = deciding
            deciding.add_done_callback(lambda _: self._decided(request.id))
        done, _ = await asyncio.wait({deciding}, timeout=self.decide_s)
        return deciding.result() if done else None

    def _decided(self, id: str) -> None:
        self._deciding.pop(id, None)
        self._stories.clear()
        for kept in (self.snapshot, self._orders, self._history, self._signals):
            kept.forget()


def _elsewhere(snapshot: Snapshot, request: web.Request) -> web.Response | None:
    """404 for another account than this engine's."""
    account = snapshot.engine.account
    asked = request.match_info.get("account", account)
    if asked == account:
        return None
    return refused(HTTPStatus.NOT_FOUND, f"this engine has no account {asked[:40]!r}; it has {account!r}")
