"""Pairs of a name and its words, as a small table for dialogs and help."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill


def table(pairs: Sequence[tuple[str, str]], width: int, *, least: int = 0) -> str:
    """Names left, words right; long words hang under their own beginning. `least` cells for the names."""
    widest = max((len(name) for name, _ in pairs), default=0)
    widest = max(widest, least)
    hanging = " " * (widest + 3)
    return "\n".join(
        fill(f"{name.ljust(widest)}   {words}", width, subsequent_indent=hanging, drop_whitespace=True)
        for name, words in pairs
    )
