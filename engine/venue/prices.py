"""Is a silent price still true? REST says: the same mark is told again, another one means a dead stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from engine.core.exchange import Tick
from engine.venue.malformed import Malformed, Row, shaped
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.repeats import Repeats
from engine.venue.rest import PRODUCT, Rest

log = logging.getLogger("ratchet.venue")

GRACE: Final = 0.25
"""How long a frame may lag behind the answer that contradicts it, in parts of the silence."""


LAG_MS: Final = 5_000
"""How far the stream may lag behind the exchange: as old as a price may be that is acted on."""


PRICE: Final = "v2/mix/market/symbol-price"


class PriceRow(Row, frozen=True, kw_only=True):
    """A row of symbol-price."""

    symbol: str
    price: Decimal
    mark_price: Decimal
    ts: int


class Prices:
    """The newest tick of each symbol, passed on to `tick`, and questioned after `silence_s` of silence."""

    def __init__(self, rest: Rest, tick: Callable[[Tick], None], silence_s: float) -> None:
        self.newest: dict[str, Tick] = {}
        self._answered = 0
        self._is_behind = False
        self._rest = rest
        self._tick = tick
        self._silence_s = silence_s
        self._unasked = Repeats()

    def frame(self, tick: Tick, stamp: int) -> None:
        """The stream told a price of the moment `stamp`. When REST has told of a much later one, it is old,
        however new it looks.
        """
        was, self._is_behind = self._is_behind, stamp < self._answered - LAG_MS
        if self._is_behind and not was:
            lag_s = (self._answered - stamp) / 1000
            log.warning("the price stream is %.0f s behind: its prices count for nothing", lag_s)
        elif was and not self._is_behind:
            log.warning("the price stream has caught up")
        if not self._is_behind:
            self.put(tick)

    def put(self, tick: Tick) -> None:
        """A price of now."""
        self.newest[tick.symbol] = tick
        self._tick(tick)

    async def watch(self, stands_still: Callable[[], None], is_dead: Callable[[str], None]) -> None:
        """Question every silent price: it stands still, or the stream is dead. Ends by cancellation."""
        while True:
            await asyncio.sleep(self._silence_s / 4)
            for tick in tuple(self.newest.values()):
                if _now_ms() - tick.arrived > self._silence_s * 1000:
                    await self._question(tick, stands_still, is_dead)

    async def watch_lag(self) -> None:
        """Ask again and again how late it is at the exchange. Ends by cancellation."""
        while True:
            await asyncio.sleep(self._silence_s)
            for symbol in tuple(self.newest)[:1]:
                with contextlib.suppress(Refusal, NoAnswer, Malformed):
                    self._answered = (await self.ask(symbol)).ts

    async def _question(
        self, tick: Tick, stands_still: Callable[[], None], is_dead: Callable[[str], None]
    ) -> None:
        try:
            asked = await self.ask(tick.symbol)
        except (Refusal, NoAnswer, Malformed) as error:
            if self._unasked.is_due():
                log.warning("the silent price of %s could not be asked for: %s", tick.symbol, error)
            return
        self._unasked.over()
        mark = asked.mark_price
        if mark == tick.mark:
            if self.newest[tick.symbol] is tick:
                stands_still()
                self.put(msgspec.structs.replace(tick, arrived=_now_ms()))
            return
        await asyncio.sleep(self._silence_s * GRACE)
        if self.newest[tick.symbol] is tick:
            # a stream that stays silent through every redial is replaced by what REST says
            self.put(Tick(tick.symbol, mark, asked.price, _now_ms()))
            is_dead(f"the price of {tick.symbol} moved and no frame said so")

    async def ask(self, symbol: str) -> PriceRow:
        """The price of now. Raises Refusal, NoAnswer or Malformed."""
        data = await self._rest.get(PRICE, {"symbol": symbol, "productType": PRODUCT}, signed=False)
        for row in shaped("symbol-price", data, list[PriceRow]):
            if row.symbol == symbol:
                return row
        raise Malformed("symbol-price", f"{symbol} is missing")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
