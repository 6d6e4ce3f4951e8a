"""Numbers and names as the trader reads them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from engine.core.cycle import Cycle
from engine.core.exchange import ABSENT, Refused

CENT = Decimal("0.01")


def money(value: Decimal) -> str:
    """Signed, two decimals, a real minus: `+5.00`, `−4.50`."""
    rounded = value.quantize(CENT, ROUND_HALF_EVEN)
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):,.2f}"


def amount(value: Decimal) -> str:
    """Two decimals without a sign for what has none: a margin, a balance."""
    return f"{value.quantize(CENT, ROUND_HALF_EVEN):,.2f}"


def price(value: Decimal) -> str:
    """A price with thousands separators: as it is up to four decimals, beyond that rounded to what its size
    deserves.
    """
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        step = "0.01" if abs(value) >= 1000 else "0.0001" if abs(value) >= 1 else "1e-8"
        value = value.quantize(Decimal(step), ROUND_HALF_EVEN)
    text = f"{value.normalize():,f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<1}"


def refusal(refused: Refused) -> str:
    """Bitget's own words, with its code."""
    return refused.message if refused.code == ABSENT else f"Bitget {refused.code}: {refused.message}"


def size(value: Decimal) -> str:
    return f"{value.normalize():f}"


def name(cycle: Cycle) -> str:
    return f"{cycle.symbol} {cycle.side.value}"


def percent(value: Decimal) -> str:
    return f"{(value * 100).quantize(Decimal('0.1'), ROUND_HALF_EVEN)} %"


def count(number: int, noun: str) -> str:
    """`1 rung`, `2 rungs`, `no rung`."""
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"
