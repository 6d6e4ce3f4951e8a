"""The market's clock: plays the replay at a speed, stops where it was told to, and says why it stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from engine.simulator.chart import DAY_MS
from engine.simulator.quote import Quote
from engine.simulator.world import World

Speed = float | Literal["max"]
_SLICE_S: Final = 0.004
_TICKS_A_LOOK: Final = 32


class Halt(StrEnum):
    """Why the feed does not play."""

    ASKED = "asked"
    BAND = "band"
    TIME = "time"
    FUNDING = "funding"
    DAY = "day"
    END = "end"


class Stops(msgspec.Struct, frozen=True):
    """Where to stop: `bands` on the first tick with mark ≤ low or mark ≥ high; `until_ms` at that time."""

    bands: Mapping[str, tuple[Decimal | None, Decimal | None]] = {}
    until_ms: int | None = None
    at_funding: bool = False
    at_day: bool = False

    def reached(self, quote: Quote) -> bool:
        """Whether `quote` has left its symbol's band."""
        band = self.bands.get(quote.symbol)
        if band is None:
            return False
        low, high = band
        return (low is not None and quote.mark <= low) or (high is not None and quote.mark >= high)

    def time_stop(self, world: World, next_ms: int) -> tuple[int, Halt] | None:
        """The earliest stop that lies before the tick at `next_ms`, or at it."""
        now = world.market.now_ms
        stops: list[tuple[int, Halt]] = []
        if self.until_ms is not None and self.until_ms < next_ms:
            stops.append((max(self.until_ms, now), Halt.TIME))
        if self.at_funding and world.funding.due_ms <= next_ms:
            stops.append((world.funding.due_ms, Halt.FUNDING))
        if self.at_day and (midnight := now - now % DAY_MS + DAY_MS) <= next_ms:
            stops.append((midnight, Halt.DAY))
        return min(stops, key=lambda stop: stop[0]) if stops else None


class Feed:
    """Plays a world in real time × `speed`, or as fast as it goes. `run` is the task that does it.

    `wall` is the clock that speed is measured with (seconds, monotonic). Followers of `on_halt` are called
    each time the feed stops, after the tick that stopped it was told to everybody.
    """

    def __init__(self, world: World, speed: Speed = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._wall = wall
        self._stops = Stops()
        self._changed = asyncio.Event()
        self._halted = asyncio.Event()
        self._on_halt: list[Callable[[], None]] = []
        self.ticks_played = 0
        self.speed: Speed = 1.0
        self.halt: Halt | None = Halt.ASKED
        self._halted.set()
        if speed:
            self.play(speed)

    def play(self, speed: Speed | None = None, stops: Stops = Stops()) -> None:  # noqa: B008 - frozen
        """Go on from here. Without a `speed` the last one; full speed when there is a band to reach."""
        if speed is None:
            speed = "max" if stops.bands else self.speed
        if speed != "max" and not 0 < speed < float("inf"):
            raise ValueError(f"speed {speed}: a number above 0, or 'max', is expected")
        self.speed = speed
        self._stops = stops
        self.halt = None
        self._anchor()
        self._halted.clear()
        self._changed.set()

    def pause(self, why: Halt = Halt.ASKED) -> None:
        """Stop before the next tick."""
        self.halt = why
        for follower in self._on_halt:
            follower()
        self._halted.set()
        self._changed.set()

    def on_halt(self, follower: Callable[[], None]) -> None:
        self._on_halt.append(follower)

    async def halted(self) -> None:
        """Return when the feed does not play."""
        await self._halted.wait()

    async def advance(self, by_ms: int) -> None:
        """Let `by_ms` of market time pass at once: recorded ticks are played, still symbols beat once."""
        target = self._world.market.now_ms + by_ms
        before, speed, stops = self.halt, self.speed, self._stops
        self._world.replay.skip_to(target)
        self.play("max", Stops(until_ms=target))
        await self.halted()
        self.speed = speed
        if before is None and self.halt is Halt.TIME:
            self.play(speed, stops)

    def describe(self) -> dict[str, Any]:
        """What GET /_sim/feed answers."""
        market = self._world.market
        return {
            "state": "play" if self.halt is None else "pause",
            "reason": None if self.halt is None else self.halt.value,
            "speed": self.speed,
            "now_ms": market.now_ms,
            "marks": {tape.symbol: format(tape.quote.mark, "f") for tape in market},
            "progress": self._world.replay.progress(market.now_ms),
            "ticks": self.ticks_played,
        }

    async def run(self) -> None:
        """Play until cancelled. Between slices of a few milliseconds the loop is given to everybody else."""
        try:
            while True:
                if self.halt is not None:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                wait = self.play_slice()
                if wait is None:
                    await asyncio.sleep(0)
                else:
                    await self._rest(wait)
        finally:
            self._halted.set()

    def play_slice(self) -> float | None:
        """Live through the ticks that are due, for a few milliseconds at most.

        Returns the seconds until the next tick is due, or None when there is more to do at once or the feed
        halted.
        """
        stop_at = time.perf_counter() + _SLICE_S
        while self.halt is None:
            for _ in range(_TICKS_A_LOOK):
                next_ms = self._world.next_ms()
                if next_ms is None:
                    self.pause(Halt.END)
                    return None
                if (stop := self._stops.time_stop(self._world, next_ms)) is not None:
                    return self._stop_at(*stop)
                if self.speed != "max" and (wait := self._due_in(next_ms, self.speed)) > 0:
                    return wait
                quote = self._world.step()
                self.ticks_played += 1
                if quote is not None and self._stops.bands and self._stops.reached(quote):
                    self.pause(Halt.BAND)
                    return None
            if time.perf_counter() > stop_at:
                return None
        return None

    def _stop_at(self, at: int, why: Halt) -> float | None:
        if self.speed != "max" and (wait := self._due_in(at, self.speed)) > 0:
            return wait
        self._world.wait_until(at)
        self.pause(why)
        return None

    def _anchor(self) -> None:
        self._anchor_ms = self._world.market.now_ms
        self._anchor_s = self._wall()

    def _due_in(self, ts: int, speed: float) -> float:
        return self._anchor_s + (ts - self._anchor_ms) / 1000 / speed - self._wall()

    async def _rest(self, seconds: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
