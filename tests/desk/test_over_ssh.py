"""The desk over SSH for real: an sshd of our own on loopback, dropped lines, signals, resizes, and a terminal
that stops reading. The engine never notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.protocol import Halt
from tests.desk.engine_face import EngineFace
from tests.desk.terminal import ROOT, Terminal, command_in_terminal, stopped
from tests.ports import free_port

SSHD = shutil.which("sshd") or next((p for p in ("/usr/sbin/sshd",) if Path(p).exists()), None)
SSH = shutil.which("ssh")
pytestmark = pytest.mark.skipif(
    SSHD is None or SSH is None or shutil.which("ssh-keygen") is None, reason="openssh is not installed"
)
LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l")


@dataclass(frozen=True)
class Door:
    """An sshd on loopback that only our own key opens."""

    port: int
    folder: Path

    def log(self) -> str:
        """What the sshd told so far."""
        return f"sshd told\n{(self.folder / 'log').read_text()}"

    def command(self, *words: str) -> tuple[str, ...]:
        assert SSH is not None
        wishes = (
            *("-tt", "-p", str(self.port), "-i", str(self.folder / "key"), "-F", "none"),
            *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.folder}/known"),
            *("-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"),
        )
        return (SSH, *wishes, "127.0.0.1", *words)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The sshd, for all tests of this file."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "key"):
        made = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        subprocess.run(made, check=True)
    (folder / "allowed").write_bytes((folder / "key.pub").read_bytes())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    process, port = opened(folder)
    try:
        yield Door(port, folder)
    finally:
        process.terminate()
        process.wait()


def opened(folder: Path, tries: int = 5) -> tuple[subprocess.Popen[bytes], int]:
    """An sshd that listens, by its own word: a port that was free may be somebody else's a moment later, and
    whoever answers there need not be ours.
    """
    assert SSHD is not None
    log = folder / "log"
    for _ in range(tries):
        port = free_port()
        (folder / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/allowed\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        )
        with log.open("wb") as told:
            process = subprocess.Popen((SSHD, "-D", "-e", "-f", str(folder / "config")), stderr=told)
        give_up = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < give_up:
            if f"Server listening on 127.0.0.1 port {port}" in log.read_text():
                return process, port
            time.sleep(0.02)
        process.kill()
        process.wait()
    pytest.fail(f"no sshd came up; the last one said\n{log.read_text()}")


@asynccontextmanager
async def desk_over_ssh(
    door: Door, socket: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Terminal, Path]]:
    """A desk on the far side, its shell telling which process it is."""
    told = door.folder / f"pid-{os.urandom(4).hex()}"
    desk = f"cd {ROOT} && TERM=xterm-256color sh -c 'echo $$ > {told}; exec {sys.executable} -m tui {socket}'"
    async with command_in_terminal(*door.command(desk), size=size) as held:
        await held.until(b"nearest liquidation first", within_s=90, also=door.log)
        yield held, told


def process_of(told: Path) -> int:
    return int(told.read_text())


def is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def gone(pid: int, within_s: float = 45.0) -> None:
    async with asyncio.timeout(within_s):
        while is_there(pid):  # noqa: ASYNC110 - a process ends when it ends
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
async def test_a_signal_on_the_far_side_gives_the_near_terminal_back(
    door: Door, socket: Path, number: signal.Signals
) -> None:
    async with EngineFace(socket) as face, desk_over_ssh(door, socket) as (held, told):
        os.kill(process_of(told), number)
        assert await held.ended() == 128 + number
        assert all(code in held.seen for code in LEFT)
        assert held.modes == held.before
        assert face.commands == []


async def test_a_dropped_line_ends_the_desk_and_the_engine_goes_on(door: Door, socket: Path) -> None:
    async with EngineFace(socket) as face, desk_over_ssh(door, socket) as (held, told):
        desk = process_of(told)
        held.process.kill()
        await gone(desk)
        assert face.commands == []
        async with desk_over_ssh(door, socket) as (again, _):
            again.type(b"\x0b")
            await asyncio.wait_for(face.heard.wait(), 60)
            assert face.commands == [Halt()]


async def test_a_terminal_that_stops_reading_does_not_keep_the_desk(door: Door, socket: Path) -> None:
    async with EngineFace(socket) as face, desk_over_ssh(door, socket, (200, 50)) as (held, told):
        held.stall()
        for turn in range(40):
            held.type(b"5" if turn % 2 else b"1")
            await asyncio.sleep(0.02)
        desk = process_of(told)
        os.kill(desk, signal.SIGTERM)
        await gone(desk)
        assert face.commands == []


async def test_a_storm_of_resizes_leaves_a_desk_that_draws_and_hears(door: Door, socket: Path) -> None:
    async with EngineFace(socket) as face, desk_over_ssh(door, socket) as (held, _):
        for turn in range(30):
            columns, rows = ((80, 24), (200, 50), (59, 14), (120, 40), (300, 80))[turn % 5]
            fcntl.ioctl(held.keeper, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            held.process.send_signal(signal.SIGWINCH)
            await asyncio.sleep(0.03)
        fcntl.ioctl(held.keeper, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        held.process.send_signal(signal.SIGWINCH)
        held.seen.clear()
        await held.until(b"NEXT STOP")
        held.type(b"\x0b")
        await asyncio.wait_for(face.heard.wait(), 60)
        held.type(b"q")
        assert await asyncio.wait_for(held.process.wait(), 60) == 0
        assert held.modes == held.before


async def test_a_desk_that_was_stopped_comes_back_and_draws_again(door: Door, socket: Path) -> None:
    async with EngineFace(socket) as face, desk_over_ssh(door, socket) as (held, told):
        desk = process_of(told)
        os.kill(desk, signal.SIGTSTP)
        await stopped(desk)
        held.seen.clear()
        os.kill(desk, signal.SIGCONT)
        await held.until(b"nearest liquidation first")
        held.type(b"\x0b")
        await asyncio.wait_for(face.heard.wait(), 60)
        assert face.commands == [Halt()]
        held.type(b"q")
        assert await asyncio.wait_for(held.process.wait(), 60) == 0
        assert held.modes == held.before
