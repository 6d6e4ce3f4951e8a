"""Real ccxt clients on a real simulated exchange, over real loopback sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from engine.simulator.server import SimulatedBitget

Connect = Callable[..., Awaitable[Any]]
SYMBOL = "BTC/USDT:USDT"


def client_of(sim: SimulatedBitget, **changes: Any) -> Any:
    """A ccxt.pro client that talks to `sim` and to nobody else."""
    exchange = ccxt.pro.bitget(
        {
            "apiKey": sim.key,
            "secret": sim.secret,
            "password": sim.passphrase,
            "enableRateLimit": False,
            "timeout": 5_000,
            "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
            **changes,
        }
    )
    sockets = {"public": "/v2/ws/public", "private": "/v2/ws/private"}
    streams = {name: sim.url.replace("http", "ws") + path for name, path in sockets.items()}
    exchange.urls["api"] = {
        **{name: sim.url for name in exchange.urls["api"] if name not in ("ws", "demo")},
        "ws": {**streams, "utaPublic": sim.url, "utaPrivate": sim.url},
        "demo": {**streams, "utaPublic": sim.url, "utaPrivate": sim.url},
    }
    exchange.has["fetchCurrencies"] = False
    return exchange


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect a ccxt client with its markets loaded; it is closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def open_client(sim: SimulatedBitget, **changes: Any) -> Any:
            exchange = client_of(sim, **changes)
            stack.push_async_callback(exchange.close)
            await exchange.load_markets()
            return exchange

        yield open_client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
