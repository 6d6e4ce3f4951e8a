"""What is on its way, an entry, an exit or a flip: its line under the positions."""

from __future__ import annotations

from collections.abc import Sequence

from engine.protocol import Coming, FlipView
from tui.view_model.ink import Ink, Line, Span, cell, cropped, faded, line, printable
from tui.view_model.numbers import age
from tui.view_model.positions import Column, side
from tui.view_model.scene import Freshness, Scene

COMING = ":coming"
"""What follows the key of the position that it is about, in the key of its row: a side has one at a time."""


def coming(scene: Scene, wanted: str = "") -> tuple[Coming, ...]:
    """Those that match every word of `wanted`."""
    every = scene.snapshot.coming if scene.snapshot else ()
    words = wanted.lower().split()
    return tuple(e for e in every if all(w in f"{e.symbol} {e.side} {e.told}".lower() for w in words))


def does(of: Coming) -> str:
    """`entering`, `leaving`, `flipping`."""
    return "flipping" if isinstance(of, FlipView) else "entering" if of.opens else "leaving"


def row_key(of: Coming) -> str:
    return f"{of.symbol}:{of.side}{COMING}"


def becomes(key: str) -> str:
    """The key of the position that what is in this row is about."""
    return key.removesuffix(COMING)


def coming_line(scene: Scene, of: Coming, columns: Sequence[Column], width: int, *, chosen: bool) -> Line:
    """One of them in `width` cells, its symbol and side under those of the positions."""
    symbol, way = columns[:2]
    words, ink = side(of)
    now = scene.engine_now
    when = f"{age(of.until - now)} left" if isinstance(of, FlipView) else age(now - of.since)
    row = line(
        cell(printable(of.symbol), symbol.width + symbol.gap, Ink.BRIGHT),
        cell(words, way.width + way.gap, ink),
        of.told,
        Span(f", {when}", Ink.LABEL),
    )
    is_old = scene.is_gone or scene.freshness is not Freshness.FRESH
    cursor = Span("▸ " if chosen else "  ", Ink.ACCENT)
    return cropped((cursor, *(faded(row) if is_old else row)), width)
