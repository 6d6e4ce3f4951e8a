"""However many want an answer, the engine is asked by one at a time."""

from __future__ import annotations

import asyncio

import pytest

from engine.api.rest.kept import Kept
from engine.protocol import NotAnswering


class Slow:
    """Answers with how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.may.wait()
        return number


async def test_a_crowd_is_one_question() -> None:
    slow = Slow()
    kept = Kept(slow, fresh_s=3600)
    crowd = [asyncio.create_task(kept.get()) for _ in range(100)]
    await asyncio.sleep(0)
    slow.may.set()
    assert await asyncio.gather(*crowd) == [1] * 100
    assert await kept.get() == 1


async def test_what_was_asked_before_a_change_is_not_told_after_it() -> None:
    slow = Slow()
    kept = Kept(slow, fresh_s=3600)
    early = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    kept.forget()
    late = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    slow.may.set()
    assert (await early, await late) == (1, 2)


async def test_who_hangs_up_does_not_take_the_answer_from_the_others() -> None:
    slow = Slow()
    kept = Kept(slow, fresh_s=3600)
    gone, stays = (asyncio.create_task(kept.get()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    slow.may.set()
    assert await stays == 1


async def test_silence_is_told_to_all_who_asked_and_the_next_asks_anew() -> None:
    answers = iter([NotAnswering("silent"), 7])

    async def engine() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(engine, fresh_s=3600)
    with pytest.raises(NotAnswering):
        await kept.get()
    assert await kept.get() == 7
