"""How many colours the terminal has, and the nearest of them: what is told to a terminal of 256 colours in
more than it knows would otherwise become navy where a calm grey was meant.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual import constants
from textual.color import Color as Ground
from textual.filter import LineFilter

SIXTEEN: Final = "standard"
MANY: Final = "256"
ALL: Final = "truecolor"

FIXED: Final = range(16, 256)
"""The colours that are the same in every terminal; those before are the trader's own."""


def colours_of_terminal() -> str:
    """`standard`, `256` or `truecolor`, as the environment tells it."""
    return Console(color_system=constants.COLOR_SYSTEM, force_terminal=True).color_system or SIXTEEN  # type: ignore[arg-type]


class NearestColours(LineFilter):
    """Gives every segment colours that a terminal of 256 has."""

    def apply(self, segments: list[Segment], background: Ground) -> list[Segment]:
        return [Segment(text, style and nearest(style), control) for text, style, control in segments]


@lru_cache(1024)
def nearest(style: Style) -> Style:
    """The same style in colours of the 256."""
    return style + Style.from_color(_known(style.color), _known(style.bgcolor))


def _known(colour: Color | None) -> Color | None:
    return colour if colour is None or colour.triplet is None else Color.from_ansi(_number(colour.triplet))


@lru_cache(1024)
def _number(wanted: ColorTriplet) -> int:
    return min(FIXED, key=lambda number: _distance(wanted, EIGHT_BIT_PALETTE[number]))


def _distance(one: ColorTriplet, other: ColorTriplet) -> float:
    """How different two colours look: by T. Riemersma's weighted distance, https://www.compuphase.com/cmetric.htm"""
    red = (one.red + other.red) / 2
    dr, dg, db = (a - b for a, b in zip(one, other, strict=True))
    return (2 + red / 256) * dr * dr + 4 * dg * dg + (2 + (255 - red) / 256) * db * db
