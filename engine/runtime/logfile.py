"""A file for our own loggers, for as long as a process runs."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from engine.config.refused import ConfigRefused

LOG_BYTES: Final = 10_000_000
LOG_FILES: Final = 5


class LogFile(logging.handlers.RotatingFileHandler):
    """Our log. A full disk must not fill the terminal with tracebacks: the trader is told of it elsewhere."""

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be written is lost."""

    def close(self) -> None:
        """What is left of it is lost, too, when it cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """A rotating file that one process alone writes. Raises ConfigRefused when it cannot be written."""
    try:
        handler = LogFile(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    except OSError as error:
        raise ConfigRefused(
            f"the log {path} cannot be written ({error.strerror}): move it away, or make it writable for "
            "this user"
        ) from None
    with _logging_by(handler):
        yield


@contextmanager
def logging_where_it_goes(path: Path) -> Iterator[None]:
    """As `logging_to`; where the file cannot be opened, standard error is told why, and then all the rest."""
    with ExitStack() as logged:
        try:
            logged.enter_context(logging_to(path))
        except ConfigRefused as refused:
            logged.enter_context(_logging_by(logging.StreamHandler()))
            logging.getLogger("ratchet").error("%s; until the next start its lines stand here", refused)
        yield


@contextmanager
def _logging_by(handler: logging.Handler) -> Iterator[None]:
    root = logging.getLogger("ratchet")
    root.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
