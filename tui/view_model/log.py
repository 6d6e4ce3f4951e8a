"""The event log, newest first, with the loudness of each line as a sign and a colour."""

from __future__ import annotations

import textwrap
from typing import Final

from engine.protocol import Level, LogLine
from tui.view_model.ink import Ink, Line, Span, cell, line, printable
from tui.view_model.numbers import clock
from tui.view_model.scene import Scene

SIGN: Final = {
    Level.CHATTER: (" ", Ink.LABEL),
    Level.MONEY: ("$", Ink.TEXT),
    Level.WARNING: ("!", Ink.WARN),
    Level.URGENT: ("‼", Ink.LOSS),
}


def log(scene: Scene, width: int) -> tuple[Line, ...]:
    """Every line of the log, wrapped with its time hanging on the left."""
    if scene.snapshot is None or not scene.snapshot.log:
        return (line(Span(" Nothing has happened yet.", Ink.LABEL)),)
    newest = sorted(scene.snapshot.log, key=lambda entry: -entry.id)
    return tuple(words for entry in newest for words in entry_lines(entry, width))


def entry_lines(entry: LogLine, width: int) -> tuple[Line, ...]:
    """One entry: time, sign, symbol, text."""
    sign, ink = SIGN[entry.level]
    text = printable(entry.text)
    subject = "" if not entry.symbol or entry.symbol in text else f"{printable(entry.symbol)} "
    wrapped = textwrap.wrap(subject + text, max(16, width - 13)) or [""]
    first = line(Span(f" {clock(entry.at)} ", Ink.LABEL), Span(sign, ink), Span(" "), Span(wrapped[0], ink))
    return (first, *(line(cell("", 12), Span(more, ink)) for more in wrapped[1:]))
