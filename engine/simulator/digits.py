"""Decimals on Bitget's wire: how they are printed, how booked amounts are kept."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from engine.core.instrument import ZERO

PLACES: Final = Decimal("1E-12")
"""Bitget prints averages, liquidation prices and ratios with up to twelve decimals; the ledger here keeps as
many."""

_LARGEST: Final = Decimal("999999999999")


def booked(value: Decimal) -> Decimal:
    """`value` as the ledger keeps it: twelve decimals, so that sums of bills stay exact."""
    return value.quantize(PLACES, ROUND_HALF_EVEN)


def plain(value: Decimal) -> str:
    """`value` as a string of Bitget's wire: no exponent, no trailing zeros, at most twelve decimals."""
    text = format(booked(max(min(value, _LARGEST), -_LARGEST)), "f").rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def plain_or_blank(value: Decimal | None) -> str:
    """An empty string for a value that is not set, which is how Bitget shows a missing price."""
    return "" if value is None or value == ZERO else plain(value)
