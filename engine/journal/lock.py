"""One engine at a time: a lock that the kernel gives back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from engine.journal.port import JournalRefused


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock; `since` is milliseconds UTC."""

    pid: int
    account: str
    since: int


class EngineLock:
    """An exclusive lock on a file (mode 0600) that names its holder. The file stays; only the lock counts."""

    def __init__(self, path: Path, account: str = "") -> None:
        self.path = path
        self.account = account
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises JournalRefused, naming the holder, when another engine has it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalRefused(
                f"The lock file {self.path} cannot be opened ({error.strerror}): "
                "make the folder writable for this user."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise JournalRefused(self._refusal()) from error
        holder = Holder(os.getpid(), self.account, time.time_ns() // 1_000_000)
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, msgspec.json.encode(holder) + b"\n", 0)
        except OSError as error:
            os.close(file)
            raise JournalRefused(
                f"The lock file {self.path} cannot be written ({error.strerror}): free space on that disk."
            ) from error
        self._file = file

    def release(self) -> None:
        """Give the lock back; a second release does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> Holder | None:
        """Who wrote the lock file last; None when nobody did. It may be dead: `acquire` alone tells."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Holder)
        except (OSError, msgspec.DecodeError):
            return None

    def _refusal(self) -> str:
        holder = self.holder()
        if holder is None:
            return f"Another process holds {self.path}: stop it first. Only one engine may trade an account."
        return (
            f"An engine already runs here (pid {holder.pid}, account {holder.account or 'unnamed'}): "
            f"stop it with `kill {holder.pid}`, or use it. Only one engine may trade an account."
        )

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"EngineLock({str(self.path)!r}, {'held' if self._file is not None else 'free'})"
