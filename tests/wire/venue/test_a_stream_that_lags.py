"""A price stream that comes steadily, and is late: every frame looks new, and none is."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal as D

import pytest
from watched import move, running

from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget


def frame(price: str, at: int) -> str:
    row = {"instId": "BTCUSDT", "lastPr": price, "markPrice": price, "bidPr": price, "askPr": price}
    arg = {"instType": "USDT-FUTURES", "channel": "ticker", "instId": "BTCUSDT"}
    return json.dumps({"action": "snapshot", "arg": arg, "data": [row], "ts": at})


def tell(venue: Bitget, text: str) -> None:
    """A frame on the public websocket."""
    [public] = [link for link in venue._links.values() if link.name == "public"]
    assert public._tap.take(text)


async def test_prices_of_a_stream_that_is_behind_count_for_nothing_until_it_has_caught_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with SimulatedBitget(ideal=True, speed=0) as sim, running(sim) as (venue, told):
        await told.until(lambda: told.ticks)
        now = sim.market.now_ms
        while "s behind: its prices count for nothing" not in caplog.text:
            tell(venue, frame("50000", now - 20_000))
            await asyncio.sleep(0.05)
        before = len(told.ticks)
        tell(venue, frame("40000", now - 19_000))
        assert D(40_000) not in {tick.mark for tick in told.ticks[before:]}
        while "the price stream has caught up" not in caplog.text:
            await move(sim, "BTCUSDT", "100100")
            await asyncio.sleep(0.05)
        tell(venue, frame("100200", sim.market.now_ms))
        assert told.ticks[-1].mark == D(100_200)
