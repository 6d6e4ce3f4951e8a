"""Bitget's REST side without a socket: the requests of `engine.venue`, answered by the simulated exchange."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from engine.backtest.network import Network
from engine.simulator.errors import BitgetError
from engine.simulator.exchange import Exchange
from engine.simulator.market_rows import price_row
from engine.simulator.private import ROUTES, PrivateEndpoints
from engine.venue.lanes import Lanes
from engine.venue.outcomes import NoAnswer, verdict
from engine.venue.prices import PRICE
from engine.venue.rest import Rest

ANSWER_S: Final = 5.0
"""How long an answer may take before it counts as lost."""


def price(exchange: Exchange, params: dict[str, Any]) -> list[dict[str, str]]:
    """What the market is at."""
    return [price_row(exchange.floor.listings[params["symbol"]].current())]


PUBLIC: Final[dict[str, Callable[[Exchange, dict[str, Any]], Any]]] = {PRICE: price}
"""What is answered to whoever asks, without a signature."""


def reached(endpoints: PrivateEndpoints, act: str, params: dict[str, Any]) -> Any:
    """What the exchange answers to a request. Raises Refusal or NoAnswer."""
    try:
        return getattr(endpoints, act)(params)
    except BitgetError as error:
        raise verdict({"code": error.code, "msg": error.msg}) from None


class InProcessRest(Rest):
    """Sends over a `Network` instead of HTTP: the same lanes, the same timeout, the same meaning of codes."""

    def __init__(
        self, exchange: Exchange, account_id: str, network: Network, timeout_s: float = ANSWER_S
    ) -> None:
        self.latency_ms = self.answered_at = math.nan
        self.unanswered = ""
        self.skewed = asyncio.Event()
        self._lanes = Lanes()
        self._exchange = exchange
        self._endpoints = PrivateEndpoints(exchange, account_id)
        self._network = network
        self._answer_s = timeout_s

    async def _send(self, method: str, path: str, params: dict[str, Any], signed: bool) -> Any:
        """The answer's data. Raises Refusal or NoAnswer."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if signed:
            reach = partial(reached, self._endpoints, ROUTES[method, path], params)
        else:
            reach = partial(PUBLIC[path], self._exchange, params)
        try:
            async with asyncio.timeout(self._answer_s):
                data = await self._network.carry(method, path, params, reach)
        except TimeoutError:
            raise self._failed(NoAnswer("no answer in time")) from None
        except NoAnswer as lost:
            raise self._failed(lost) from None
        self._came(loop.time() - started)
        return data
