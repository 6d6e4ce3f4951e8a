"""Numbers in the trader's notation: thousands with commas, a real minus sign, signs where the sign matters,
`--` for unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

from tui.view_model.ink import Ink, printable

UNKNOWN: Final = "--"
MINUS: Final = "−"

MARKET_TIME: Final = " · market time"
"""Stands in the frame of what is timed by the exchange, where its clock is another than the engine's."""


def fixed(value: Decimal | None, decimals: int, *, rounding: str = ROUND_HALF_EVEN) -> str:
    """`value` with exactly `decimals` places; `--` when unknown. A zero has no sign."""
    return UNKNOWN if value is None or not value.is_finite() else _fixed(value, decimals, rounding)


@lru_cache(1024)
def _fixed(value: Decimal, decimals: int, rounding: str) -> str:
    """Most numbers of a picture were in the last one, too."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=rounding)
    return f"{rounded if rounded else abs(rounded):,.{decimals}f}".replace("-", MINUS)


def signed(value: Decimal | None, decimals: int = 2, *, rounding: str = ROUND_HALF_EVEN) -> str:
    """`fixed` with a plus for gains: the sign carries the meaning, colour only repeats it."""
    words = fixed(value, decimals, rounding=rounding)
    if value is None or words == UNKNOWN or words.startswith(MINUS) or not words.strip("0.,"):
        return words
    return f"+{words}"


def cautious(value: Decimal | None, decimals: int = 2) -> str:
    """`signed`, rounded towards the worse: a worst case of −0.004 never reads as nothing to lose."""
    return signed(value, decimals, rounding=ROUND_FLOOR)


def percent(fraction: Decimal | None, decimals: int = 1, *, sign: bool = False) -> str:
    """A decimal fraction as per cent: 0.063 → `6.3 %`."""
    words = (signed if sign else fixed)(None if fraction is None else fraction * 100, decimals)
    return words if words == UNKNOWN else f"{words} %"


def price(value: Decimal | None, decimals: int) -> str:
    """A price with its instrument's decimals; an exchange's 0 means that there is none."""
    return "none" if value is not None and value == 0 else fixed(value, decimals)


def times(value: Decimal | None) -> str:
    """A leverage: `20x`, `1.9x`."""
    if value is None:
        return UNKNOWN
    return f"{fixed(value, 0 if value == value.to_integral_value() else 1)}x"


def size(value: Decimal | None, decimals: int, symbol: str) -> str:
    """A size with what it counts: `0.09 ETH` of ETHUSDT."""
    return f"{fixed(value, decimals)} {printable(symbol.removesuffix('USDT'))}"


def snug(words: str, width: int) -> str:
    """A formatted number that fits `width` cells: decimals give way first, from the right; digits before the
    point never do.
    """
    if len(words) <= width or "." not in words:
        return words
    whole, _, rest = words.partition(".")
    places = "".join(c for c in rest if c.isdigit())
    unit = rest[len(places) :]
    keep = max(0, width - len(whole) - len(unit) - 1)
    return f"{whole}.{places[:keep]}{unit}" if keep else f"{whole}{unit}"


def ink_of(value: Decimal | None) -> Ink:
    """Gain, loss, or neither."""
    if value is None:
        return Ink.LABEL
    if value > 0:
        return Ink.GAIN
    return Ink.LOSS if value < 0 else Ink.TEXT


def age(milliseconds: int | None) -> str:
    """A duration in whole units: `0s`, `42s`, `3m`, `2h`, `5d`. Whole, so that a quiet screen stays still."""
    if milliseconds is None:
        return UNKNOWN
    seconds = max(0, milliseconds) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def countdown(milliseconds: int) -> str:
    """Time left as minutes and seconds: `0:42`; never below zero."""
    seconds = max(0, -(-milliseconds // 1000))
    return f"{seconds // 60}:{seconds % 60:02}"


def latency(milliseconds: float | None) -> str:
    """A round trip, coarse enough not to flicker: `<10 ms`, `20 ms`, `1.2 s`."""
    if milliseconds is None:
        return ""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return "<10 ms" if milliseconds < 10 else f"{round(milliseconds / 10) * 10} ms"


def clock(milliseconds: int) -> str:
    """Time of day, UTC: `14:03:21`."""
    return moment(milliseconds).strftime("%H:%M:%S")


def date(milliseconds: int) -> str:
    """The day, UTC: `2025-05-08`."""
    return moment(milliseconds).strftime("%Y-%m-%d")


def moment(milliseconds: int) -> datetime:
    """Milliseconds UTC as a datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
