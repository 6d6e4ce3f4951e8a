"""What comes in and is no HTTP: a line in the log, and of many one a second. No stranger floods it."""

from __future__ import annotations

import logging
import time
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

from engine.api.rest.pace import Pace

LINES_PER_MINUTE: Final = 60
LINES_AT_ONCE: Final = 20


class Briefly(logging.Filter):
    """aiohttp tells of each such request with a traceback and its bytes: neither is needed."""

    def __init__(self) -> None:
        super().__init__()
        self._pace = Pace(LINES_PER_MINUTE, LINES_AT_ONCE)
        self._hushed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if self._pace.wait_s("all", time.monotonic()):
            self._hushed += 1
            return False
        more = f", and {self._hushed} more" if self._hushed else ""
        record.msg = f"{record.getMessage()}: {type(error).__name__}{more}"
        record.args, record.exc_info, self._hushed = (), None, 0
        return True


logger: Final = logging.getLogger("ratchet.rest.http")
"""For aiohttp's own words."""
logger.addFilter(Briefly())
