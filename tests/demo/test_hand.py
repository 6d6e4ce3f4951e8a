"""The trader's hand in the demo, on a simulated exchange."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.instrument import Side
from engine.demo.desk import LentHand
from engine.demo.hand import DemoHand
from engine.demo.house import Listening
from engine.simulator.hand import HandError
from engine.simulator.server import SimulatedBitget
from tui.hand import HandRefused

START = 1_746_748_800_000


@pytest.fixture
def rising(tmp_path: Path) -> Path:
    """Ten still minutes of ETH, then 1 % a minute for ten more."""
    prices = [Decimal(2000)] * 10 + [Decimal(2000) + 20 * n for n in range(10)]
    rows = [f"{START + 60_000 * n},{p},{p + 1},{p - 1},{p},500" for n, p in enumerate(prices)]
    file = tmp_path / "ETHUSDT-rising.csv"
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]))
    return file


@asynccontextmanager
async def hand_on(data: Path) -> AsyncIterator[DemoHand]:
    async with SimulatedBitget(data=[data], speed=1) as sim:
        exchange = Listening(sim.url, sim.key, sim.secret, sim.passphrase)
        yield DemoHand(exchange, ("ETHUSDT",), balance=Decimal(100), speed=100)


async def test_the_hand_opens_with_a_tenth_of_the_balance_and_closes_again(rising: Path) -> None:
    async with hand_on(rising) as hand:
        opened = await hand.open("ETHUSDT", Side.LONG)
        assert re.fullmatch(r"opened ETHUSDT long, 0\.(19|2) @ 2,000\.?\d*, 10 USDT at 40x", opened)
        assert (await hand.market.account()).open == (("ETHUSDT", Side.LONG),)
        assert (await hand.close("ETHUSDT")).startswith("closed ETHUSDT long, ")
        assert (await hand.market.account()).open == ()


async def test_what_is_not_open_cannot_be_closed_and_the_desk_is_told_so(rising: Path) -> None:
    async with hand_on(rising) as hand:
        with pytest.raises(HandError, match="nothing is open in ETHUSDT"):
            await hand.close("ETHUSDT")
        with pytest.raises(HandRefused, match="nothing is open in ETHUSDT"):
            await LentHand(hand).close("ETHUSDT")


async def test_the_next_large_move_is_two_percent_and_then_the_market_runs_as_before(rising: Path) -> None:
    async with hand_on(rising) as hand:
        told = await hand.next_move()
        assert re.fullmatch(r"ETHUSDT \+2\.\d % in 0 h 1[12] min of market time", told)
        feed = await hand.market.feed()
        assert feed.is_playing
        assert feed.speed == 100


async def test_at_the_end_of_the_recording_there_is_no_next_move(rising: Path) -> None:
    async with hand_on(rising) as hand:
        with pytest.raises(HandError, match="the recording is at its end"):
            for _ in range(9):
                await hand.next_move()


async def test_an_exchange_that_is_gone_is_told_in_a_sentence(rising: Path) -> None:
    async with hand_on(rising) as hand:
        pass
    with pytest.raises(HandError, match="the simulated exchange does not answer"):
        await hand.market.account()
