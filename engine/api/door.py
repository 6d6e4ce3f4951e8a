"""One question to the engine over its socket, in the standard library only: `ratchet kill` must not wait for
imports.

What goes wrong is a value, not an exception: `NoEngine` when nobody is there, `Silent` when somebody is and
says nothing.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple


class Reply(NamedTuple):
    """What the engine said."""

    status: int
    body: bytes


class NoEngine(NamedTuple):
    """Nobody answers on the socket; `text` says where was asked and why it failed. Nothing was sent."""

    text: str


class Silent(NamedTuple):
    """Somebody took the question and gave no (whole) answer: whether it was carried out is not known."""

    text: str


class _Door(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("engine", timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(
    path: Path,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    timeout_s: float = 5.0,
    protocol: int | None = None,
) -> Reply | NoEngine | Silent:
    """Send one request and read its answer; `timeout_s` is for all of it together."""
    if stranger := _stranger(path):
        return NoEngine(stranger)
    end = time.monotonic() + timeout_s
    door = _Door(os.fspath(path), timeout_s)
    try:
        door.connect()
    except OSError as error:
        door.close()
        return NoEngine(_nobody(path, error))
    try:
        headers = {"Content-Type": "application/json"} | (
            {"Ratchet-Protocol": str(protocol)} if protocol else {}
        )
        door.request(method, target, body or None, headers)
        answer = door.getresponse()
        return Reply(answer.status, _read(door, answer, end))
    except (OSError, http.client.HTTPException) as error:
        what = "did not answer in time" if isinstance(error, TimeoutError) else "hung up before it answered"
        return Silent(f"the engine at {path} {what} ({timeout_s:g} s allowed)")
    finally:
        door.close()


def _read(door: _Door, answer: http.client.HTTPResponse, end: float) -> bytes:
    """The whole body, or TimeoutError: a trickle does not stretch the time."""
    parts = []
    while part := answer.read1(1 << 16):
        parts.append(part)
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if door.sock is not None:
            door.sock.settimeout(left)
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    return b"".join(parts)


def _stranger(path: Path) -> str:
    """Why a socket that lies there is not to be trusted; empty when it is the trader's own (or absent)."""
    try:
        owner = path.lstat().st_uid
    except OSError:
        return ""
    if owner in (os.geteuid(), 0) or os.geteuid() == 0:
        return ""
    return f"the socket {path} belongs to another user (uid {owner}): it is not your engine's"


def _nobody(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no engine runs here: there is no socket at {path}"
    if isinstance(error, ConnectionRefusedError):
        return f"no engine runs here: the socket at {path} is what a dead one left behind"
    if isinstance(error, TimeoutError):
        return f"the engine at {path} takes no connection: it hangs"
    return f"the socket {path} cannot be opened: {error.strerror or error}"
