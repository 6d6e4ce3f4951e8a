"""Whoever runs the simulation steers it here: market, clock, feed, funding, faults and state; unsigned."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from aiohttp import web

from engine.core.instrument import Side
from engine.simulator.armed import FaultError, Faults
from engine.simulator.asked import RequestLog
from engine.simulator.digits import plain
from engine.simulator.errors import BitgetError
from engine.simulator.feed import Feed, Speed, Stops
from engine.simulator.signing import Gatekeeper
from engine.simulator.streams import Streams
from engine.simulator.world import World

_FEED_FIELDS: Final = frozenset({"state", "speed", "until", "until_ms", "pause_at_funding", "pause_at_day"})


_STATUSES: Final = ("normal", "listed", "maintain", "limit_open", "restrictedAPI", "off")


class ControlError(ValueError):
    """A control request that makes no sense. The text says what to send instead."""


class Control:
    """Answers everything below /_sim/ with plain JSON: 200, or 400 with {"error": sentence}."""

    def __init__(
        self,
        world: World,
        feed: Feed,
        faults: Faults,
        streams: Streams,
        log: RequestLog,
        gate: Gatekeeper,
        account_id: str,
    ) -> None:
        self._gate = gate
        self._account_id = account_id
        self._world = world
        self._feed = feed
        self._faults = faults
        self._streams = streams
        self._log = log
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]] = {
            ("POST", "mark"): self._mark,
            ("POST", "clock"): self._clock,
            ("GET", "feed"): self._show_feed,
            ("POST", "feed"): self._steer_feed,
            ("POST", "funding"): self._funding,
            ("POST", "adl"): self._deleverage,
            ("POST", "status"): self._set_status,
            ("POST", "key"): self._make_key,
            ("GET", "faults"): self._show_faults,
            ("POST", "faults"): self._arm,
            ("DELETE", "faults"): self._disarm,
            ("GET", "state"): self._state,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one control request."""
        route = self._routes.get((request.method, request.path.removeprefix("/_sim/").strip("/")))
        if route is None:
            known = ", ".join(f"{method} /_sim/{name}" for method, name in self._routes)
            return _answer({"error": f"there is no {request.method} {request.path}; there are {known}"}, 404)
        try:
            return _answer(await route(request), 200)
        except (ControlError, FaultError) as error:
            return _answer({"error": str(error)}, 400)
        except BitgetError as error:
            return _answer({"error": error.msg, "code": error.code}, 400)

    async def _mark(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, {"symbol", "price"})
        symbol = self._symbol(body.get("symbol"))
        price = _amount(body.get("price"), "price")
        if price <= 0:
            raise ControlError(f"price {price}: a price is above zero")
        quote = self._world.pin(symbol, price)
        self._streams.flush()
        return {"symbol": symbol, "mark": plain(quote.mark), "ts": quote.ts}

    async def _clock(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, {"advance_ms"})
        advance_ms = body.get("advance_ms")
        if not isinstance(advance_ms, int) or isinstance(advance_ms, bool) or advance_ms < 0:
            raise ControlError(f"advance_ms {advance_ms!r}: whole milliseconds, 0 or more, are expected")
        await self._feed.advance(advance_ms)
        self._streams.flush()
        return {"now_ms": self._world.market.now_ms}

    async def _show_feed(self, request: web.BaseRequest) -> dict[str, Any]:
        return self._feed.describe()

    async def _steer_feed(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, _FEED_FIELDS)
        state = body.get("state", "play")
        if state == "pause":
            self._feed.pause()
        elif state == "play":
            self._feed.play(_speed(body.get("speed")), self._stops(body))
        else:
            raise ControlError(f"state {state!r}: 'play' or 'pause' is expected")
        if request.query.get("wait") in ("1", "true"):
            await self._feed.halted()
        return self._feed.describe()

    async def _funding(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, {"symbol", "rate"})
        symbol = self._symbol(body.get("symbol"))
        rate = body.get("rate")
        self._world.funding.hold(symbol, None if rate is None else _amount(rate, "rate"))
        return {"symbol": symbol, "rate": plain(self._world.exchange.funding_rate(symbol))}

    async def _deleverage(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, {"symbol", "side", "size", "account"})
        symbol, size = self._symbol(body.get("symbol")), _amount(body.get("size"), "size")
        if body.get("side") not in ("long", "short") or size <= 0:
            raise ControlError("side must be 'long' or 'short', size above zero")
        account = str(body.get("account", self._account_id))
        try:
            self._world.exchange.force_adl(account, symbol, Side(body["side"]), size)
        except KeyError:
            raise ControlError(f"account {account!r} does not exist") from None
        return {"symbol": symbol, "side": body["side"], "size": plain(size)}

    async def _set_status(self, request: web.BaseRequest) -> dict[str, Any]:
        body = await _body(request, {"symbol", "status"})
        symbol, status = self._symbol(body.get("symbol")), body.get("status")
        if status not in _STATUSES:
            raise ControlError(f"status {status!r}: one of {', '.join(_STATUSES)} is expected")
        self._world.exchange.set_status(symbol, status)
        return {"symbol": symbol, "status": status}

    async def _make_key(self, request: web.BaseRequest) -> dict[str, str]:
        """Another key of an account, as it is made on Bitget before the old one expires."""
        body = await _body(request, {"account"})
        account = str(body.get("account", self._account_id))
        if account not in self._gate.accounts:
            raise ControlError(f"account {account!r} does not exist")
        key = self._gate.another(account)
        return {"key": key.key, "secret": key.secret, "passphrase": key.passphrase}

    async def _show_faults(self, request: web.BaseRequest) -> list[dict[str, Any]]:
        return self._faults.describe()

    async def _arm(self, request: web.BaseRequest) -> list[dict[str, Any]]:
        body = await _json(request)
        self._faults.add(body if isinstance(body, list) else [body])
        return self._faults.describe()

    async def _disarm(self, request: web.BaseRequest) -> list[dict[str, Any]]:
        self._faults.clear()
        return []

    async def _state(self, request: web.BaseRequest) -> dict[str, Any]:
        after = request.query.get("after", "0")
        if not after.isdigit():
            raise ControlError(f"after {after!r}: the number of a request is expected")
        return {
            **self._world.exchange.state(),
            "feed": self._feed.describe(),
            "faults": self._faults.describe(),
            "requests": self._log.rows(int(after)),
        }

    def _stops(self, body: Mapping[str, Any]) -> Stops:
        until = body.get("until") or {}
        if not isinstance(until, dict):
            raise ControlError('until: {"BTCUSDT": [low, high]} is expected; null leaves a side open')
        until_ms = body.get("until_ms")
        if until_ms is not None and not isinstance(until_ms, int):
            raise ControlError(f"until_ms {until_ms!r}: market time in milliseconds is expected")
        return Stops(
            {self._symbol(symbol): _band(symbol, band) for symbol, band in until.items()},
            until_ms,
            bool(body.get("pause_at_funding")),
            bool(body.get("pause_at_day")),
        )

    def _symbol(self, symbol: object) -> str:
        name = str(symbol or "").upper()
        if name not in self._world.market:
            raise ControlError(
                f"symbol {symbol!r} is not listed; listed: {', '.join(self._world.market.symbols)}"
            )
        return name


def _band(symbol: str, band: object) -> tuple[Decimal | None, Decimal | None]:
    if not isinstance(band, list) or len(band) != 2:
        raise ControlError(f"until {symbol}: [low, high] is expected; null leaves a side open")
    low, high = (None if price is None else _amount(price, f"until {symbol}") for price in band)
    return low, high


def _speed(speed: object) -> Speed | None:
    if speed is None:
        return None
    if speed == "max":
        return "max"
    if isinstance(speed, int | float | Decimal) and not isinstance(speed, bool) and 0 < speed < float("inf"):
        return float(speed)
    raise ControlError(f"speed {speed!r}: a number above 0, or 'max', is expected")


def _amount(value: object, name: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ControlError(f"{name} {value!r}: a number is expected") from None
    if not amount.is_finite():
        raise ControlError(f"{name} {value!r}: a finite number is expected")
    return amount


async def _body(request: web.BaseRequest, fields: set[str] | frozenset[str]) -> dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    unknown = set(body) - fields
    if unknown:
        raise ControlError(
            f"{', '.join(sorted(unknown))}: not known here; known: {', '.join(sorted(fields))}"
        )
    return body


async def _json(request: web.BaseRequest) -> Any:
    try:
        return json.loads(await request.text() or "{}", parse_float=Decimal)
    except ValueError:
        raise ControlError("the body is not JSON") from None


def _answer(data: Any, status: int) -> web.Response:
    return web.json_response(data, status=status)
