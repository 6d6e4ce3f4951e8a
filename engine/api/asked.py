"""The routes that a client asks once, when its trader wants to see something; and the one by which a signal
from outside is told.
"""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus

import msgspec
from aiohttp import web

from engine.api.port import NothingThere, Served
from engine.api.requests import Unfit, parse_signal, unfit
from engine.protocol import Answer, Enter, NotAnswering, Side, Verdict, exactly


class Asked:
    """Previews, the past, the chart and the settings of one engine, as JSON."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/preview/{symbol}/{side}", self._preview),
            web.post("/v1/ticket", self._ticket),
            web.get("/v1/history", self._history),
            web.get("/v1/history/{cycle}", self._cycle),
            web.get("/v1/equity", self._equity),
            web.get("/v1/signals", self._signals),
            web.post("/v1/signals", self._heard),
            web.get("/v1/regimes", self._regimes),
            web.get("/v1/chart/{symbol}", self._chart),
            web.get("/v1/settings", self._settings),
        ]

    async def _preview(self, request: web.Request) -> web.Response:
        try:
            side = Side(request.match_info["side"])
            parts = tuple(_part(text) for text in request.query.getall("part", []))
        except ValueError as error:
            return refusal(unfit(HTTPStatus.BAD_REQUEST, f"{error}: a side is long or short, a part 0.5"))
        try:
            return answer(self._served.preview(request.match_info["symbol"], side, parts))
        except NothingThere as missing:
            return refusal(unfit(HTTPStatus.NOT_FOUND, str(missing)))

    async def _ticket(self, request: web.Request) -> web.Response:
        try:
            enter = msgspec.json.decode(await request.read(), type=Enter)
        except msgspec.DecodeError as error:
            return refusal(unfit(HTTPStatus.BAD_REQUEST, f"this is no entry as the protocol has it: {error}"))
        if wrong := _unfit_number(enter):
            return refusal(unfit(HTTPStatus.BAD_REQUEST, wrong))
        return answer(self._served.ticket(enter))

    async def _history(self, _: web.Request) -> web.Response:
        return answer(await self._served.history())

    async def _cycle(self, request: web.Request) -> web.Response:
        try:
            return answer(await self._served.cycle(request.match_info["cycle"]))
        except NothingThere as missing:
            return refusal(unfit(HTTPStatus.NOT_FOUND, str(missing)))

    async def _equity(self, _: web.Request) -> web.Response:
        return answer(await self._served.equity())

    async def _signals(self, _: web.Request) -> web.Response:
        return answer(await self._served.signals())

    async def _regimes(self, _: web.Request) -> web.Response:
        return answer(self._served.regimes())

    async def _heard(self, request: web.Request) -> web.Response:
        signal = parse_signal(await request.read())
        if isinstance(signal, Unfit):
            return refusal(signal)
        try:
            await self._served.heard(signal)
        except NotAnswering as silent:
            return refusal(unfit(HTTPStatus.SERVICE_UNAVAILABLE, str(silent)))
        return answer(Answer("", Verdict.DONE, "heard"))

    async def _chart(self, request: web.Request) -> web.Response:
        return answer(await self._served.chart(request.match_info["symbol"]))

    async def _settings(self, _: web.Request) -> web.Response:
        return answer(self._served.settings())


def answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A value of the protocol."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def refusal(no: Unfit) -> web.Response:
    """An Answer with the sentence."""
    return answer(no.answer, no.status)


def _part(text: str) -> Decimal:
    """A fraction above 0 and up to 1. Raises ValueError."""
    part = exactly(text)
    if not 0 < part <= 1:
        raise ValueError(f"{text} is no part of a position")
    return part


def _unfit_number(enter: Enter) -> str:
    """What the types of an entry cannot say."""
    for name in ("margin", "qty", "leverage", "stop", "price"):
        value = getattr(enter, name)
        if value is not None and (not value.is_finite() or value <= 0):
            return f"{name} must be a number above 0, got {value}"
    return ""
