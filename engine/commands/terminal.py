"""Whether there is a terminal to draw on."""

from __future__ import annotations

import sys


def is_at_terminal() -> bool:
    """The desk reads its keys from standard input and draws on standard error (textual does); what it leaves
    behind goes to standard output."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
