"""Waiting for the trader's keys without looking for them: Textual's driver looks ten times a second, all day,
for the sake of an escape that may be a key or the beginning of one.
"""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from selectors import EVENT_READ, SelectSelector
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY

if TYPE_CHECKING:
    from textual.driver import Driver

LOOKS: Final = 2
"""How often an escape is looked after: once would do, were no clock ever a hair early."""


class Bell(Event):
    """An event that wakes whoever waits for a file, too."""

    def __init__(self) -> None:
        super().__init__()
        self._heard, self._pulled = os.pipe()
        os.set_blocking(self._heard, False)

    def fileno(self) -> int:
        """What can be read from while the event is set."""
        return self._heard

    def set(self) -> None:
        super().set()
        os.write(self._pulled, b"!")

    def clear(self) -> None:
        super().clear()
        os.read(self._heard, 4096)


def listening_driver(kind: type[Driver]) -> type[Driver]:
    """A driver that hears what `kind` hears, and sleeps in between."""

    class Listening(kind):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.exit_event = Bell()

        def run_input_thread(self) -> None:
            """Until the desk leaves. A terminal that is gone says nothing more; a signal ends it."""
            parser, decode = XTermParser(), getincrementaldecoder("utf-8")("replace").decode
            looks = 0
            with SelectSelector() as selector:
                selector.register(self.exit_event, EVENT_READ)
                selector.register(self.fileno, EVENT_READ)
                while not self.exit_event.is_set():
                    ready = selector.select(ESCAPE_DELAY if looks else None)
                    looks = max(0, looks - 1)
                    if any(key.fd == self.fileno for key, _ in ready):
                        if not (pressed := os.read(self.fileno, 4096)):
                            selector.unregister(self.fileno)
                        for message in parser.feed(decode(pressed)) if pressed else ():
                            self.process_message(message)
                        looks = LOOKS
                    for message in parser.tick():
                        self.process_message(message)

    return Listening
