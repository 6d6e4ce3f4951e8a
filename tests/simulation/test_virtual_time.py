"""The ground that the proof stands on: time that only the world moves, and crashes that let nothing out."""

from __future__ import annotations

import asyncio

import pytest

from .virtual_time import Crash, Standstill, Timeline, VirtualLoop


def test_an_hour_of_sleep_takes_no_time_and_wakes_at_the_right_moment() -> None:
    timeline = Timeline()
    loop = VirtualLoop(timeline)
    loop.run_until_complete(asyncio.sleep(3600))
    assert timeline.now == pytest.approx(3600, abs=0.001)
    loop.abandon()


def test_the_world_acts_between_two_awaits_and_never_later_than_its_time() -> None:
    timeline = Timeline()
    loop = VirtualLoop(timeline)
    seen: list[tuple[str, float]] = []
    timeline.at(1.5, lambda: seen.append(("world", timeline.now)))

    async def sleeper() -> None:
        await asyncio.sleep(1)
        seen.append(("engine", timeline.now))
        await asyncio.sleep(1)
        seen.append(("engine", timeline.now))

    loop.run_until_complete(sleeper())
    assert [(who, round(at, 2)) for who, at in seen] == [("engine", 1.0), ("world", 1.5), ("engine", 2.0)]
    loop.abandon()


def test_a_crash_stops_the_engine_at_its_step_and_what_it_left_reaches_nothing() -> None:
    timeline = Timeline()
    loop = VirtualLoop(timeline, crash_at=5)
    done: list[int] = []

    async def worker() -> None:
        try:
            for number in range(100):
                done.append(number)
                await asyncio.sleep(0.1)
        finally:
            done.append(-1)

    with pytest.raises(Crash):
        loop.run_until_complete(worker())
    before = timeline.now
    reached = [number for number in done if number >= 0]
    loop.abandon()
    assert len(reached) < 6
    assert done == [*reached, -1], "the way out runs, but no further step"
    assert timeline.now == before


def test_the_world_goes_on_while_no_engine_runs() -> None:
    timeline = Timeline()
    seen: list[float] = []
    for at in (1.0, 2.0, 9.0):
        timeline.at(at, lambda: seen.append(timeline.now))
    timeline.run_until(5.0)
    assert seen == [1.0, 2.0]
    assert timeline.now == 5.0


def test_everybody_waiting_for_nothing_is_said_and_not_waited_for() -> None:
    loop = VirtualLoop(Timeline())
    with pytest.raises(Standstill):
        loop.run_until_complete(loop.create_future())
    loop.abandon()


def test_a_thread_has_no_place_in_virtual_time() -> None:
    loop = VirtualLoop(Timeline())
    with pytest.raises(AssertionError, match="threads"):
        loop.run_until_complete(asyncio.to_thread(print))
    loop.abandon()
