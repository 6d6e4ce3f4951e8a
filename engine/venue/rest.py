"""One request, signed, in its lane, with a timeout: an answer's data, or Refusal, or NoAnswer."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

import aiohttp

from engine.core.limits import AHEAD_MS
from engine.venue.client import Client
from engine.venue.keys import Keys
from engine.venue.lanes import Lane, Lanes
from engine.venue.line import Letter, Line
from engine.venue.only_bitget import ccxt
from engine.venue.outcomes import OUT_OF_WINDOW, SUCCESS, NoAnswer, Refusal, answer, unreached, verdict
from engine.venue.signing import Signed, Signer

PRODUCT: Final = "USDT-FUTURES"
SERVER_TIME: Final = "v2/public/time"
READY_S: Final = 5.0
"""How long a request that was made ready may be sent; the exchange's window is 30 s."""


ORDER: Final = "v2/mix/order/place-order"
EARLY_MS: Final = 15_000
"""How far back an order is dated. Bitget takes nothing that is dated over 30 s before it comes (WIRE §1), and
knows no other bound for an order: so it takes one for 15 s at most. What was lost on its way for longer does
not meet a position of which nobody thought when it was sent. What is left is enough for an answer, for what
lay ready, and for clocks that differ by seconds.
"""
SET_MS: Final = 1_000
"""A clock that was off by more was the reason why a time stamp was refused."""


LEAP_MS: Final = AHEAD_MS
"""How far from now a frame may date itself and be believed without asking. A replayed market leaps further,
and REST tells so.
"""


class Clock:
    """The exchange's clock: its newest stamp plus what has passed here since. Frames outweigh answers, but a
    leap only with an answer: a day that one bad frame began would open again what was closed for the day.
    `leapt` is set when REST has to be asked.
    """

    def __init__(self) -> None:
        self.leapt = asyncio.Event()
        self._known: Moment | None = None
        self._leap: Moment | None = None
        self._answered = 0
        self._from_frames = False

    def frame(self, stamp: int) -> None:
        """A frame carried this time."""
        told = Moment(stamp, time.monotonic())
        if self._from_frames and abs(stamp - self.now_ms()) > LEAP_MS:
            self._leap = told
            self.leapt.set()
        else:
            self._known, self._from_frames = told, True

    def answer(self, stamp: int) -> None:
        """An answer carried this time; it counts until frames arrive."""
        self._answered = stamp
        if not self._from_frames:
            self._known = Moment(stamp, time.monotonic())

    def market(self, stamp: int) -> None:
        """REST told the market's time, in an answer with its own. The leap that agrees with either is true;
        without one the market's time is, unless what was known agrees.
        """
        leap, self._leap = self._leap, None
        asked = Moment(stamp, time.monotonic())
        known = self._known if self._from_frames else None
        true = (moment for moment in (leap, known) if moment is not None and self._agrees(moment, stamp))
        self._known, self._from_frames = next(true, asked), True

    def now_ms(self) -> int:
        """Milliseconds UTC; this machine's own before anything was heard."""
        return time.time_ns() // 1_000_000 if self._known is None else self._known.now_ms

    def _agrees(self, moment: Moment, market: int) -> bool:
        return min(abs(moment.now_ms - told) for told in (market, self._answered)) <= LEAP_MS


class Moment(NamedTuple):
    """A `stamp` of the exchange (milliseconds UTC), and when it was `heard` (monotonic seconds)."""

    stamp: int
    heard: float

    @property
    def now_ms(self) -> int:
        return self.stamp + int((time.monotonic() - self.heard) * 1000)


class Ready(NamedTuple):
    """A request that was signed at `made` (monotonic seconds), before it is needed; the `letter` is what the
    line sends of it.
    """

    path: str
    request: Signed
    letter: Letter
    made: float

    @property
    def is_fresh(self) -> bool:
        """Whether its time stamp is still well within the exchange's window."""
        return time.monotonic() - self.made < READY_S


class Rest:
    """The exchange's REST side. Never retries: a retry is a decision, and not this one's.

    `latency_ms` is the newest round trip, NaN while requests get no answer; `unanswered` says why they do
    not, and `answered_at` when one did last (monotonic seconds). `skewed` is set when a time stamp was
    refused. Orders are dated back while that does no harm.
    """

    def __init__(self, client: Client, keys: Keys, clock: Clock, timeout_s: float = 5.0) -> None:
        self.latency_ms = self.answered_at = math.nan
        self.unanswered = ""
        self.line = Line(client.base, client.secure)
        self._client = client
        self._keys = keys
        self._clock = clock
        self._timeout_s = timeout_s
        self._lanes = Lanes()
        self._signer = Signer(keys, demo=client.is_demo)
        self.skewed = asyncio.Event()
        self._early_ms = EARLY_MS

    async def get(self, path: str, params: dict[str, str], *, signed: bool = True) -> Any:
        """The `data` of a read. Raises Refusal or NoAnswer."""
        async with self._lanes.reading(path):
            return await self._send("GET", path, params, signed)

    async def post(self, path: str, body: dict[str, Any], lane: Lane) -> Any:
        """The `data` of a request that changes something. Raises Refusal or NoAnswer."""
        await self._lanes.turn(path, lane)
        return await self._send("POST", path, body, True)

    def ready(self, path: str, body: dict[str, Any]) -> Ready:
        """A request for `post_ready`: what takes time is done now."""
        request = self._signed("POST", path, body, True)
        return Ready(path, request, self.line.letter(request), time.monotonic())

    async def post_ready(self, ready: Ready, lane: Lane) -> Any:
        """As `post`, of what was made ready: over the line, while nobody else speaks there."""
        await self._lanes.turn(ready.path, lane)
        line = self.line
        return await self._heard(line.ask(ready.letter) if line.is_free else self._client.ask(ready.request))

    async def follow_clock(self) -> int:
        """Sign with the exchange's clock from now on. Returns how far this machine is ahead, milliseconds.

        The quickest of three answers counts: it leaves the least room for where in between the clock was
        read. Raises as `get` does.
        """
        _, ahead_ms = min([await self._ahead() for _ in range(3)])
        if abs(ahead_ms - self._client.options.get("timeDifference", 0)) > SET_MS:
            self._early_ms = EARLY_MS
        self._client.options["timeDifference"] = ahead_ms
        return ahead_ms

    async def _ahead(self) -> tuple[int, int]:
        """How long the clock took to read, nanoseconds, and how far this machine is ahead, milliseconds."""
        before = time.time_ns()
        data = await self.get(SERVER_TIME, {}, signed=False)
        after = time.time_ns()
        try:
            there = int(data["serverTime"])
        except (KeyError, TypeError, ValueError):
            raise NoAnswer("the server time could not be read") from None
        return after - before, (before + after) // 2_000_000 - there

    async def _send(self, method: str, path: str, params: dict[str, Any], signed: bool) -> Any:
        return await self._heard(self._client.ask(self._signed(method, path, params, signed)))

    async def _heard(self, answering: Coroutine[Any, Any, tuple[int, bytes]]) -> Any:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                status, text = await answering
        except (aiohttp.ClientError, ccxt.BaseError, TimeoutError, OSError) as error:
            raise self._failed(unreached(error)) from None
        try:
            body = answer(status, text)
        except NoAnswer as error:
            raise self._failed(error) from None
        self._came(time.perf_counter() - started)
        return self._data(body)

    def _came(self, took_s: float) -> None:
        self.latency_ms, self.answered_at, self.unanswered = took_s * 1000, time.monotonic(), ""

    def _failed(self, error: NoAnswer) -> NoAnswer:
        """A failed exchange is no answer, however quickly it failed."""
        self.latency_ms, self.unanswered = math.nan, error.cause
        return error

    def _signed(self, method: str, path: str, params: dict[str, Any], signed: bool) -> Signed:
        if not signed:
            return self._signer.public(path, params)
        stamp = str(int(self._client.nonce()) - (self._early_ms if path == ORDER else 0))
        sign = self._signer.post if method == "POST" else self._signer.get
        return sign(path, params, stamp)

    def _data(self, body: dict[str, Any]) -> Any:
        if body["code"] != SUCCESS:
            raise self._clean(verdict(body))
        if str(body.get("requestTime", "")).isdigit():
            self._clock.answer(int(body["requestTime"]))
        return body.get("data")

    def _clean(self, error: NoAnswer | Refusal) -> NoAnswer | Refusal:
        if isinstance(error, NoAnswer) and error.cause == OUT_OF_WINDOW:
            # perhaps the window is narrower than it is said to be: only a wrong clock proves otherwise
            self._early_ms = 0
            self.skewed.set()
        if isinstance(error, Refusal):
            return Refusal(error.code, self._keys.redacted(error.message))
        return error
