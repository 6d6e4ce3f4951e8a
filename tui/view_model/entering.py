"""An entry on its way: its line under the positions."""

from __future__ import annotations

from collections.abc import Sequence

from engine.protocol import EntryView
from tui.view_model.ink import Ink, Line, Span, cell, cropped, faded, line, printable
from tui.view_model.numbers import age
from tui.view_model.positions import Column, side
from tui.view_model.scene import Freshness, Scene

ENTERING = ":entering"
"""What follows the key of the position that it becomes, in the key of an entry's row: a symbol has one at
a time.
"""


def entries(scene: Scene, wanted: str = "") -> tuple[EntryView, ...]:
    """Those that match every word of `wanted`."""
    every = scene.snapshot.entries if scene.snapshot else ()
    words = wanted.lower().split()
    return tuple(e for e in every if all(w in f"{e.symbol} {e.side} {e.told}".lower() for w in words))


def row_key(entry: EntryView) -> str:
    return f"{entry.symbol}:{entry.side}{ENTERING}"


def becomes(key: str) -> str:
    """The key of the position that the entry of this row becomes."""
    return key.removesuffix(ENTERING)


def entry_line(
    scene: Scene, entry: EntryView, columns: Sequence[Column], width: int, *, chosen: bool
) -> Line:
    """One entry in `width` cells, its symbol and side under those of the positions."""
    symbol, way = columns[:2]
    words, ink = side(entry)
    row = line(
        cell(printable(entry.symbol), symbol.width + symbol.gap, Ink.BRIGHT),
        cell(words, way.width + way.gap, ink),
        entry.told,
        Span(f", {age(scene.engine_now - entry.since)}", Ink.LABEL),
    )
    is_old = scene.is_gone or scene.freshness is not Freshness.FRESH
    cursor = Span("▸ " if chosen else "  ", Ink.ACCENT)
    return cropped((cursor, *(faded(row) if is_old else row)), width)
