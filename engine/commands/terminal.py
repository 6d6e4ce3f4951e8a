"""Whether there is a terminal to draw on."""

from __future__ import annotations

import os
import sys
from typing import Final

UNABLE: Final = ("dumb", "unknown")
"""Kinds of terminal that move no cursor: the desk would be empty boxes there (an editor's shell, a log)."""


def is_at_terminal() -> bool:
    """The desk reads its keys from standard input and draws on standard error (textual does); what it leaves
    behind goes to standard output."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def can_draw() -> bool:
    """Whether that terminal shows what the desk draws."""
    return is_at_terminal() and not is_unable()


def is_unable() -> bool:
    return os.environ.get("TERM", "").lower() in UNABLE
