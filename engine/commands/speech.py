"""How a command tells its end: the engine's answer on the standard output, what went wrong on the other, and
the exit code.
"""

from __future__ import annotations

import os
import sys
from typing import Final, TextIO

from engine.api.door import NoEngine, Silent

DONE: Final = 0
WRONG: Final = 2
NO_ENGINE: Final = 3
REFUSED: Final = 4

USUAL: Final = 80
"""Cells of a terminal that does not tell its width."""


def failed(failure: NoEngine | Silent) -> int:
    """Tell that nobody answered."""
    complain(failure.text)
    if isinstance(failure, NoEngine):
        complain("start one with `ratchet engine`, or name its folder with --home DIR")
    return NO_ENGINE


def refused(text: str) -> int:
    """Tell that the engine said no, and why."""
    complain(f"refused: {text}")
    return REFUSED


def wrong(text: str) -> int:
    """Tell that what was asked for cannot be understood."""
    complain(text)
    return WRONG


def complain(text: str) -> None:
    print(at_words(f"ratchet: {text}", sys.stderr), file=sys.stderr)


def at_words(text: str, stream: TextIO) -> str:
    """The text as it goes to `stream`: in a terminal its lines break between words, elsewhere they stay."""
    if not stream.isatty():
        return text
    from textwrap import fill

    width = os.get_terminal_size(stream.fileno()).columns or USUAL
    return "\n".join(
        fill(each, width, break_long_words=False, break_on_hyphens=False) for each in text.splitlines()
    )
