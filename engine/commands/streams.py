"""The three streams of a command: there, writable whatever their encoding, and given up when they break."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from pathlib import Path
from typing import Final

LIKENESS: Final = {"−": "-", "–": "-", "×": "x", "·": "|", "→": ">", "…": "~", "▲": "^", "▼": "v"}
"""What an encoding without these signs shows for them: a loss must not lose its minus."""

UNWRITABLE: Final = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def prepare() -> None:
    """Before anything is opened: a stream that the shell has closed (`>&-`) leaves its number to the next
    file, and whoever printed would print into that.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good
    codecs.register_error("ratchet", _alike)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ratchet")


def is_of_output(error: OSError) -> bool:
    """Whether it says that standard output takes no more. A file that was opened by its name has that in its
    errors, and a socket has others.
    """
    return error.filename is None and error.errno in UNWRITABLE


def give_up_output() -> None:
    """What is left in standard output goes nowhere, so that the end of the process does not fail at it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(LIKENESS.get(c, "?") for c in error.object[error.start : error.end]), error.end
