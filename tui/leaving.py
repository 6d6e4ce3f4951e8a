"""How the desk gives the terminal back when it is told to go: SIGTERM, SIGHUP, also while the terminal no
longer reads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from engine.protocol import Hello

GRACE_S: Final = 2.0
"""How long an orderly exit may take before the process ends itself."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)

RESTORE: Final = b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[?7h"


class Leaving:
    """Installs the handlers, and remembers the terminal as it was before the desk.

    Plain signal handlers, not the event loop's: a terminal that stops reading freezes the loop, and a handler
    of the loop
    would never run. `ask` is called in the main thread with the signal's number and must be quick.
    """

    def __init__(self, ask: Callable[[int], None]) -> None:
        self._ask = ask
        self._before: list[Any] | None = None
        self._old: dict[int, Any] = {}
        self._last: threading.Timer | None = None

    def __enter__(self) -> Leaving:
        with contextlib.suppress(termios.error, ValueError, OSError):
            self._before = termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
        for number in SIGNALS:
            self._old[number] = signal.signal(number, self._leave)
        return self

    def __exit__(self, *_: object) -> None:
        """The desk is closed: what its caller still has to put away takes the time that it takes."""
        if self._last is not None:
            self._last.cancel()
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        if self._last is None:
            self._last = threading.Timer(GRACE_S, self._by_force, (number,))
            self._last.daemon = True
            self._last.start()
        self._ask(number)

    def _by_force(self, number: int) -> None:
        """The orderly way did not end: restore what can be restored without waiting, and go."""
        if sys.__stdin__ is not None and self._before is not None:
            with contextlib.suppress(termios.error, ValueError, OSError):
                fd = sys.__stdin__.fileno()
                termios.tcflush(fd, termios.TCOFLUSH)
                termios.tcsetattr(fd, termios.TCSANOW, self._before)
                os.set_blocking(fd, False)
                os.write(fd, RESTORE)
        os._exit(128 + number)


def parting(hello: Hello | None, *, up: bool) -> str:
    """The last line, in the trader's shell."""
    if up and hello is not None:
        who = f"{hello.account}, {hello.mode}, process {hello.pid}"
        return f"The engine keeps running ({who}). `ratchet kill` halts it."
    return "The desk is closed. It had no engine at the end: `ratchet status` looks for one."


def terminal_name() -> str:
    """Which terminal this is, for the engine's journal: `pts/3`."""
    try:
        return os.ttyname(0).removeprefix("/dev/")
    except OSError:
        return "no terminal"
