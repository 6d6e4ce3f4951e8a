"""A demo as a process of its own, in a folder of its own, and everybody who lives there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Stage:
    """Where one demo plays. Its folder is short, because a socket has to fit into its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "TMPDIR": str(folder),
            "PYTHONUNBUFFERED": "1",
            "TERM": "xterm-256color",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "engine.cli", "demo", *words]

    def play(self, *words: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
        """Play it to its end."""
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Begin it; whoever begins has to end it."""
        return subprocess.Popen(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def living(self) -> list[str]:
        """The command lines of every process that was started on this stage and still lives."""
        mark, found = f"TMPDIR={self.folder}\0".encode(), []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes() + b"\0":
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return [line for line in found if line]

    def left(self) -> list[str]:
        """Who still lives here and what is left lying about."""
        return [*self.living(), *(str(path) for path in self.folder.iterdir())]


def until(claim: Callable[[], bool], seconds: float) -> bool:
    """Wait until it holds; False when it did not within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.05)
    return claim()
