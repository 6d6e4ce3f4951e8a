"""One engine at a time: locks that the kernel gives back when their holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import tempfile
import time
from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from engine.journal.port import JournalRefused

CREDENTIALS: Final = struct.Struct("3i")
"""Linux's `struct ucred`: pid, uid, gid."""


def lock_beside(database: Path) -> Path:
    """The lock file of a database: one, by whatever link the database is reached."""
    real = database.resolve()
    return real.with_name(real.name + ".lock")


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock; `since` is milliseconds UTC."""

    pid: int
    account: str
    since: int


class Lock(ABC):
    """What one engine alone can hold."""

    @abstractmethod
    def acquire(self) -> None:
        """Take it. Raises JournalRefused, naming the holder, when another engine has it."""

    @abstractmethod
    def release(self) -> None:
        """Give it back; a second release does nothing."""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class EngineLock(Lock):
    """An exclusive lock on a file (mode 0600) that names its holder. The file stays; only the lock counts."""

    def __init__(self, path: Path, account: str = "") -> None:
        self.path = path
        self.account = account
        self._file: int | None = None

    def acquire(self) -> None:
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
        return _runs(holder.pid, holder.account)

    def __repr__(self) -> str:
        return f"EngineLock({str(self.path)!r}, {'held' if self._file is not None else 'free'})"


def account_lock(account: str, at: str = "") -> Lock:
    """One engine for `account` on this machine, whoever starts it and in whatever environment. `at` is the
    address of another Bitget than the real one.
    """
    name = f"account-{account}-{sha256(at.encode()).hexdigest()[:12]}"
    if hasattr(socket, "SO_PEERCRED"):
        return NameLock(name, account)
    return EngineLock(Path(tempfile.gettempdir()) / f"ratchet-{os.getuid()}" / f"{name}.lock", account)


class NameLock(Lock):
    """A name that the kernel keeps outside all folders, of which a login, a service and another user have
    different ones: an abstract socket, which is Linux's own.
    """

    def __init__(self, name: str, account: str) -> None:
        self.name = name
        self.account = account
        self._socket: socket.socket | None = None

    def acquire(self) -> None:
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(self._address)
            held.listen()
        except OSError as error:
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise JournalRefused(_runs(self._holder(), self.account)) from error
        self._socket = held

    def release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def _address(self) -> str:
        return f"\0ratchet-{self.name}"

    def _holder(self) -> int:
        """Its process, as the kernel tells it; 0 when it has just gone."""
        with socket.socket(socket.AF_UNIX) as asks:
            try:
                asks.connect(self._address)
                told = asks.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
            except OSError:
                return 0
        return int(CREDENTIALS.unpack(told)[0])


def _runs(pid: int, account: str) -> str:
    return (
        f"An engine already runs here (pid {pid or 'unknown'}, account {account or 'unnamed'}): "
        f"stop it{f' with `kill {pid}`' if pid else ''}, or use it. Only one engine may trade an account."
    )
