"""A desk in a real pseudo terminal: a process, its bytes, and how it left the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STEERING = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07)|.)", re.DOTALL)


class Terminal:
    """The trader's end. It reads until told to stall, as a terminal whose connection hangs."""

    def __init__(
        self, master: int, keeper: int, process: asyncio.subprocess.Process, before: list[Any]
    ) -> None:
        self.master = master
        self.keeper = keeper
        self.process = process
        self.seen = bytearray()
        self._more = asyncio.Event()
        self.before = before
        """The line settings that the process found."""
        os.set_blocking(master, False)
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> bool:
        """Whether there was anything to read."""
        try:
            self.seen += os.read(self.master, 65_536)
        except BlockingIOError:
            return False
        except OSError:
            self.stall()
            return False
        self._more.set()
        return True

    async def ended(self) -> int:
        """The exit code, once all that the process wrote has been read."""
        code = await asyncio.wait_for(self.process.wait(), 60)
        while self._read():
            continue
        return code

    def stall(self) -> None:
        """Read nothing any more."""
        asyncio.get_running_loop().remove_reader(self.master)

    def read_on(self) -> None:
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def hang_up(self) -> None:
        """Close the trader's end, as a dropped connection does."""
        self.stall()
        os.close(self.master)
        os.close(self.keeper)
        self.master = self.keeper = -1

    @property
    def modes(self) -> list[Any]:
        """The line settings as they are now."""
        return termios.tcgetattr(self.keeper)

    async def until(
        self, text: bytes, *, since: int = 0, within_s: float = 60.0, also: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait for these bytes, after the first `since`. Fails with what was seen instead and what `also`
        knows: at once when the process has ended.
        """
        deadline = time.monotonic() + within_s
        while text not in self.seen[since:]:
            ended = self.process.returncode is not None
            if ended or time.monotonic() > deadline:
                while self._read():
                    continue
                if text in self.seen[since:]:
                    return
                how = f"the process ended with {self.process.returncode}" if ended else f"not in {within_s} s"
                pytest.fail(f"{text!r} was never written: {how}; seen {self.told()}\n{also()}")
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), 0.02)

    def told(self) -> str:
        """The last that was written, without what only steers the terminal."""
        shown = STEERING.sub(" ", self.seen.decode(errors="replace"))
        return " ".join(shown.split())[-2000:] or "nothing"


@asynccontextmanager
async def terminal(*command: str, size: tuple[int, int] = (120, 40), **env: str) -> AsyncIterator[Terminal]:
    """Run `python COMMAND` in a pseudo terminal of this size."""
    async with command_in_terminal(sys.executable, *command, size=size, **env) as held:
        yield held


@asynccontextmanager
async def command_in_terminal(
    *command: str, size: tuple[int, int] = (120, 40), **env: str
) -> AsyncIterator[Terminal]:
    """Run COMMAND in a pseudo terminal of this size; whatever happens, it is gone afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    before = termios.tcgetattr(slave)
    wanted = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        if name not in env:
            wanted.pop(name, None)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=wanted,
        start_new_session=True,
    )
    held = Terminal(master, slave, process, before)
    try:
        yield held
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if held.master >= 0:
            held.hang_up()


async def stopped(pid: int, within_s: float = 45.0) -> None:
    """Until the process stands still: it gives its terminal back first, and is not woken by a SIGCONT that
    comes before it stands.
    """
    asked = ("ps", "-o", "state=", "-p", str(pid))
    async with asyncio.timeout(within_s):
        while not subprocess.check_output(asked).startswith(b"T"):  # noqa: ASYNC110, ASYNC221 - nobody tells
            await asyncio.sleep(0.05)
