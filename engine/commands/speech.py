"""How a command tells its end: the engine's answer on the standard output, what went wrong on the other, and
the exit code.
"""

from __future__ import annotations

import sys
from typing import Final

from engine.api.door import NoEngine, Silent

DONE: Final = 0
WRONG: Final = 2
NO_ENGINE: Final = 3
REFUSED: Final = 4


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
    print(f"ratchet: {text}", file=sys.stderr)
