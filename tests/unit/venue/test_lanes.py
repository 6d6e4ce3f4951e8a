"""Reducing goes first: what waits for whom, within Bitget's limits."""

from __future__ import annotations

import asyncio

from engine.venue.lanes import KEPT_FREE, PERIOD_S, USUAL_LIMIT, Lane, Lanes

PLACE = "v2/mix/order/place-order"


async def take(lanes: Lanes, lane: Lane, path: str = PLACE) -> float:
    await lanes.turn(path, lane)
    return asyncio.get_running_loop().time()


async def test_ten_reducing_requests_leave_at_once() -> None:
    lanes = Lanes()
    started = asyncio.get_running_loop().time()
    times = [await take(lanes, Lane.REDUCE) for _ in range(USUAL_LIMIT)]
    assert max(times) - started < 0.5


async def test_the_eleventh_waits_for_bitgets_second() -> None:
    lanes = Lanes()
    started = asyncio.get_running_loop().time()
    for _ in range(USUAL_LIMIT + 1):
        last = await take(lanes, Lane.REDUCE)
    assert PERIOD_S <= last - started < PERIOD_S + 1.0


async def test_a_burst_of_adding_leaves_slots_to_reducing() -> None:
    lanes = Lanes()
    adding = [asyncio.create_task(take(lanes, Lane.ADD)) for _ in range(USUAL_LIMIT)]
    await asyncio.sleep(0.01)
    assert sum(task.done() for task in adding) == USUAL_LIMIT - KEPT_FREE
    started = asyncio.get_running_loop().time()
    assert await take(lanes, Lane.REDUCE) - started < 0.5
    for task in adding:
        task.cancel()
    await asyncio.gather(*adding, return_exceptions=True)


async def test_reads_that_hang_do_not_hold_a_reducing_request_up() -> None:
    lanes = Lanes(reads_at_once=2)
    hang = asyncio.Event()

    async def read() -> None:
        async with lanes.reading("v2/mix/order/fills"):
            await hang.wait()

    reads = [asyncio.create_task(read()) for _ in range(20)]
    await asyncio.sleep(0)
    started = asyncio.get_running_loop().time()
    assert await take(lanes, Lane.REDUCE) - started < 0.5
    hang.set()
    await asyncio.gather(*(asyncio.wait_for(each, 30) for each in reads))


async def test_positions_are_read_five_times_a_second_at_most() -> None:
    lanes = Lanes()
    started = asyncio.get_running_loop().time()
    for _ in range(6):
        last = await take(lanes, Lane.READ, "v2/mix/position/all-position")
    assert last - started >= PERIOD_S
