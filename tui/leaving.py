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

LENT_S: Final = 20.0
"""How long the end of a desk that was lent for a while may take; only a terminal that stalls needs it."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)

STANDING: Final = (signal.SIGTSTP, signal.SIGCONT)
"""Textual's while the desk is open. What it leaves behind would draw a desk that is gone."""

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
        self._ends: list[threading.Timer] = []
        self._is_closed = False

    def __enter__(self) -> Leaving:
        with contextlib.suppress(termios.error, ValueError, OSError):
            self._before = termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
        self._old = {number: signal.getsignal(number) for number in STANDING}
        for number in SIGNALS:
            self._old[number] = signal.signal(number, self._leave)
        return self

    def __exit__(self, *_: object) -> None:
        """The desk is closed: what its caller still has to put away takes the time that it takes."""
        self._is_closed = True
        for end in self._ends:
            end.cancel()
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._end_within(GRACE_S, 128 + number)
        self._ask(number)

    def lent_out(self) -> None:
        """The desk was asked back by whoever lent it, and closes as at `q`. Callable from any thread."""
        self._end_within(LENT_S, 0)

    def _end_within(self, seconds: float, code: int) -> None:
        if not self._is_closed:
            end = threading.Timer(seconds, self._by_force, (code,))
            end.daemon = True
            self._ends.append(end)
            end.start()

    def _by_force(self, code: int) -> None:
        """The orderly way did not end: restore what can be restored without waiting, and go."""
        if sys.__stdin__ is not None and self._before is not None:
            with contextlib.suppress(termios.error, ValueError, OSError):
                fd = sys.__stdin__.fileno()
                termios.tcflush(fd, termios.TCOFLUSH)
                termios.tcsetattr(fd, termios.TCSANOW, self._before)
                os.set_blocking(fd, False)
                os.write(fd, RESTORE)
        os._exit(code)


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
