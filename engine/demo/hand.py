"""The trader's hand in the demo: what somebody would do at the exchange's app, over its own wire."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from engine.core.instrument import Side
from engine.core.words import percent
from engine.demo.house import Listening, leverage_of
from engine.demo.market import Band, Feed, Market
from engine.simulator.hand import Hand, HandError

SHARE: Final = Decimal("0.1")
"""Margin of a position by hand, as a share of the balance that the account began with."""
LARGE: Final = Decimal("0.02")
HURRY: Final = 10.0
FASTEST: Final = 1200.0
PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.1


class DemoHand:
    """Opens and closes on the simulated exchange, and lets its market run on. Every call raises HandError
    with a sentence when it cannot be done.
    """

    def __init__(
        self, exchange: Listening, symbols: Sequence[str], *, balance: Decimal, speed: float
    ) -> None:
        self.symbols = symbols
        self.market = Market(exchange.url)
        self._exchange = exchange
        self._margin = balance * SHARE
        self.speed = speed

    async def open(self, symbol: str, side: Side) -> str:
        """Open at market, isolated, with the configured leverage."""
        leverage = leverage_of(symbol)
        async with self._hand() as hand:
            order = await hand.open(symbol, side, leverage, margin=self._margin)
        return f"opened {_filled(symbol, side, order)}, {self._margin.normalize():f} USDT at {leverage}x"

    async def close(self, symbol: str) -> str:
        """Close at market; both sides, where both are open."""
        sides = [side for name, side in (await self.market.account()).open if name == symbol]
        if not sides:
            raise HandError(f"nothing is open in {symbol}")
        async with self._hand() as hand:
            return "; ".join(
                [f"closed {_filled(symbol, side, await hand.close(symbol, side))}" for side in sides]
            )

    async def next_move(self) -> str:
        """Run faster until a mark has moved 2 % either way: of what is open, or of anything."""
        before = await self.market.feed()
        watched = {name for name, _ in (await self.market.account()).open} or set(before.marks)
        try:
            after = await self._hurry({name: _band(before.marks[name]) for name in watched})
        finally:
            went_on = await self.market.play(self.speed)
        if not went_on.is_playing or after.has_ended:
            raise HandError("the recording is at its end: quit, and begin again")
        return _told(before, after, watched)

    async def _hurry(self, bands: dict[str, Band]) -> Feed:
        feed = await self.market.play(min(self.speed * HURRY, FASTEST), bands)
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while feed.is_playing and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK_S)
            feed = await self.market.feed()
        return feed

    def _hand(self) -> Hand:
        return Hand(self._exchange.url, self._exchange.signing_key)


def _filled(symbol: str, side: Side, order: dict[str, Any]) -> str:
    return f"{symbol} {side.value}, {Decimal(order['baseVolume']):f} @ {Decimal(order['priceAvg']):,f}"


def _band(mark: Decimal) -> Band:
    return mark * (1 - LARGE), mark * (1 + LARGE)


def _told(before: Feed, after: Feed, watched: set[str]) -> str:
    moves = {name: after.marks[name] / before.marks[name] - 1 for name in watched}
    name = max(moves, key=lambda each: abs(moves[each]))
    hours, minutes = divmod((after.now_ms - before.now_ms) // 60_000, 60)
    sign = "+" if moves[name] > 0 else "−"
    return f"{name} {sign}{percent(abs(moves[name]))} in {hours} h {minutes:02d} min of market time"
