"""Numbers and names as the trader reads them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from engine.core.state import Cycle

CENT = Decimal("0.01")


def money(value: Decimal) -> str:
    """Signed, two decimals, a real minus: `+5.00`, `−4.50`."""
    rounded = value.quantize(CENT, ROUND_HALF_EVEN)
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):,.2f}"


def amount(value: Decimal) -> str:
    """Two decimals without a sign for what has none: a margin, a balance."""
    return f"{value.quantize(CENT, ROUND_HALF_EVEN):,.2f}"


def price(value: Decimal) -> str:
    """A price as it is, with thousands separators and without trailing noise beyond eight digits."""
    text = f"{value.quantize(Decimal('1e-8'), ROUND_HALF_EVEN).normalize():,f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<1}"


def size(value: Decimal) -> str:
    return f"{value.normalize():f}"


def name(cycle: Cycle) -> str:
    return f"{cycle.symbol} {cycle.side.value}"


def percent(value: Decimal) -> str:
    return f"{(value * 100).quantize(Decimal('0.1'), ROUND_HALF_EVEN)} %"
