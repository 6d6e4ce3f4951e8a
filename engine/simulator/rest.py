"""Bitget's REST over the simulated exchange: gate, limits, faults, and the envelope around every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from engine.simulator import faults as fault
from engine.simulator.armed import Faults
from engine.simulator.asked import Asked, RequestLog
from engine.simulator.book import thinned
from engine.simulator.errors import BitgetError
from engine.simulator.limits import RateLimits
from engine.simulator.needed import check_needed
from engine.simulator.private import ROUTES, PrivateEndpoints
from engine.simulator.public import PUBLIC_ROUTES, PublicEndpoints
from engine.simulator.signing import Gatekeeper, Key
from engine.simulator.world import World

PROBE: Final = "v3/account/settings"
_UNKNOWN_URL: Final = BitgetError("40404", "Request URL NOT FOUND", 404)
_HANGS_UP_S: Final = 0.02
_ORDER_PATH: Final = "v2/mix/order/"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Rest:
    """Answers everything below /api/. One instance a server.

    `clock_ms` is the clock that clients see and sign against, `wall_s` the one that limits are measured with.
    """

    def __init__(
        self,
        world: World,
        gate: Gatekeeper,
        *,
        faults: Faults,
        seed: int,
        latency_ms: float,
        clock_ms: Callable[[], int],
        wall_s: Callable[[], float],
    ) -> None:
        self._world = world
        self._faults = faults
        self._latency_s = latency_ms / 1000
        self._clock_ms = clock_ms
        self._wall_s = wall_s
        self._gate = gate
        self._limits = RateLimits()
        self._public = PublicEndpoints(world, seed, clock_ms)
        self._private = {
            account_id: PrivateEndpoints(world.exchange, account_id) for account_id in gate.accounts
        }
        self.log = RequestLog()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or lose it when a fault says so."""
        path = request.path.removeprefix("/api/")
        body = await request.text()
        params = dict(request.query) if request.method == "GET" else _parsed(body)
        asked = self.log.open(
            self._clock_ms(),
            self._world.market.now_ms,
            request.method,
            path,
            {} if params is None else params,
        )
        if self._latency_s:
            await asyncio.sleep(self._latency_s / 2)
        if self._faults.network_is_down():
            return _dropped(request, asked, "lost")
        call = _Call(request, path, body, params, asked)
        answer = await self._answer(call)
        if self._latency_s:
            await asyncio.sleep(self._latency_s / 2)
        if self._faults.network_is_down():
            return _dropped(request, asked, "executed, answer lost")
        return answer

    async def _answer(self, call: _Call) -> web.StreamResponse:
        asked = call.asked
        symbol = str((call.params or {}).get("symbol", "")).upper()
        hits = self._faults.strike_request(call.method, call.path, symbol)
        asked.faults = [str(hit.__struct_config__.tag) for hit in hits]
        for hit in hits:
            if isinstance(hit, fault.Late) and hit.before:
                await asyncio.sleep(hit.delay_ms / 1000)
        if any(isinstance(hit, fault.Lost) for hit in hits):
            asked.outcome = "lost"
            return await _silence(call.request)
        outcome = _refused(hits) or self._execute(call, hits)
        for hit in hits:
            if isinstance(hit, fault.Late) and not hit.before:
                await asyncio.sleep(hit.delay_ms / 1000)
        asked.status, asked.code, asked.outcome = outcome.status, outcome.code, "answered"
        return await self._spoiled(call, outcome, hits)

    def _execute(self, call: _Call, hits: list[fault.AnyRequestFault]) -> _Outcome:
        thin = next((hit for hit in hits if isinstance(hit, fault.PartialFill)), None)
        if thin is not None:
            self._thin_out(str((call.params or {}).get("symbol", "")).upper(), Decimal(thin.cap))
        outcome = self._once(call)
        if any(isinstance(hit, fault.Doubled) for hit in hits):
            self._once(call)
        return outcome

    def _once(self, call: _Call) -> _Outcome:
        try:
            return _Outcome(200, "00000", "success", self._data(call))
        except BitgetError as refusal:
            return _Outcome(refusal.status, refusal.code, refusal.msg, None)

    def _data(self, call: _Call) -> Any:
        if call.params is None:
            raise BitgetError("40017", "Parameter verification failed: the body must be a JSON object")
        public = PUBLIC_ROUTES.get(call.path) if call.method == "GET" else None
        if public is not None:
            self._spend(call.address, call.path)
            check_needed(call.path, call.params)
            return getattr(self._public, public)(call.params)
        private = ROUTES.get((call.method, call.path))
        if private is None and (call.method, call.path) != ("GET", PROBE):
            raise _UNKNOWN_URL
        key = self._gate.admit(call.headers, self._clock_ms(), call.method, call.target, call.body)
        call.asked.account_id = key.account_id
        self._spend(key.account_id, call.path)
        if private is None:
            return self._probe()
        self._permit(key, call)
        check_needed(call.path, call.params)
        return getattr(self._private[key.account_id], private)(call.params)

    def _spend(self, caller: str, path: str) -> None:
        if not self._limits.admits(caller, path, self._wall_s()):
            raise BitgetError("429", "Too Many Requests", 429)

    def _permit(self, key: Key, call: _Call) -> None:
        if self._faults.is_unified():
            raise BitgetError(
                "40085",
                "You are in Unified Account mode, and the Classic Account API is not supported at this time",
            )
        is_order = call.method == "POST" and call.path.startswith(_ORDER_PATH)
        if is_order and (self._faults.forbids_trading() or not key.can_trade):
            raise BitgetError("40014", "Incorrect permissions, need contract trade write permissions")

    def _probe(self) -> dict[str, Any]:
        if not self._faults.is_unified():
            raise BitgetError(
                "40084",
                "You are in Classic Account mode, and the Unified Account API is not supported at this time",
            )
        return {
            "accountMode": "unified",
            "assetMode": "single",
            "holdMode": "one_way_mode",
            "stpMode": "none",
        }

    def _thin_out(self, symbol: str, cap: Decimal) -> None:
        if symbol in self._world.market:
            quote = self._world.market[symbol].quote
            self._world.exchange.on_quote(
                msgspec.structs.replace(quote, bids=thinned(quote.bids, cap), asks=thinned(quote.asks, cap))
            )

    async def _spoiled(
        self, call: _Call, outcome: _Outcome, hits: list[fault.AnyRequestFault]
    ) -> web.StreamResponse:
        for hit in hits:
            match hit:
                case fault.ResponseLost():
                    call.asked.outcome = "executed, answer lost"
                    return (
                        await _silence(call.request)
                        if hit.hang
                        else _dropped(call.request, call.asked, call.asked.outcome)
                    )
                case fault.ServerError():
                    return web.Response(
                        status=hit.status,
                        text="<html><title>Bad gateway</title></html>",
                        content_type="text/html",
                    )
                case fault.Malformed():
                    whole = self._envelope(outcome)
                    return web.Response(status=outcome.status, text=whole[: len(whole) // 2], headers=_JSON)
                case fault.Garbled():
                    outcome.data = _garbled(outcome.data, hit)
                case _:
                    continue
        return web.Response(status=outcome.status, text=self._envelope(outcome), headers=_JSON)

    def _envelope(self, outcome: _Outcome) -> str:
        return json.dumps(
            {"code": outcome.code, "msg": outcome.msg, "requestTime": self._clock_ms(), "data": outcome.data},
            separators=(",", ":"),
        )


class _Outcome(msgspec.Struct):
    status: int
    code: str
    msg: str
    data: Any


class _Call:
    """A request, read once."""

    def __init__(
        self, request: web.BaseRequest, path: str, body: str, params: dict[str, Any] | None, asked: Asked
    ) -> None:
        self.request = request
        self.method = request.method
        self.path = path
        self.target = request.raw_path
        self.headers = request.headers
        self.body = body
        self.params = params
        self.address = f"address {request.remote}"
        self.asked = asked


def _refused(hits: list[fault.AnyRequestFault]) -> _Outcome | None:
    for hit in hits:
        match hit:
            case fault.Reject():
                return _Outcome(hit.status, hit.code, hit.msg, None)
            case fault.TooMany():
                return _Outcome(429, "429", "Too Many Requests", None)
            case fault.ServerError() if not hit.executed:
                return _Outcome(hit.status, str(hit.status), "server error, not executed", None)
            case _:
                continue
    return None


async def _silence(request: web.BaseRequest) -> web.StreamResponse:
    """Never answer: return when the client has hung up. A server that closes cancels this."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - no event for it
        await asyncio.sleep(_HANGS_UP_S)
    return web.Response(status=500)


def _dropped(request: web.BaseRequest, asked: Asked, outcome: str) -> web.StreamResponse:
    asked.outcome = outcome
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _parsed(body: str) -> dict[str, Any] | None:
    if not body:
        return {}
    try:
        params = json.loads(body)
    except ValueError:
        return None
    return params if isinstance(params, dict) else None


def _garbled(data: Any, hit: fault.Garbled) -> Any:
    if isinstance(data, list):
        return [_garbled(row, hit) for row in data]
    if not isinstance(data, dict):
        return data
    garbled = {}
    for name, value in data.items():
        if name != hit.field:
            garbled[name] = _garbled(value, hit)
        elif hit.renamed_to is not None:
            garbled[hit.renamed_to] = value
        else:
            garbled[name] = hit.value
    return garbled
