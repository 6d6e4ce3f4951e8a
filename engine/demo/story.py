"""The story as lines, for pipes, screen readers and machines without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from engine.commands.figures import clock, rungs
from engine.commands.plain import beginning, changes, name, numbers, position, won
from engine.core.words import amount, percent
from engine.demo.hand import DemoHand
from engine.demo.house import House
from engine.demo.market import Market
from engine.demo.refused import NOT_UP, DemoRefused
from engine.demo.scenario import Scenario
from engine.protocol import Snapshot

LOOK_S: Final = 0.2
NUMBERS_S: Final = 15.0
FIRST_LOOK_S: Final = 1.0
"""How long a newcomer sees the account before the hand opens something."""


class Story:
    """What happens in the demo, told by comparing the engine's snapshots; times are the market's own, UTC."""

    def __init__(self, house: House, hand: DemoHand, scenario: Scenario, balance: Decimal) -> None:
        self._house = house
        self._hand = hand
        self._scenario = scenario
        self._balance = balance
        self._last: Snapshot | None = None

    def tell(self, seconds: float | None) -> int:
        """Open by hand, let the market run for `seconds`, and sum up. Ends earlier with the recording.

        Raises DemoRefused when a process is lost, HandError when the hand is refused.
        """
        try:
            self._begin()
            self._follow(seconds)
        except KeyboardInterrupt:
            self._say(("ended by Ctrl-C",))
            self._sum_up()
            raise
        self._sum_up()
        return 0

    def _begin(self) -> None:
        self._say(beginning(self._look()))
        time.sleep(FIRST_LOOK_S)
        opened = asyncio.run(self._hand.open(self._scenario.symbol, self._scenario.side))
        self._say((f"by hand, as at Bitget's app: {opened}",))
        time.sleep(FIRST_LOOK_S)
        asyncio.run(self._hand.market.play(self._hand.speed))
        self._say((f"the market runs {self._hand.speed:g} times as fast as it was",))

    def _follow(self, seconds: float | None) -> None:
        begun = told = time.monotonic()
        while seconds is None or time.monotonic() - begun < seconds:
            time.sleep(LOOK_S)
            before, now = self._last, self._look()
            if before is not None:
                self._say(changes(before, now))
            if time.monotonic() - told >= NUMBERS_S:
                told = time.monotonic()
                self._say(numbers(now))
                if asyncio.run(self._hand.market.feed()).has_ended:
                    self._say(("the recording is at its end",))
                    return

    def _look(self) -> Snapshot:
        seen = self._house.engine.snapshot()
        if not isinstance(seen, Snapshot):
            raise DemoRefused(self._house.lost() or seen.text, NOT_UP)
        self._last = seen
        return seen

    def _sum_up(self) -> None:
        now = self._look()
        self._say(f"still open: {position(each)}" for each in now.positions)
        self._say(
            f"closed: {name(each)}, {each.reason}, {rungs(each.rungs)}, {won(each.result)}"
            for each in now.closed
        )
        print(asyncio.run(result(self._hand.market, self._balance)), flush=True)

    def _say(self, lines: Iterable[str]) -> None:
        market = clock(self._last.engine.market) if self._last else "--:--:--"
        for line in lines:
            print(f"{market} {line}", flush=True)


async def result(market: Market, balance: Decimal) -> str:
    """What became of the account, in the exchange's own figures."""
    account = await market.account()
    gain = account.equity - balance
    return (
        f"Result: {amount(balance)} USDT became {amount(account.equity)} "
        f"({won(gain)}, {percent(abs(gain) / balance)}), open profit included and fees paid."
    )
