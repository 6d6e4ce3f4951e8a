"""Signals that end the demo: they become an exception, so that everything on the way out is put in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asked for the end; `code` is the shell's way of saying which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


class Endings:
    """While the block lasts SIGTERM and SIGHUP raise Ended."""

    def __enter__(self) -> Self:
        self._old: dict[int, Any] = {number: signal.signal(number, _end) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    @contextmanager
    def deaf_afterwards(self) -> Iterator[None]:
        """What is left to do after this block is short and must not be cut shorter, by Ctrl-C neither."""
        try:
            yield
        finally:
            for number in (*SIGNALS, signal.SIGINT):
                self._old.setdefault(number, signal.getsignal(number))
                signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)
