"""A contract as the exchange describes it, and the only places where a number may be rounded."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Final

import msgspec

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class Side(StrEnum):
    """The side of a position."""

    LONG = "long"
    SHORT = "short"

    @property
    def d(self) -> int:
        """+1 for long, −1 for short: the sign that every formula of the ladder uses."""
        return 1 if self is Side.LONG else -1

    @property
    def opposite(self) -> Side:
        return Side.SHORT if self is Side.LONG else Side.LONG


class Tier(msgspec.Struct, frozen=True):
    """One row of `query-position-lever`: the maintenance rate for `over < notional <= up_to` USDT."""

    over: Decimal
    up_to: Decimal
    max_leverage: Decimal
    maintenance: Decimal


class Instrument(msgspec.Struct, frozen=True):
    """A USDT perpetual. Sizes are in base coin, prices and notionals in USDT.

    `taker` and `maker` are the account's own rates (decimal fractions), not the public ones.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    min_qty: Decimal
    min_notional: Decimal
    max_market_qty: Decimal
    max_leverage: Decimal
    taker: Decimal
    maker: Decimal
    tiers: tuple[Tier, ...]
    status: str = "normal"

    def maintenance(self, notional: Decimal) -> Decimal:
        """The maintenance margin rate of the tier that holds `notional` USDT; the last tier above all."""
        for tier in self.tiers:
            if notional <= tier.up_to:
                return tier.maintenance
        return self.tiers[-1].maintenance

    def floor_qty(self, qty: Decimal) -> Decimal:
        """`qty` rounded down to the lot: an order is never larger than asked."""
        return floor_to(qty, self.lot)

    def stop_price(self, price: Decimal, side: Side) -> Decimal:
        """`price` on the tick, on the near side of the market for a stop: long up, short down."""
        return ceil_to(price, self.tick) if side is Side.LONG else floor_to(price, self.tick)

    def is_tradable(self, qty: Decimal, price: Decimal) -> bool:
        """Whether `qty` at `price` reaches the exchange's minimum size and minimum notional."""
        return qty >= self.min_qty and qty * price >= self.min_notional


def decimals(step: Decimal) -> int:
    """How many decimals a price or size of this step has."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step
