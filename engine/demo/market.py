"""The demo's grip on the simulated market: how fast it runs, where it is, what the account has."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import aiohttp
import msgspec

from engine.core.instrument import Side
from engine.simulator.hand import HandError

TIMEOUT_S: Final = 10.0
NO_REQUESTS: Final = 2**53
"""Asking for the requests after this one leaves their long list out of the answer."""

Band = tuple[Decimal, Decimal]


class Feed(msgspec.Struct, frozen=True):
    """Where the market is: `state` play or pause, `reason` of a pause, speed, market time and marks."""

    state: str
    reason: str | None
    speed: float | str
    now_ms: int
    marks: dict[str, Decimal]

    @property
    def is_playing(self) -> bool:
        return self.state == "play"

    @property
    def has_ended(self) -> bool:
        return self.reason == "end"


class Account(msgspec.Struct, frozen=True):
    """The account as the exchange has it: money in USDT, what is open by symbol and side."""

    equity: Decimal
    balance: Decimal
    open: tuple[tuple[str, Side], ...]


class Market:
    """Steers one simulated exchange at `url`. Raises HandError when it does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def feed(self) -> Feed:
        return _feed(await self._ask("GET", "feed"))

    async def play(self, speed: float, until: Mapping[str, Band] | None = None) -> Feed:
        """Run at `speed` (market time over real time), and pause where a mark leaves its band."""
        bands = {symbol: [str(low), str(high)] for symbol, (low, high) in (until or {}).items()}
        return _feed(
            await self._ask("POST", "feed", {"state": "play", "speed": _whole(speed), "until": bands})
        )

    async def account(self) -> Account:
        state = await self._ask("GET", f"state?after={NO_REQUESTS}")
        [account] = state["accounts"].values()
        held = tuple((row["symbol"], Side(row["holdSide"])) for row in account["positions"])
        return Account(Decimal(account["equity"]), Decimal(account["balance"]), held)

    async def _ask(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.request(method, f"{self._url}/_sim/{name}", json=body) as response,
            ):
                answer: dict[str, Any] = msgspec.json.decode(await response.read())
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise HandError(f"the simulated exchange does not answer ({type(error).__name__})") from error
        if "error" in answer:
            raise HandError(str(answer["error"]))
        return answer


def _whole(speed: float) -> int | float:
    return int(speed) if float(speed).is_integer() else speed


def _feed(answer: dict[str, Any]) -> Feed:
    return msgspec.convert(answer, Feed, strict=False)
