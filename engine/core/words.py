"""Numbers and names as the trader reads them."""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from engine.core.cycle import Cycle
from engine.core.exchange import ABSENT, Cause, Refused
from engine.core.settings import StopMode

CENT = Decimal("0.01")
FORCED: Final = {Cause.LIQUIDATION: "liquidated", Cause.ADL: "reduced by auto-deleveraging"}
"""What Bitget does to a position by itself."""

MODE_WORDS: Final = {
    StopMode.LEG_ENTRY: "each leg at its own entry",
    StopMode.LEG_NET: "each leg where its fees are paid",
    StopMode.CYCLE_BREAKEVEN: "one stop at the cycle's breakeven",
    StopMode.PREVIOUS_ENTRY: "one stop at the previous entry",
}
"""Where the stops lie."""

ENDINGS: Final = {
    "trader": "by you",
    "trader's stop": "by your own stop",
    "trader's take profit": "by your own take profit",
    "stop": "by its stop",
    "ladder": "by the ladder",
    "flatten": "by flatten",
    "exit": "by an exit",
    "liquidation": "by liquidation",
    "adl": "by Bitget's auto-deleveraging",
    "dust": "what was left is too little for an order",
}
"""How a cycle ended, by the word that the belief has for it."""


def money(value: Decimal) -> str:
    """Signed, two decimals, a real minus: `+5.00`, `−4.50`."""
    rounded = value.quantize(CENT, ROUND_HALF_EVEN)
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):,.2f}"


def worse(value: Decimal) -> Decimal:
    """A worst case to the cent, never rounded towards the better: nothing promises more than what rests can
    keep.
    """
    return value.quantize(CENT, ROUND_FLOOR)


def at_worst(value: Decimal) -> str:
    """A worst case as `money` says it, on every screen and in every sentence the same."""
    return money(worse(value))


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
    """One decimal, a real minus: `12.5 %`, `−0.4 %`."""
    rounded = (value * 100).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return f"{'−' if rounded < 0 else ''}{abs(rounded)} %"


def stops_rest(number: int) -> str:
    """`1 stop rests on Bitget`, `2 stops rest on Bitget`."""
    return f"{number} {'stop rests' if number == 1 else 'stops rest'} on Bitget"


def rungs(number: int) -> str:
    """`1 rung`, `2 rungs`."""
    return f"{number} rung{'' if number == 1 else 's'}"


def ending(reason: str) -> str:
    """`by its stop`, `by desk on tty2`: what a cycle was closed by. A reason that is a sentence stays."""
    return ENDINGS.get(reason, reason.removeprefix("closed "))


def left_out(number: int) -> str:
    """`leaves out 1 position not under care`, of a worst case; empty when it leaves out none."""
    return f"leaves out {number} position{'s' if number > 1 else ''} not under care" if number else ""


def clock(at: int) -> str:
    """`14:03:02 UTC`, of milliseconds."""
    minutes, seconds = divmod(at // 1000, 60)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02} UTC"


def span(ms: int) -> str:
    """`40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    seconds = max(ms, 0) // 1000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes == 0:
        return f"{seconds} s"
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days == 0 else f"{days} d {hours % 24} h"


def sentence(clause: str) -> str:
    """What was made to follow a colon, where it stands alone."""
    return clause[:1].upper() + clause[1:]


def count(number: int, noun: str) -> str:
    """`1 rung`, `2 rungs`, `no rung`."""
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"
