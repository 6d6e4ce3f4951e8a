"""Where alerts are until the journal has them: a small file beside it, on the disk before anything else
happens. It holds what the journal would, and so no token.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from engine.core.events import SignalHeard

logger = logging.getLogger("ratchet.webhook")


class Spool:
    """The file, one alert a line; without `path` there is none, and nothing outlives this process. `found` is
    what the one before left, oldest first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, "alerts")
        self.found = _read(path) if path is not None else []

    async def write(self, signals: Iterable[SignalHeard]) -> bool:
        """The whole file anew, in one step. Whether it is on the disk when this returns; a disk that refuses
        is complained about in the log. What was asked for first is written first, also when nobody waits for
        it any more.
        """
        if self.path is None:
            return True
        lines = [msgspec.json.encode(signal) + b"\n" for signal in signals]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._put, self.path, lines)

    @staticmethod
    def _put(path: Path, lines: list[bytes]) -> bool:
        beside = path.with_name(f"{path.name}.new")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            _settle(path.parent)
        except OSError as error:
            logger.error("alerts wait in memory alone: %s cannot be written (%s)", path, error.strerror)
            return False
        return True


def _settle(folder: Path) -> None:
    """A name that was given to a file is on the disk when its folder is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read(path: Path) -> list[SignalHeard]:
    """What waits there; a line that another version or another hand wrote is told of and left out. One that
    has no nonce yet gets the same whenever it is read.
    """
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.error("%s cannot be read (%s): what waits there is not journalled", path, error.strerror)
        return []
    for number, line in enumerate(lines):
        try:
            signal = msgspec.json.decode(line, type=SignalHeard)
        except msgspec.DecodeError as error:
            logger.error("a line of %s cannot be read (%s) and is left out", path, error)
            continue
        nonce = signal.nonce or sha256(b"%d %s" % (number, line)).hexdigest()[:16]
        found.append(replace(signal, nonce=nonce))
    return found
