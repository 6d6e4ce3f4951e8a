"""What the market shows at one moment: the value that passes from a market to the simulated exchange."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

Level = tuple[Decimal, Decimal]
"""A price and the size resting there."""


class Quote(msgspec.Struct, frozen=True):
    """One symbol at market time `ts` (milliseconds UTC). `bids` and `asks` are best first and never empty."""

    symbol: str
    ts: int
    mark: Decimal
    index: Decimal
    last: Decimal
    bids: Sequence[Level]
    asks: Sequence[Level]

    @property
    def bid(self) -> Decimal:
        return self.bids[0][0]

    @property
    def ask(self) -> Decimal:
        return self.asks[0][0]
