"""The feed keeps its pace, and stops on exactly the tick it was told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import pytest

from engine.simulator.candles import MINUTE_MS, Candle, Recording
from engine.simulator.catalogue import RECORDED
from engine.simulator.feed import Feed, Halt, Stops
from engine.simulator.quote import Quote
from engine.simulator.server import load
from engine.simulator.world import World

START = 1_746_372_780_000
DAY = 86_400_000


def recording(count: int = 60, first: int = START) -> Recording:
    """A market that climbs by ten a minute and dips in between."""
    candles = [
        Candle(
            first + MINUTE_MS * n,
            *(Decimal(100_000 + 10 * n + away) for away in (0, 30, -25, 10)),
            Decimal(3),
        )
        for n in range(count)
    ]
    return Recording("BTCUSDT", tuple(candles))


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[Feed]:
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not claim():  # noqa: ASYNC110 - the market tells nobody
            await asyncio.sleep(0.005)


async def halted(feed: Feed) -> None:
    async with asyncio.timeout(60):
        await feed.halted()


async def test_a_band_stops_the_feed_on_exactly_the_first_tick_outside() -> None:
    reference = World([recording()])
    marks: list[Quote] = []
    while (quote := reference.step()) is not None:
        marks.append(quote)
    high = Decimal(100_333)
    expected = next(quote for quote in marks if quote.mark >= high)

    world = World([recording()])
    seen: list[Quote] = []
    world.market.follow(seen.append)
    async with running(Feed(world, 0)) as feed:
        feed.play(stops=Stops({"BTCUSDT": (None, high)}))
        await halted(feed)
    assert feed.halt is Halt.BAND
    assert seen[-1] == expected == world.market["BTCUSDT"].quote
    assert all(quote.mark < high for quote in seen[:-1])


async def test_the_low_side_of_a_band_stops_it_too_and_it_goes_on_from_there() -> None:
    world = World([recording()])
    async with running(Feed(world, 0)) as feed:
        feed.play(stops=Stops({"BTCUSDT": (Decimal(99_990), Decimal(200_000))}))
        await halted(feed)
        first = world.market["BTCUSDT"].quote
        assert first.mark <= Decimal(99_990)
        feed.play(stops=Stops({"BTCUSDT": (None, Decimal(100_100))}))
        await halted(feed)
    assert world.market["BTCUSDT"].quote.mark >= Decimal(100_100)
    assert world.market.now_ms > first.ts


async def test_the_feed_stops_at_a_market_time_with_no_later_tick_told() -> None:
    world = World([recording()])
    until = START + 10 * MINUTE_MS + 500
    async with running(Feed(world, 0)) as feed:
        feed.play("max", Stops(until_ms=until))
        await halted(feed)
    assert feed.halt is Halt.TIME
    assert world.market.now_ms == until == world.exchange.now_ms
    assert world.market["BTCUSDT"].quote.ts <= until


async def test_the_feed_stops_at_the_end() -> None:
    world = World([recording(3)])
    async with running(Feed(world, "max")) as feed:
        await halted(feed)
        assert feed.halt is Halt.END
        assert feed.describe()["progress"] == pytest.approx(1, abs=0.02)
        assert feed.ticks_played == 3 * 61


async def test_the_feed_stops_at_funding_after_it_was_settled() -> None:
    world = World([recording()])
    due = world.funding.due_ms
    async with running(Feed(world, 0)) as feed:
        feed.play("max", Stops(at_funding=True))
        await halted(feed)
    assert (feed.halt, world.market.now_ms) == (Halt.FUNDING, due)
    assert world.funding.due_ms == due + 8 * 3_600_000


async def test_the_feed_stops_at_midnight() -> None:
    world = World([recording(30, first=START - START % DAY + DAY - 10 * MINUTE_MS)])
    async with running(Feed(world, 0)) as feed:
        feed.play("max", Stops(at_day=True))
        await halted(feed)
    assert feed.halt is Halt.DAY
    assert world.market.now_ms % DAY == 0


def test_the_feed_keeps_the_pace_it_was_given() -> None:
    world = World([recording()])
    wall_s = 1_000.0
    feed = Feed(world, 60, wall=lambda: wall_s)
    assert (feed.play_slice(), world.market.now_ms) == (
        pytest.approx(MINUTE_MS / 61 / 60_000, abs=1e-4),
        START,
    )
    wall_s += 0.5
    wait = feed.play_slice()
    assert 29_000 < world.market.now_ms - START <= 30_000, "half a second at 60 times real time"
    assert wait is not None and 0 < wait < 0.02


async def test_pausing_stops_the_market_and_playing_goes_on() -> None:
    world = World([recording()])
    async with running(Feed(world, 600)) as feed:
        began = world.market.now_ms
        await until(lambda: world.market.now_ms > began)
        feed.pause()
        stood, at = world.market.now_ms, time.monotonic()
        await asyncio.sleep(0.05)
        assert world.market.now_ms == stood
        feed.play(600)
        await until(lambda: world.market.now_ms > stood)
        assert world.market.now_ms <= stood + 600_000 * (time.monotonic() - at)


async def test_time_can_pass_on_a_still_market_without_thousands_of_ticks() -> None:
    world = World(still={"BTCUSDT": Decimal(100_000)})
    began = world.market.now_ms
    async with running(Feed(world, 0)) as feed:
        await feed.advance(3 * DAY)
        assert world.market.now_ms == began + 3 * DAY == world.exchange.now_ms
        assert feed.ticks_played < 10
        assert feed.halt is Halt.TIME


async def test_the_clock_goes_on_after_time_was_advanced_while_playing() -> None:
    world = World(still={"BTCUSDT": Decimal(100_000)})
    async with running(Feed(world, 1_000)) as feed:
        await feed.advance(DAY)
        assert feed.halt is None
        at = world.market.now_ms
        await until(lambda: world.market.now_ms > at)


async def test_a_band_still_holds_after_time_was_advanced_on_the_way_to_it() -> None:
    world = World([recording(200)])
    async with running(Feed(world, 0)) as feed:
        feed.play(600, Stops({"BTCUSDT": (None, Decimal(100_700))}))
        await feed.advance(20 * MINUTE_MS)
        assert feed.halt is None
        feed.speed = "max"
        await halted(feed)
    assert feed.halt is Halt.BAND


def test_speeds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0, or 'max'"):
        Feed(World(still={"BTCUSDT": Decimal(1)}), -1)


async def test_other_tasks_run_while_the_feed_plays_at_full_speed() -> None:
    world = World([load(RECORDED / "BTCUSDT-perp-1m-2025-05.csv.gz")])
    worst = 0.0
    async with running(Feed(world, "max")):
        for _ in range(20):
            began = time.thread_time()
            await asyncio.sleep(0)
            worst = max(worst, time.thread_time() - began)
    assert worst < 0.25, "a slice is four milliseconds long; sockets are served in between"


def test_the_feed_lives_through_twenty_thousand_ticks_a_second() -> None:
    world = World([load(RECORDED / "BTCUSDT-perp-1m-2025-05.csv.gz")])
    world.exchange.open_account("1", Decimal(100))
    feed = Feed(world, "max")
    best = 0.0
    for _ in range(4):
        before, began = feed.ticks_played, time.process_time()
        while feed.ticks_played < before + 8_000:
            feed.play_slice()
        best = max(best, (feed.ticks_played - before) / (time.process_time() - began))
    assert best > 20_000, f"{best:.0f} ticks a second of processor time"
