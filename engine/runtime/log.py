"""The newest lines for the trader, as every client shows them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from engine.core.actions import Note
from engine.core.events import Event
from engine.protocol import LogLine

KEPT = 200


class Log:
    """A ring of the last lines; the journal has all of them."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, event: Event, notes: Iterable[Note]) -> None:
        for note in notes:
            self._count += 1
            self._lines.append(
                LogLine(self._count, event.at, event.market, note.level, note.symbol, note.text)
            )

    def lines(self) -> tuple[LogLine, ...]:
        return tuple(self._lines)
