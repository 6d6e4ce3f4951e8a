"""Reducing goes first: what waits for whom, within Bitget's limits. Time passes only where somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.venue.lanes import KEPT_FREE, PERIOD_S, USUAL_LIMIT, Lane, Lanes
from tests.simulation.virtual_time import Timeline, VirtualLoop

PLACE = "v2/mix/order/place-order"


async def took_s(lanes: Lanes, lane: Lane, times: int = 1, path: str = PLACE) -> float:
    """How long so many requests in a row waited, to the millisecond."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(times):
        await lanes.turn(path, lane)
    return round(loop.time() - began, 3)


def played(story: Callable[[], Awaitable[None]]) -> None:
    """Play it in a loop whose clock moves on instead of waiting."""
    loop = VirtualLoop(Timeline())
    try:
        loop.run_until_complete(story())
    finally:
        loop.abandon()


def test_ten_reducing_requests_leave_at_once() -> None:
    async def story() -> None:
        assert await took_s(Lanes(), Lane.REDUCE, USUAL_LIMIT) == 0

    played(story)


def test_the_eleventh_waits_for_bitgets_second() -> None:
    async def story() -> None:
        assert await took_s(Lanes(), Lane.REDUCE, USUAL_LIMIT + 1) == pytest.approx(PERIOD_S, abs=0.002)

    played(story)


def test_a_burst_of_adding_leaves_slots_to_reducing() -> None:
    async def story() -> None:
        lanes = Lanes()
        adding = [asyncio.create_task(took_s(lanes, Lane.ADD)) for _ in range(USUAL_LIMIT)]
        await asyncio.sleep(0.01)
        assert sum(task.done() for task in adding) == USUAL_LIMIT - KEPT_FREE
        assert await took_s(lanes, Lane.REDUCE) == 0

    played(story)


def test_reads_that_hang_do_not_hold_a_reducing_request_up() -> None:
    async def story() -> None:
        lanes, hang = Lanes(reads_at_once=2), asyncio.Event()

        async def read() -> None:
            async with lanes.reading("v2/mix/order/fills"):
                await hang.wait()

        reads = [asyncio.create_task(read()) for _ in range(20)]
        await asyncio.sleep(0)
        assert await took_s(lanes, Lane.REDUCE) == 0
        hang.set()
        await asyncio.gather(*reads)

    played(story)


def test_positions_are_read_five_times_a_second_at_most() -> None:
    async def story() -> None:
        assert await took_s(Lanes(), Lane.READ, 6, "v2/mix/position/all-position") >= PERIOD_S

    played(story)
