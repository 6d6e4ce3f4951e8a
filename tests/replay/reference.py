"""The ladder once more, written a second time from the rule book: every tick, plain arithmetic, nothing of
`engine.core`.

It walks the same market tick by tick and says what must have been filled, at which price, and which stops
must rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.simulator.quote import Quote

ZERO = Decimal(0)
TAKER = Decimal("0.0006")
MAINTENANCE = Decimal("0.004")
GUARD = Decimal("0.005")
SANITY = Decimal("0.005")


@dataclass(frozen=True)
class Trade:
    """What an order of one size came to on one quote."""

    symbol: str
    buy: bool
    qty: Decimal
    price: Decimal
    ts: int


class Book:
    """What is left of one quote's levels, by side: they are written out when the first is taken."""

    def __init__(self, quote: Quote) -> None:
        self._quote = quote
        self._left: dict[bool, list[list[Decimal]]] = {}

    def take(self, buy: bool, qty: Decimal) -> list[tuple[Decimal, Decimal]]:
        """(size, price) of every level that a market order of `qty` eats."""
        eaten = []
        if buy not in self._left:
            self._left[buy] = [list(level) for level in (self._quote.asks if buy else self._quote.bids)]
        for level in self._left[buy]:
            part = min(level[1], qty)
            if part > ZERO:
                eaten.append((part, level[0]))
                level[1] -= part
                qty -= part
        assert qty == ZERO, "the book of the recording is deep enough for a small account"
        return eaten


@dataclass
class Leg:
    """One entry."""

    number: int
    qty: Decimal
    entry: Decimal
    locked: bool = False


@dataclass
class Paper:
    """One position under the ladder, long (+1) or short (−1), on one symbol of an isolated account."""

    symbol: str
    d: int
    leverage: Decimal
    tick: Decimal
    lot: Decimal
    legs: list[Leg] = field(default_factory=list)
    qty: Decimal = ZERO
    entry: Decimal = ZERO
    margin: Decimal = ZERO
    first_margin: Decimal = ZERO
    paid: Decimal = ZERO
    """Everything booked to the balance so far: profit − fees + funding."""
    stops: dict[int, Decimal] = field(default_factory=dict)
    fired: int = 0
    rungs: int = 0
    trades: list[Trade] = field(default_factory=list)
    ended: str = ""

    def open(self, qty: Decimal, quote: Quote, book: Book) -> None:
        self._buy_leg(1, qty, quote, book)
        self.first_margin = self.margin

    def liquidation(self) -> Decimal:
        rate = MAINTENANCE + TAKER - self.d
        return max((self.margin - self.qty * self.entry * self.d) / (self.qty * rate), ZERO)

    def is_liquidated(self, mark: Decimal) -> bool:
        cushion = self.margin + self.d * self.qty * (mark - self.entry)
        return cushion <= ZERO or self.qty * mark * (MAINTENANCE + TAKER) / cushion >= 1

    def on_quote(self, quote: Quote, book: Book) -> None:
        """One tick: liquidation, then stops by distance, then a rung."""
        if self.ended or not self.qty:
            return
        if self.is_liquidated(quote.mark):
            self.paid -= self.margin
            self.qty, self.legs, self.ended = ZERO, [], "liquidation"
            return
        for number, trigger in sorted(self.stops.items(), key=lambda stop: (-self.d * stop[1], stop[0])):
            if self.d * (quote.mark - trigger) <= 0:
                self._close_leg(number, quote, book)
        if not self.qty:
            self.ended = "stop"

    def rung(self, quote: Quote, book: Book) -> bool:
        """Fire if the mark has reached the trigger of a front leg that has not fired; tell whether it did."""
        if self.ended or not self.legs or self.legs[-1].number <= self.fired:
            return False
        front = self.legs[-1]
        trigger = front.entry * (1 + self.d / self.leverage)
        if self.d * (quote.mark - trigger) < 0 or abs(quote.last - quote.mark) > quote.mark * SANITY:
            return False
        self.fired = front.number
        half = (front.qty / 2 / self.lot).to_integral_value(ROUND_FLOOR) * self.lot
        self._sell(front, half, quote, book)
        for leg in self.legs:
            leg.locked = True
        size = self.first_margin * self.leverage / quote.mark
        size = (size / self.lot).to_integral_value(ROUND_FLOOR) * self.lot
        self._place_stops()
        self._buy_leg(front.number + 1, size, quote, book)
        self.rungs += 1
        self._place_stops()
        return True

    def fund(self, mark: Decimal, rate: Decimal) -> None:
        if not self.qty:
            return
        amount = (-self.d * self.qty * mark * rate).quantize(Decimal("1e-12"))
        self.margin += amount
        self.paid += amount
        if self.rungs:
            self._place_stops()

    def _place_stops(self) -> None:
        """Locked legs at their entry, the front at its own limit, none past the guard, none loosened."""
        guard = self.liquidation() * (1 + self.d * GUARD)
        for leg in self.legs:
            price = leg.entry
            if not leg.locked:
                price *= (1 - self.d / self.leverage) / (1 - self.d * (MAINTENANCE + TAKER))
            if guard > ZERO and self.d * (guard - price) > 0:
                price = guard
            rounding = ROUND_CEILING if self.d > 0 else ROUND_FLOOR
            price = (price / self.tick).to_integral_value(rounding) * self.tick
            old = self.stops.get(leg.number)
            self.stops[leg.number] = price if old is None or self.d * (price - old) > 0 else old

    def _buy_leg(self, number: int, qty: Decimal, quote: Quote, book: Book) -> None:
        cost = ZERO
        for size, price in book.take(self.d > 0, qty):
            cost += size * price
            self.trades.append(Trade(self.symbol, self.d > 0, size, price, quote.ts))
            total = self.qty + size
            self.entry = (self.qty * self.entry + size * price) / total
            self.qty = total
            self.margin += size * price / self.leverage
            self.paid -= TAKER * size * price
        self.legs.append(Leg(number, qty, cost / qty))

    def _sell(self, leg: Leg, qty: Decimal, quote: Quote, book: Book) -> None:
        for size, price in book.take(self.d < 0, qty):
            self.trades.append(Trade(self.symbol, self.d < 0, size, price, quote.ts))
            self.paid += self.d * size * (price - self.entry) - TAKER * size * price
            self.margin -= self.margin * size / self.qty
            self.qty -= size
        leg.qty -= qty

    def _close_leg(self, number: int, quote: Quote, book: Book) -> None:
        leg = next(leg for leg in self.legs if leg.number == number)
        self._sell(leg, leg.qty, quote, book)
        self.legs.remove(leg)
        del self.stops[number]
