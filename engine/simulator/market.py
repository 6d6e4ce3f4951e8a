"""The market: each symbol's price, book, trades and chart, moved one tick at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from statistics import median
from typing import Final

import msgspec

from engine.core.instrument import ZERO, floor_to
from engine.simulator.book import Depth, Offers
from engine.simulator.candles import Candle
from engine.simulator.chart import Chart
from engine.simulator.path import INDEX_BASIS, MARK_BASIS, Wander
from engine.simulator.quote import Quote

TRADES_KEPT: Final = 500
QUIET_TURNOVER: Final = Decimal(1_000_000)
_BOTTOMLESS_TURNOVER: Final = Decimal(10) ** 12
_FIRST_TRADE_ID: Final = 1_320_000_000_000_000_000


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A public trade; `size` in base coin, `is_buy` says that the taker bought."""

    ts: int
    trade_id: int
    price: Decimal
    size: Decimal
    is_buy: bool


class Tape:
    """One symbol of the market.

    The last price is what the recording says. A rising last price is a taker's buy at the ask, a falling
    one a sale at the bid; the other side of the book is one spread away (mostly one tick). The mark is the
    last price moved by at most 1.5 basis points and the index by at most 4, both drifting by the minute. In
    an ideal market all of them are the same number, the book is bottomless and there is no spread.
    """

    def __init__(
        self,
        symbol: str,
        tick: Decimal,
        lot: Decimal,
        *,
        price: Decimal,
        ts: int,
        history: Sequence[Candle] = (),
        seed: int = 0,
        ideal: bool = False,
    ) -> None:
        self.symbol = symbol
        self.tick = tick
        self.lot = lot
        self.chart = Chart(history)
        self.trades: deque[Trade] = deque(maxlen=TRADES_KEPT)
        self.trades_seen = 0
        self.mark_basis = Wander(f"{seed}:{symbol}:mark", 0.0 if ideal else MARK_BASIS)
        self.index_basis = Wander(f"{seed}:{symbol}:index", 0.0 if ideal else INDEX_BASIS)
        self._ideal = ideal
        self._rising = True
        turnover = _BOTTOMLESS_TURNOVER if ideal else _usual_turnover(history)
        self._depth = Depth(f"{seed}:{symbol}", price, tick, lot, turnover)
        self.quote = self._around(ts, price)
        if not history:
            self.chart.trade(ts, price, ZERO)

    def move(self, ts: int, price: Decimal, volume: Decimal = ZERO) -> Quote:
        """The market trades `volume` at `price`; a `volume` of zero moves the price without a trade."""
        if price != self.quote.last:
            self._rising = price > self.quote.last
        self.quote = self._around(ts, price)
        self._trade(ts, price, volume)
        return self.quote

    def stay(self, ts: int) -> Quote:
        """Nothing happened: the same prices a moment later, and what was taken from the book is back."""
        self.quote = msgspec.structs.replace(self.quote, ts=ts)
        self.chart.trade(ts, self.quote.last, ZERO)
        return self.quote

    def show(self, quote: Quote) -> Quote:
        """Take `quote` as it is, its book included."""
        self._rising = quote.last >= self.quote.last
        self.quote = quote
        self.chart.trade(quote.ts, quote.last, ZERO)
        return quote

    def pin(self, ts: int, price: Decimal) -> Quote:
        """One tick at which mark, index and last are exactly `price`."""
        self._rising = price >= self.quote.last
        bids, asks = self._sides(ts, price)
        self.quote = Quote(self.symbol, ts, price, price, price, bids, asks)
        self._trade(ts, price, ZERO)
        return self.quote

    def _trade(self, ts: int, price: Decimal, volume: Decimal) -> None:
        self.chart.trade(ts, price, volume)
        if volume:
            self.trades_seen += 1
            size = max(floor_to(volume, self.lot), self.lot)
            self.trades.append(Trade(ts, _FIRST_TRADE_ID + self.trades_seen, price, size, self._rising))

    def _around(self, ts: int, price: Decimal) -> Quote:
        bids, asks = self._sides(ts, price)
        if self._ideal:
            return Quote(self.symbol, ts, price, price, price, bids, asks)
        ticks = float(price / self.tick)
        mark = self.tick * max(1, round(ticks * (1 + self.mark_basis(ts))))
        index = self.tick * max(1, round(ticks * (1 + self.index_basis(ts))))
        return Quote(self.symbol, ts, mark, index, price, bids, asks)

    def _sides(self, ts: int, price: Decimal) -> tuple[Offers, Offers]:
        turn = ts // 100
        below = int((price / self.tick).to_integral_value(ROUND_FLOOR))
        above = below if self.tick * below == price else below + 1
        spread = 0 if self._ideal else self._depth.spread(turn)
        if self._rising:
            bid, ask = max(1, above - max(spread, above - below)), above
        else:
            bid, ask = max(1, below), max(below + spread, above)
        return self._depth.bids(max(1, bid), turn), self._depth.asks(max(ask, bid), turn)


def _usual_turnover(history: Sequence[Candle]) -> Decimal:
    """The median turnover of a minute in the last day of `history`; a quiet million without trades."""
    turnovers = [candle.turnover for candle in history[-1440:] if candle.volume]
    return median(turnovers) if turnovers else QUIET_TURNOVER


class Market:
    """The tapes, by symbol, and those who follow them. `now_ms` is the market's time."""

    def __init__(self, tapes: Sequence[Tape], now_ms: int) -> None:
        self._tapes: Mapping[str, Tape] = {tape.symbol: tape for tape in tapes}
        self._followers: list[Callable[[Quote], None]] = []
        self.now_ms = now_ms

    def __getitem__(self, symbol: str) -> Tape:
        """The tape of `symbol`; KeyError when it is not listed."""
        return self._tapes[symbol]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._tapes

    def __iter__(self) -> Iterator[Tape]:
        return iter(self._tapes.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._tapes)

    def follow(self, follower: Callable[[Quote], None]) -> Callable[[], None]:
        """Call `follower` with every quote, in order; the answer ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def move(self, symbol: str, ts: int, price: Decimal, volume: Decimal) -> Quote:
        """A tick of the recording."""
        self.now_ms = ts
        return self._tell(self._tapes[symbol].move(ts, price, volume))

    def stay(self, symbol: str, ts: int) -> Quote:
        """A tick without news."""
        self.now_ms = ts
        return self._tell(self._tapes[symbol].stay(ts))

    def show(self, quote: Quote) -> Quote:
        """A quote from elsewhere, such as a live market that is traded on paper."""
        self.now_ms = max(self.now_ms, quote.ts)
        return self._tell(self._tapes[quote.symbol].show(quote))

    def pin(self, symbol: str, price: Decimal) -> Quote:
        """One tick, a millisecond after the last one, at exactly `price` (mark, index and last)."""
        self.now_ms += 1
        return self._tell(self._tapes[symbol].pin(self.now_ms, price))

    def _tell(self, quote: Quote) -> Quote:
        for follower in self._followers:
            follower(quote)
        return quote
