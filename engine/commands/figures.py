"""Numbers as a trader reads them in a plain terminal. Unknown is `--`, never 0; signs are always there where
they matter.
"""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from engine.core import words
from engine.protocol import PositionView, Status

UNKNOWN: Final = "--"
MINUS: Final = "−"
"""The minus sign, as in every sentence of the engine."""
STALE_MS: Final = 3_000
DEAD_MS: Final = 10_000


def amount(value: Decimal | None, decimals: int = 2) -> str:
    """1,234.50"""
    return UNKNOWN if value is None else f"{_rounded(value, decimals):,f}"


def signed(value: Decimal | None, decimals: int = 2) -> str:
    """+4.97 or −4.50"""
    return UNKNOWN if value is None else f"{_rounded(value, decimals):+,f}".replace("-", MINUS)


def percent(fraction: Decimal | None, decimals: int = 1) -> str:
    """0.332 as 33.2 %"""
    return UNKNOWN if fraction is None else f"{_rounded(fraction * 100, decimals):,f} %"


def signed_percent(fraction: Decimal | None, decimals: int = 1) -> str:
    """0.332 as +33.2 %"""
    return UNKNOWN if fraction is None else f"{_rounded(fraction * 100, decimals):+,f} %".replace("-", MINUS)


def _rounded(value: Decimal, decimals: int) -> Decimal:
    """For the eye only; a rounded zero has no minus sign."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) + 0


def worse(value: Decimal | None) -> Decimal | None:
    """A worst case to the cent, never rounded towards the better."""
    return None if value is None else words.worse(value)


def clock(at: int) -> str:
    """14:03:02, UTC, of milliseconds."""
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).strftime("%H:%M:%S")


def moment(at: int) -> str:
    """2025-05-08 14:03:02, UTC, of milliseconds."""
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def age(ms: int) -> str:
    """How old something is: `0.1 s`, `12 s`, `3 min`."""
    return f"{ms / 1000:.1f} s" if ms < DEAD_MS else words.span(ms)


def rungs(count: int) -> str:
    """`1 rung`, `2 rungs`."""
    return f"{count} rung" if count == 1 else f"{count} rungs"


def staleness(position: PositionView) -> str:
    """`STALE 4 s` when the mark is too old to believe, or `NO MARK`; empty when it is fresh."""
    if position.mark is None or position.mark_age_ms is None:
        return "NO MARK"
    return f"STALE {words.span(position.mark_age_ms)}" if position.mark_age_ms > STALE_MS else ""


def status(position: PositionView) -> str:
    """RISK-FREE, BREAKEVEN, PAUSED(why), UNMANAGED(why)."""
    if position.risk_free and position.status in {Status.ACTIVE, Status.BREAKEVEN}:
        return "RISK-FREE"
    word = "UNMANAGED" if not position.managed else position.status.value if position.status else UNKNOWN
    return f"{word}({position.reason})" if position.reason else word
