"""The desk as a process in a real pseudo terminal: it gives the terminal back, however it is told to go."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from engine.protocol import Halt
from tests.desk.engine_face import EngineFace
from tests.desk.terminal import Terminal, stopped, terminal

LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[<u")
"""Main screen, cursor, no mouse, no bracketed paste, plain keys."""


async def shown(held: Terminal, face: EngineFace) -> None:
    """The desk has drawn its first snapshot."""
    await held.until(b"nearest liquidation first")
    assert face.greeted == 1
    assert held.modes != held.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
async def test_a_signal_gives_the_terminal_back_and_ends_the_desk(
    socket: Path, number: signal.Signals
) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        held.process.send_signal(number)
        assert await held.ended() == 128 + number
        assert all(code in held.seen for code in LEFT)
        assert held.modes == held.before


async def test_a_terminal_that_no_longer_reads_does_not_keep_the_desk_alive(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket), size=(200, 50)) as held:
        await shown(held, face)
        held.stall()
        for _ in range(60):
            held.type(b"\x1b[11~" if _ % 2 else b"\x1b")
            await asyncio.sleep(0.01)
        held.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(held.process.wait(), 60) == 128 + signal.SIGTERM
        assert held.modes == held.before


LENT = """
import sys; from concurrent.futures import Future; from pathlib import Path; from threading import Thread
from tui import leaving, run; leaving.LENT_S = 0.5
until = Future()
Thread(target=lambda: (Path(sys.argv[2]).open().read(), until.set_result(None)), daemon=True).start()
sys.exit(run.run_desk(Path(sys.argv[1]), until=until))
"""


@pytest.mark.parametrize("stalls", [False, True])
async def test_a_desk_that_was_lent_ends_with_0_also_in_a_terminal_that_no_longer_reads(
    socket: Path, tmp_path: Path, stalls: bool
) -> None:
    over = tmp_path / "over"
    os.mkfifo(over)
    async with (
        EngineFace(socket) as face,
        terminal("-c", LENT, str(socket), str(over), size=(200, 50)) as held,
    ):
        await shown(held, face)
        if stalls:
            held.stall()
            for _ in range(60):
                held.type(b"\x1b[11~" if _ % 2 else b"\x1b")
                await asyncio.sleep(0.01)
        over.write_text("over")
        assert await asyncio.wait_for(held.process.wait(), 60) == 0
        assert held.modes == held.before


async def test_a_dropped_connection_ends_the_desk(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        held.hang_up()
        held.process.send_signal(signal.SIGHUP)
        assert await asyncio.wait_for(held.process.wait(), 60) == 128 + signal.SIGHUP


async def test_the_kill_key_works_and_q_says_that_the_engine_keeps_running(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket), size=(80, 24)) as held:
        await shown(held, face)
        held.type(b"\x0b")
        await asyncio.wait_for(face.heard.wait(), 60)
        assert face.commands == [Halt()]
        assert face.requests[0].by.startswith("desk on ")
        held.type(b"q")
        assert await asyncio.wait_for(held.process.wait(), 60) == 0
        await held.until(b"The engine keeps running (main, SIM, process 4711)")
        assert held.modes == held.before


AFTERWARDS = """
import os, signal, sys; from pathlib import Path; from tui.run import run_desk
code = run_desk(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGCONT); print("put away"); sys.exit(code)
"""


async def test_who_is_woken_after_the_desk_has_closed_draws_no_desk(socket: Path) -> None:
    """The demo puts its processes away then, and may be stopped and woken in the meantime."""
    async with EngineFace(socket) as face, terminal("-c", AFTERWARDS, str(socket)) as held:
        await shown(held, face)
        held.type(b"q")
        await held.until(b"put away")
        assert await held.ended() == 0
        assert held.modes == held.before


async def test_no_colour_leaves_the_process_when_the_trader_wants_none(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket), NO_COLOR="1") as held:
        await shown(held, face)
        await asyncio.sleep(0.3)
        for colour in (b"38;2;", b"48;2;", b"38;5;", b"48;5;", b"\x1b[31m", b"\x1b[32m"):
            assert colour not in held.seen


async def test_ascii_means_ascii(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket), "--ascii") as held:
        await shown(held, face)
        held.type(b"\x10")
        await held.until(b"earch for commands")
        assert bytes(held.seen).isascii()


async def test_nothing_is_written_while_nothing_changes(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        await falls_silent(held, face)
        held.type(b"/")
        await held.until(b"keeps it")
        await falls_silent(held, face)  # no cursor blinks over the line


async def falls_silent(held: Terminal, face: EngineFace) -> None:
    """There comes a second in which the same is told again and again, and nothing is written."""
    async with asyncio.timeout(60):
        written = -1
        while written != len(held.seen):
            written = len(held.seen)
            for _ in range(8):
                await face.tell(face.snapshot)  # type: ignore[arg-type]
                await asyncio.sleep(0.15)


async def test_an_escape_is_a_key_of_its_own_or_the_beginning_of_one(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        held.type(b"/")
        await held.until(b"keeps it")
        held.type(b"zz")
        await held.until(b"No position matches")
        held.type(b"\x1b")
        await held.until(b"nearest liquidation first", since=len(held.seen))
        while b"Halt: nothing that adds risk" not in held.seen:
            held.type(b"\x1b")
            held.type(b"OP")
            await asyncio.sleep(0.5)  # a busy machine may take the first for a key of its own
        held.type(b"\xff\x1b")
        while not face.heard.is_set():
            held.type(b"\x0b")
            await asyncio.sleep(0.5)


async def test_while_no_key_comes_and_nothing_is_drawn_only_the_clock_wakes(socket: Path) -> None:
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        main, woken = held.process.pid, set[int]()
        async with asyncio.timeout(60):
            while woken != {main}:
                threads = wakes(main)
                await asyncio.sleep(1.0)
                woken = {thread for thread, times in wakes(main).items() if times != threads.get(thread)}
        assert len(threads) >= 3, "one that draws, one that writes, one that listens"
        held.type(b"\x0b")
        await asyncio.wait_for(face.heard.wait(), 60)


def wakes(pid: int) -> dict[int, int]:
    """How often each thread of a process has waited for something."""
    return {
        int(task.name): int(
            (task / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]
        )
        for task in Path(f"/proc/{pid}/task").iterdir()
    }


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=["SIGTSTP", "SIGSTOP"])
async def test_a_desk_that_was_stopped_hears_keys_when_it_goes_on(
    socket: Path, number: signal.Signals
) -> None:
    """Also when it was not asked before, and so could not give the terminal back."""
    async with EngineFace(socket) as face, terminal("-m", "tui", str(socket)) as held:
        await shown(held, face)
        for _ in range(2):
            held.process.send_signal(number)
            await stopped(held.process.pid)
            assert (held.modes == held.before) is (number == signal.SIGTSTP)
            seen = len(held.seen)
            held.process.send_signal(signal.SIGCONT)
            await held.until(b"nearest liquidation first", since=seen)
            face.heard.clear()
            held.type(b"\x0b")
            await asyncio.wait_for(face.heard.wait(), 60)
        held.type(b"q")
        assert await held.ended() == 0
        assert held.modes == held.before
