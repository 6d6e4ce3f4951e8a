"""Where alerts wait that the engine cannot be told of: a small file beside the journal, on the disk before
anything else happens. It holds what the journal would, and so no token.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from engine.core.events import SignalHeard

logger = logging.getLogger("ratchet.webhook")

MOST: Final = 500
"""Alerts that are kept one by one; of those beyond there is one line with their number."""


class Spool:
    """The alerts that wait, oldest first, one a line. Without `path` they wait in memory alone.

    A disk that refuses is complained about in the log: the alerts then wait in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._waiting = _read(path) if path is not None else []

    def __repr__(self) -> str:
        return f"<Spool {len(self._waiting)} waiting>"

    @property
    def waiting(self) -> tuple[SignalHeard, ...]:
        return tuple(self._waiting)

    def keep(self, signal: SignalHeard) -> None:
        """It is on the disk when this returns."""
        if len(self._waiting) < MOST:
            self._waiting.append(signal)
        else:
            before = sum(each.times for each in self._waiting[MOST:])
            self._waiting[MOST:] = [replace(signal, times=before + signal.times)]
        self._write()

    def drop(self, number: int) -> None:
        """The journal has the oldest `number`."""
        del self._waiting[:number]
        self._write()

    def _write(self) -> None:
        """The whole file anew, in one step."""
        if self.path is None:
            return
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(msgspec.json.encode(signal) + b"\n" for signal in self._waiting)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            _settle(self.path.parent)
        except OSError as error:
            logger.error("alerts wait in memory alone: %s cannot be written (%s)", self.path, error.strerror)


def _settle(folder: Path) -> None:
    """A name that was given to a file is on the disk when its folder is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read(path: Path) -> list[SignalHeard]:
    """What waits there; a line that another version or another hand wrote is told of and left out."""
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.error("%s cannot be read (%s): what waits there is not journalled", path, error.strerror)
        return []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=SignalHeard))
        except msgspec.DecodeError as error:
            logger.error("a line of %s cannot be read (%s) and is left out", path, error)
    return found
