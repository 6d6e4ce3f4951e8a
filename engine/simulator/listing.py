"""One symbol of the exchange: its contract, its market, and the depth that is left in the current quote."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ZERO
from engine.simulator.contract import Contract
from engine.simulator.errors import refusal
from engine.simulator.quote import Level, Quote

_HOUR_MS = 3_600_000


class Listing:
    """The market side of a symbol. Depth taken from a quote stays taken until the next quote arrives.

    In an ideal market there is no book: any size trades at the mark.
    """

    def __init__(self, contract: Contract, *, ideal: bool, now_ms: int) -> None:
        self.contract = contract
        self.status = contract.instrument.status
        self.funding_rate = ZERO
        self.next_funding_ms = self.funding_after(now_ms)
        self.quote: Quote | None = None
        self.before: Quote | None = None
        self._ideal = ideal
        self._taken: dict[tuple[bool, Decimal], Decimal] = {}

    @property
    def symbol(self) -> str:
        return self.contract.symbol

    def show(self, quote: Quote) -> None:
        """The market moved: a new quote with untouched depth."""
        self.before = self.quote
        self.quote = quote
        if self._taken:
            self._taken.clear()

    def current(self) -> Quote:
        """The quote that orders meet. Raises 40823 as long as there is none."""
        if self.quote is None:
            raise refusal("40823")
        return self.quote

    def offered(self, *, buying: bool, qty: Decimal, limit: Decimal | None = None) -> list[Level]:
        """What an order for `qty` would get now, best first; never beyond `limit`, perhaps less than
        `qty`."""
        quote = self.current()
        if self._ideal:
            is_beyond = limit is not None and (quote.mark > limit if buying else quote.mark < limit)
            return [] if is_beyond else [(quote.mark, qty)]
        got: list[Level] = []
        for price, size in quote.asks if buying else quote.bids:
            if qty <= ZERO or (limit is not None and (price > limit if buying else price < limit)):
                break
            part = min(qty, size - self._taken.get((buying, price), ZERO))
            if part > ZERO:
                got.append((price, part))
                qty -= part
        return got

    def take(self, *, buying: bool, price: Decimal, qty: Decimal) -> None:
        """Remove traded depth from the current quote."""
        self._taken[buying, price] = self._taken.get((buying, price), ZERO) + qty

    def funding_after(self, now_ms: int) -> int:
        """The first funding time after `now_ms`: multiples of the contract's interval since midnight UTC."""
        step = self.contract.funding_hours * _HOUR_MS
        return (now_ms // step + 1) * step
