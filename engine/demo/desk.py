"""The desk in the demo: the trader's own, with a hand on the simulated exchange."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from engine.core.instrument import Side
from engine.demo.hand import DemoHand
from engine.demo.house import House
from engine.demo.scenario import Scenario
from engine.demo.wish import Wish
from engine.simulator.hand import HandError
from tui.hand import HandRefused
from tui.run import run_desk

FIRST_LOOK_S: Final = 3.0
"""How long a newcomer sees the empty desk, and then the fresh position, before the market begins to run."""

FAREWELL: Final = "The demo is over: its engine and its exchange end with the desk."


def show(house: House, hand: DemoHand, scenario: Scenario, wish: Wish) -> int:
    """Run the desk until `q`, the end of the time or a signal; returns the exit code, 128 + n after signal n.

    Raises HandError when the first position could not be opened.
    """
    with Prompter(hand, scenario, wish.seconds) as prompter:
        return run_desk(
            house.paths.socket,
            theme=wish.theme,
            ascii=wish.ascii,
            mouse=wish.mouse,
            hand=LentHand(hand),
            farewell=FAREWELL,
            until=prompter.work,
        )


class Prompter:
    """What has to happen while the desk is open, from a thread of its own: the first position, the running
    market, the end: `work` is done when the desk has to close. Leaving the block raises what went wrong.
    """

    def __init__(self, hand: DemoHand, scenario: Scenario, seconds: float | None) -> None:
        self._hand = hand
        self._scenario = scenario
        self._seconds = seconds
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, "prompter")
        self.work = self._pool.submit(self._prompt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._pool.shutdown()
        self.work.result()

    def _prompt(self) -> None:
        if self._over.wait(FIRST_LOOK_S):
            return
        asyncio.run(self._hand.open(self._scenario.symbol, self._scenario.side))
        if self._over.wait(FIRST_LOOK_S):
            return
        asyncio.run(self._hand.market.play(self._hand.speed))
        self._over.wait(self._seconds)


class LentHand:
    """The hand as the desk wants it: a refusal is told in the desk's own words."""

    def __init__(self, hand: DemoHand) -> None:
        self._hand = hand

    @property
    def symbols(self) -> Sequence[str]:
        return self._hand.symbols

    async def open(self, symbol: str, side: Side) -> str:
        return await _done(self._hand.open(symbol, side))

    async def close(self, symbol: str) -> str:
        return await _done(self._hand.close(symbol))

    async def next_move(self) -> str:
        return await _done(self._hand.next_move())


async def _done(deed: Awaitable[str]) -> str:
    try:
        return await deed
    except HandError as error:
        raise HandRefused(str(error)) from error
