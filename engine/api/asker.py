"""Who asks, for the journal."""

from __future__ import annotations

import os
import pwd


def asker() -> str:
    """The user and the terminal of this process: `cli, alex on pts/2`."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    return f"cli, {user}{_terminal()}"


def _terminal() -> str:
    for descriptor in (0, 1, 2):
        try:
            return f" on {os.ttyname(descriptor).removeprefix('/dev/')}"
        except OSError:
            continue
    return ""
