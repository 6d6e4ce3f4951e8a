"""The story of a position or an order from the journal: its lines, and what of it is wanted."""

from __future__ import annotations

import textwrap
from enum import StrEnum
from typing import Final

from engine.protocol import CycleView, Level, PositionView, StoryLine
from tui.view_model.ink import Ink, Line, Span, cell, line, printable
from tui.view_model.log import SIGN
from tui.view_model.numbers import clock, date

WHAT: Final = {
    "event": Ink.LABEL,
    "decided": Ink.BRIGHT,
    "sent": Ink.ACCENT,
    "answered": Ink.LABEL,
    "filled": Ink.GAIN,
}
MARGIN: Final = 26
"""Cells before the words: date, time, sign, what."""


class Loudness(StrEnum):
    """From where on a line is told."""

    ALL = "every line"
    MONEY = "money and warnings"
    WARNING = "warnings"

    @property
    def following(self) -> Loudness:
        order = list(Loudness)
        return order[(order.index(self) + 1) % len(order)]


_LOUD: Final = {
    Loudness.ALL: set(Level),
    Loudness.MONEY: {Level.MONEY, Level.WARNING, Level.URGENT},
    Loudness.WARNING: {Level.WARNING, Level.URGENT},
}


def wanted(story: tuple[StoryLine, ...], words: str, loudness: Loudness) -> tuple[StoryLine, ...]:
    """The lines with every word of `words` in them, loud enough; newest first."""
    asked = words.lower().split()
    loud = _LOUD[loudness]
    return tuple(
        step
        for step in reversed(story)
        if step.level in loud and all(word in f"{step.what} {step.text}".lower() for word in asked)
    )


def row(step: StoryLine, width: int, found: str = "") -> tuple[Line, ...]:
    """One step: date and time, what it is, its words wrapped. What is searched for stands out."""
    sign, ink = SIGN[step.level]
    words = printable(step.text)
    wrapped = textwrap.wrap(words, max(20, width - MARGIN - 3)) or [""]
    inked = Ink.WARN if found and found.lower() in words.lower() else ink
    first = line(
        Span(f"{date(step.at)[5:]} {clock(step.at)} ", Ink.LABEL),
        Span(sign, ink),
        cell(f" {step.what}", 10, WHAT.get(step.what, Ink.LABEL)),
        Span(wrapped[0], inked),
    )
    return (first, *(line(cell("", MARGIN), Span(more, inked)) for more in wrapped[1:]))


def named(of: PositionView | CycleView) -> str:
    """Whose story it is: `ETHUSDT long`; nothing when that is its name already."""
    return f"{of.symbol} {of.side}" if of.cycle else ""


def copied(step: StoryLine) -> str:
    """One step for the clipboard, tab-separated, with its number in the journal."""
    return f"{step.seq}\t{date(step.at)} {clock(step.at)}\t{step.what}\t{step.level}\t{printable(step.text)}"


def next_match(shown: tuple[StoryLine, ...], words: str, after: int, *, back: bool = False) -> int | None:
    """The number of the next line with `words` in it, round and round; None when there is none."""
    count = len(shown)
    steps = range(1, count + 1)
    order = ((after - k) % count if back else (after + k) % count for k in steps)
    return next((k for k in order if words.lower() in shown[k].text.lower()), None) if count else None
