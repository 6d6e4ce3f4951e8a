"""Real ccxt clients and raw websockets on a real simulated exchange, over real loopback sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from engine.simulator.server import SimulatedBitget
from engine.simulator.signing import rest_headers, sign

Connect = Callable[..., Awaitable[Any]]


def client_of(sim: SimulatedBitget, **changes: Any) -> Any:
    """A ccxt.pro client that talks to `sim` and to nobody else."""
    settings = {
        "apiKey": sim.key,
        "secret": sim.secret,
        "password": sim.passphrase,
        "enableRateLimit": False,
        "timeout": 5_000,
        "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
    }
    exchange = ccxt.pro.bitget(settings | changes)
    streams = {side: f"{sim.url}/v2/ws/{side}".replace("http", "ws", 1) for side in ("public", "private")}
    streams |= {"utaPublic": streams["public"], "utaPrivate": streams["private"]}
    exchange.urls["api"] = {
        **{name: sim.url for name in exchange.urls["api"] if name not in ("ws", "demo")},
        "ws": streams,
        "demo": streams,
    }
    exchange.has["fetchCurrencies"] = False
    return exchange


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect a ccxt client with its markets loaded; it is closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def open_client(sim: SimulatedBitget, *, loaded: bool = True, **changes: Any) -> Any:
            exchange = client_of(sim, **changes)
            stack.push_async_callback(exchange.close)
            if loaded:
                await exchange.load_markets()
            return exchange

        yield open_client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


class Line:
    """A raw websocket: sends Bitget's requests, hears every frame in the order of arrival."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, sim: SimulatedBitget) -> None:
        self.ws = ws
        self._sim = sim

    async def say(self, op: str, *args: dict[str, Any]) -> None:
        await self.ws.send_str(json.dumps({"op": op, "args": args}))

    async def hear(self, within_s: float = 60.0) -> Any:
        """The next frame; 'closed' when there will be none."""
        message = await self.ws.receive(timeout=within_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return "closed"
        return message.data if message.data == "pong" else json.loads(message.data)

    async def hear_data(self, within_s: float = 60.0) -> Any:
        """The next frame that is not an acknowledgement."""
        while True:
            frame = await self.hear(within_s)
            if frame in ("closed", "pong") or "event" not in frame:
                return frame

    async def silence(self, for_s: float = 0.25) -> bool:
        """Whether nothing arrives for so long. The socket is of no use afterwards."""
        try:
            async with asyncio.timeout(for_s):
                await self.ws.receive()
        except TimeoutError:
            return True
        return False

    async def log_in(self, **changes: Any) -> Any:
        stamp = str(int(time.time()))
        arg = {
            "apiKey": self._sim.key,
            "passphrase": self._sim.passphrase,
            "timestamp": stamp,
            "sign": sign(self._sim.secret, stamp + "GET/user/verify"),
        }
        await self.say("login", arg | changes)
        return await self.hear()

    async def subscribe(self, channel: str, about: str = "default") -> Any:
        """Subscribe and return the acknowledgement."""
        name = "coin" if channel == "account" else "instId"
        await self.say("subscribe", {"instType": "USDT-FUTURES", "channel": channel, name: about})
        return await self.hear()


@pytest.fixture
async def dial(http: aiohttp.ClientSession) -> AsyncIterator[Callable[..., Awaitable[Line]]]:
    """Open a raw websocket on a side of a simulated exchange; the private side is logged in."""
    async with AsyncExitStack() as stack:

        async def open_line(sim: SimulatedBitget, side: str = "public", *, log_in: bool = True) -> Line:
            ws = await stack.enter_async_context(http.ws_connect(f"{sim.url}/v2/ws/{side}"))
            line = Line(ws, sim)
            if side == "private" and log_in:
                assert (await line.log_in())["code"] == 0
            return line

        yield open_line


class Asker:
    """Signed raw REST, for what ccxt would hide."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __call__(
        self,
        sim: SimulatedBitget,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        *,
        at_ms: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the envelope."""
        target, body = f"/api/{path}", ""
        if method == "GET" and params:
            target += "?" + "&".join(f"{name}={value}" for name, value in sorted(params.items()))
        elif params is not None:
            body = json.dumps(params)
        signed = rest_headers(sim.keys[0], at_ms or int(time.time() * 1000), method, target, body)
        signed |= headers or {}
        signed = {name: value for name, value in signed.items() if value}
        async with self._http.request(
            method, sim.url + target, data=body or None, headers=signed
        ) as response:
            return response.status, await response.json()

    async def order(self, sim: SimulatedBitget, **changes: Any) -> tuple[int, dict[str, Any]]:
        """A market buy of 0.001 BTC, isolated, one-way, with `changes`."""
        order = {
            "symbol": "BTCUSDT",
            "productType": "USDT-FUTURES",
            "marginCoin": "USDT",
            "marginMode": "isolated",
            "orderType": "market",
            "side": "buy",
            "size": "0.001",
        }
        return await self(sim, "POST", "v2/mix/order/place-order", order | changes)


@pytest.fixture
def ask(http: aiohttp.ClientSession) -> Asker:
    return Asker(http)
