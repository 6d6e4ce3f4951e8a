"""The network between the engine and the exchange: slow, and as faithless as it is told to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.venue.orders import PLACE
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.prices import PRICE

from .misfortune import LAG, REJECTS, OnFrame, OnLink, OnRequest
from .spoil import spoiled, spoiled_frame

if TYPE_CHECKING:
    from .world import World

WINDOW_S = 30.0
"""Bitget refuses a request whose time stamp is older than this."""
OUTAGE = "a path that is out of order"
POSITIONS = "v2/mix/position/all-position"
HELD_S = 0.8
"""How long a frame that is overtaken waits for the one that overtakes it."""

Params = Mapping[str, Any]
Answered = Callable[[Any, Exception | None], None]


class Storm(msgspec.Struct, frozen=True):
    """How likely each misfortune is, while it lasts: from `begins` until `ends` (seconds of the timeline)."""

    requests: dict[OnRequest, float] = {}
    frames: dict[OnFrame, float] = {}
    begins: float = 0.0
    ends: float = 0.0

    def holds(self, now: float) -> bool:
        return self.begins <= now < self.ends


class Strike(msgspec.Struct, frozen=True):
    """One misfortune for the `number`-th request that goes to `path` (counted from 1)."""

    path: str
    number: int
    what: OnRequest


class Outage(msgspec.Struct, frozen=True):
    """One path whose every request meets this from `begins` until `ends`, while all others work."""

    path: str
    begins: float
    ends: float
    what: OnRequest = OnRequest.PLAIN_5XX


class Lag(msgspec.Struct, frozen=True):
    """The prices from `begins` until `ends` come `late` seconds late, all of them."""

    begins: float
    ends: float
    late: float


def strikes_left(strikes: tuple[Strike, ...], made: Mapping[str, int]) -> tuple[Strike, ...]:
    """What has not struck after so many requests to each path, counted from the next one."""
    left = (replace(strike, number=strike.number - made.get(strike.path, 0)) for strike in strikes)
    return tuple(strike for strike in left if strike.number > 0)


class OnItsWay:
    """A request that will reach the exchange, also when nobody is left to hear the answer. What only reads
    changes nothing there, and dies with the engine that asked.
    """

    def __init__(
        self,
        world: World,
        method: str,
        path: str,
        params: Params,
        reach: Callable[[], Any],
        what: OnRequest | None,
        answer: Answered,
    ) -> None:
        self._world = world
        self._made = world.timeline.now
        self._method = method
        self._path = path
        self._params = params
        self._reach = reach
        self._what = what
        self._answer: Answered | None = answer

    def __getstate__(self) -> dict[str, Any]:
        """Nobody is left to hear the answer; what would become of it on its way back is nothing any more."""
        done = self._what if self._what in (OnRequest.PARTIAL, OnRequest.DOUBLED) else None
        return self.__dict__ | {"_answer": None, "_what": done}

    def arrive(self) -> None:
        """Bitget carries it out, or finds it too old."""
        world = self._world
        world.catch_up()
        if world.timeline.now - self._made > WINDOW_S:
            return
        data, error = self._execute(self._what)
        if self._what is OnRequest.DOUBLED:
            self._execute(None)
        if self._answer is not None:
            self._answer(data, error)

    def _execute(self, what: OnRequest | None) -> tuple[Any, Exception | None]:
        world = self._world
        try:
            with world.thin(self._params, when=what is OnRequest.PARTIAL):
                data, error = self._reach(), None
        except (Refusal, NoAnswer) as refused:
            data, error = None, refused
        if self._method == "POST":
            world.watch.executed(self._path, self._params, refused=error is not None)
            world.look()
        return data, error


class Network:
    """Implements `engine.backtest.network.Network` for one life of the engine."""

    def __init__(
        self,
        world: World,
        chance: Random,
        spoils: Random,
        storm: Storm,
        strikes: tuple[Strike, ...] = (),
        outages: tuple[Outage, ...] = (),
        lags: tuple[Lag, ...] = (),
    ) -> None:
        self._world = world
        self._time = world.timeline
        self._chance = chance
        self._spoils = spoils
        self._storm = storm
        self._strikes = strikes
        self._outages = outages
        self._lags = lags
        self._asked: dict[str, int] = world.requests_made
        self._held: dict[str, list[tuple[str, Callable[[str], None]]]] = {}
        self._positions = ""
        self._stalled = {"public": 0.0, "private": 0.0}
        self._cut: dict[str, asyncio.Future[str]] = {}
        self._down = {"public": 0.0, "private": 0.0}
        self._stale = ""
        self._arrived: dict[str, float] = {}

    # -- requests -----------------------------------------------------------------------------------------

    async def carry(self, method: str, path: str, params: Params, reach: Callable[[], Any]) -> Any:
        """There and back, unless something happens on the way."""
        time = self._time
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        what = self._strike(path)
        if method == "POST":
            self._world.watch.sent(path, params)

        def back(data: Any, error: Exception | None) -> None:
            if answer.done() or not self._world.is_alive(self):
                return
            if error is not None:
                answer.set_exception(error)
            else:
                if method == "GET":
                    self._world.watch.was_read(path, params)
                    if path == PRICE:
                        self._world.watch.told_price(data)
                answer.set_result(data)

        def answered(data: Any, error: Exception | None) -> None:
            time.after(self._way(), partial(back, data, error), mortal=True)

        def failed(error: Exception) -> None:
            time.after(2 * self._way(), partial(back, None, error), mortal=True)

        def arrives(after: float) -> None:
            request = OnItsWay(self._world, method, path, params, reach, what, self._answer(what, answered))
            time.after(after, request.arrive, mortal=method == "GET")

        match what:
            case OnRequest.LOST:
                pass
            case OnRequest.REJECTED:
                code = self._chance.choice(REJECTS[path])
                failed(Refusal(code, "rejected by a fault"))
            case OnRequest.TOO_MANY:
                failed(NoAnswer("rate limited"))
            case OnRequest.PLAIN_5XX:
                failed(NoAnswer("the exchange answered HTTP 502"))
            case OnRequest.LATE:
                arrives(self._chance.uniform(5.5, 12.0))
            case OnRequest.LATER:
                arrives(self._chance.uniform(15.0, 29.5))
            case OnRequest.EXPIRED:
                arrives(self._chance.uniform(30.5, 50.0))
            case _:
                arrives(self._way())
        return await answer

    def _answer(self, what: OnRequest | None, answered: Answered) -> Answered:
        """What becomes of the exchange's answer on its way back."""

        def answer(data: Any, error: Exception | None) -> None:
            if what is OnRequest.RESPONSE_LOST or not self._world.is_alive(self):
                return
            if what is OnRequest.EXECUTED_5XX:
                data, error = None, NoAnswer("the exchange answered HTTP 502")
            if what is OnRequest.HIDDEN and error is None:
                self._world.done.append(what)
                data = []
            if what is OnRequest.MALFORMED and error is None:
                data = spoiled(data, self._spoils)
                error = None if data else NoAnswer("the answer could not be read")
            answered(data, error)

        return answer

    def _strike(self, path: str) -> OnRequest | None:
        self._asked[path] = number = self._asked.get(path, 0) + 1
        for strike in self._strikes:
            if (strike.path, strike.number) == (path, number):
                self._world.struck(strike.what)
                return strike.what
        for outage in self._outages:
            if outage.path == path and outage.begins <= self._time.now < outage.ends:
                self._world.struck(OUTAGE if outage.what is OnRequest.PLAIN_5XX else outage.what)
                return outage.what
        if self._storm.holds(self._time.now):
            for what, odds in self._storm.requests.items():
                if self._chance.random() < odds and can_strike(what, path):
                    self._world.struck(what)
                    return what
        return None

    def _way(self) -> float:
        """Seconds of one way."""
        return self._chance.uniform(0.01, 0.08)

    # -- frames -------------------------------------------------------------------------------------------

    def bring(self, channel: str, symbol: str, frame: str, tell: Callable[[str], None]) -> None:
        """One frame, in the order of its channel unless something happens."""
        link = "public" if channel == "ticker" else "private"
        if self._time.now < self._stalled[link]:
            return
        what = None
        if self._storm.holds(self._time.now):
            what = next((w for w, odds in self._storm.frames.items() if self._chance.random() < odds), None)
        if link == "public" and what not in (OnFrame.GAP, OnFrame.DUPLICATE, OnFrame.MALFORMED):
            what = None
        what = self._fits(what, channel, frame)
        if channel == "positions":
            self._positions = frame
            if self._stale:
                frame, self._stale = self._stale, ""
        if what is not None:
            self._world.struck(what)
        if what is OnFrame.MALFORMED:
            frame = spoiled_frame(frame, self._spoils)
        if what in (OnFrame.GAP, OnFrame.MISSING_CLOSE):
            return
        if what in (OnFrame.REORDER, OnFrame.SWAPPED):
            self._held.setdefault("fill" if what is OnFrame.SWAPPED else channel, []).append((frame, tell))
            self._time.after(HELD_S, partial(self._release, channel, symbol, frame, tell), mortal=True)
            return
        self._deliver(channel, symbol, frame, tell, slow=what is OnFrame.SLOW)
        if what is OnFrame.DUPLICATE:
            self._deliver(channel, symbol, frame, tell)
        for held, tell_held in self._held.pop(channel, ()):
            self._deliver(channel, symbol, held, tell_held)

    def _fits(self, what: OnFrame | None, channel: str, frame: str) -> OnFrame | None:
        """A misfortune only where it can happen."""
        if what is OnFrame.SWAPPED and channel != "orders":
            return None
        if what is OnFrame.MISSING_CLOSE and not (
            channel == "positions" and frame.count("posId") < self._positions.count("posId")
        ):
            return None
        return what

    def _release(self, channel: str, symbol: str, frame: str, tell: Callable[[str], None]) -> None:
        for held in self._held.values():
            if (frame, tell) in held:
                held.remove((frame, tell))
                self._deliver(channel, symbol, frame, tell)

    def _deliver(
        self, channel: str, symbol: str, frame: str, tell: Callable[[str], None], *, slow: bool = False
    ) -> None:
        """Frames of one link do not overtake each other by themselves."""
        link = "public" if channel == "ticker" else "private"
        late = (1.5 if slow else 0.0) + (self._lag() if link == "public" else 0.0)
        when = max(self._time.now + self._way() + late, self._arrived.get(link, 0.0))
        self._arrived[link] = when
        self._time.at(when, partial(self._tell, channel, symbol, frame, tell), mortal=True)

    def _lag(self) -> float:
        late = sum(lag.late for lag in self._lags if lag.begins <= self._time.now < lag.ends)
        if late:
            self._world.struck(LAG)
        return late

    def _tell(self, channel: str, symbol: str, frame: str, tell: Callable[[str], None]) -> None:
        if self._world.is_alive(self):
            if channel == "ticker":
                self._world.watch.priced(symbol, frame)
            if channel == "account":
                self._world.watch.was_read("v2/mix/account/account", {})
            tell(frame)

    # -- links --------------------------------------------------------------------------------------------

    def trouble(self, link: str, what: OnLink, seconds: float) -> None:
        """The link falls silent, or is cut and cannot be dialled, for so long."""
        self._world.struck(what)
        until = self._time.now + seconds
        if what is OnLink.STALL:
            self._stalled[link] = until
            return
        if what is OnLink.STALE:
            self._stale = self._positions
        self._down[link] = until
        cut = self._cut.get(link)
        if cut is not None and not cut.done():
            cut.set_result("the connection was closed by the exchange")

    async def connected(self, link: str) -> None:
        """As soon as the link can be dialled."""
        while (wait := self._down[link] - self._time.now) > 0:  # noqa: ASYNC110 – a cut may last longer by now
            await asyncio.sleep(wait)
        await asyncio.sleep(self._way())
        if link == "private":
            self._world.watch.connected()

    async def lost(self, link: str) -> str:
        self._cut[link] = asyncio.get_running_loop().create_future()
        reason = await self._cut[link]
        if link == "private":
            self._world.watch.disconnected()
        return reason


def can_strike(what: OnRequest, path: str) -> bool:
    """Reads are not refused for business reasons, only an order can be filled in part, and only a list can be
    empty.
    """
    match what:
        case OnRequest.REJECTED:
            return path in REJECTS
        case OnRequest.PARTIAL:
            return path == PLACE
        case OnRequest.HIDDEN:
            return path == POSITIONS
        case _:
            return True
