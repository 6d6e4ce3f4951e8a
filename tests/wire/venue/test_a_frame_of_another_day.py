"""A frame that dates itself years ahead: no day begins by it, and what is closed for the day stays closed."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from test_a_stream_that_lags import frame, tell
from watched import move, running

from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.rest import LEAP_MS

DAY_MS = 86_400_000


def ahead(venue: Bitget, sim: SimulatedBitget) -> int:
    """How far the engine's idea of the market's time is ahead of it, milliseconds."""
    return venue.market_ms() - sim.market.now_ms


@pytest.mark.parametrize("days", [1, 4_000, -4_000])
async def test_a_frame_of_another_day_is_not_believed(days: int) -> None:
    async with SimulatedBitget(ideal=True, speed=0) as sim, running(sim) as (venue, told):
        await told.until(lambda: told.ticks)
        for _ in range(20):
            tell(venue, frame("100000", sim.market.now_ms + days * DAY_MS))
            assert abs(ahead(venue, sim)) < LEAP_MS
            await asyncio.sleep(0.02)
            assert abs(ahead(venue, sim)) < LEAP_MS


async def test_a_day_that_has_come_begins_also_without_a_frame_in_between() -> None:
    """A laptop that slept, or a market that is played fast: REST tells the same."""
    async with SimulatedBitget(ideal=True, speed=0) as sim, running(sim) as (venue, told):
        await told.until(lambda: told.ticks)
        before = venue.market_ms()
        async with aiohttp.ClientSession() as session:
            await session.post(f"{sim.url}/_sim/clock", json={"advance_ms": 3 * DAY_MS})
        await move(sim, "BTCUSDT", "100100")
        await told.until(lambda: venue.market_ms() - before >= 3 * DAY_MS)
        assert abs(ahead(venue, sim)) < LEAP_MS
