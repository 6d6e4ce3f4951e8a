"""The unix socket itself: taken over from a crashed engine, never from a living one, and open to its owner
alone.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

CONNECT_S = 1.0


class SocketRefused(Exception):
    """The control socket cannot be opened. The text says why and what to do."""


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600 from its first moment. Its folder must be the trader's alone
    (0700).

    Raises SocketRefused when an engine answers there, or something else than a socket lies there.
    """
    _clear(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(os.fspath(path))
    except OSError as error:
        server.close()
        raise SocketRefused(
            f"the control socket {path} cannot be made ({error.strerror}): check the folder's owner and "
            "free space, "
            "or choose another with --home DIR"
        ) from error
    finally:
        os.umask(before)
    server.listen(64)
    server.setblocking(False)
    return server


def _clear(path: Path) -> None:
    """Remove what a dead engine left; refuse when one lives."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketRefused(
            f"{path} is not a socket, and the control socket belongs there: move it away, or choose "
            "another folder with --home DIR"
        )
    if _answers(path):
        raise SocketRefused(
            f"an engine already answers on {path}: `ratchet status` shows it; stop it first, or give this "
            "one its own --home DIR"
        )
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    """Whether somebody listens. Only a refused connection is proof that nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_S)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
        return True
