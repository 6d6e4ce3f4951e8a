"""The doors to the network are a process of their own, which dies alone, comes back, and ends with the
engine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from engine.api.rest.server import RestRefused, listen
from engine.api.server import ControlSocket
from engine.config.doors import RestTerms
from engine.config.paths import Paths, find_paths, prepare_folders
from engine.runtime.doors import BEAT_S, LOG, MISSED, Doors, _falls_silent
from tests.ports import free_port
from tests.unit.api.served import EngineFace

TOKEN = "look-look-look-look-1"


def paths(folder: Path) -> Paths:
    found = find_paths(str(folder))
    prepare_folders(found)
    return found


def doors(
    folder: Path,
    port: int,
    warn: Callable[[str], None] | None = None,
    beat_s: float = BEAT_S,
    processors: Set[int] = frozenset(),
) -> Doors:
    terms = RestTerms(
        on=True,
        bind="127.0.0.1",
        port=port,
        certificate="",
        certificate_key="",
        tokens={"read": TOKEN},
        open_page=False,
        requests_per_minute=600,
    )
    return Doors(
        terms,
        None,
        paths=paths(folder),
        version="0.1.0",
        processors=processors,
        warn=warn,
        beat_s=beat_s,
    )


@asynccontextmanager
async def opened(
    folder: Path,
    port: int,
    warn: Callable[[str], None] | None = None,
    beat_s: float = BEAT_S,
    processors: Set[int] = frozenset(),
) -> AsyncIterator[tuple[Doors, ClientSession]]:
    """The doors of an engine in memory, kept open, and somebody who asks."""
    open_doors = doors(folder, port, warn, beat_s, processors)
    async with ControlSocket(EngineFace(), paths(folder).socket), open_doors as kept:
        running = asyncio.create_task(kept.run())
        async with ClientSession(f"http://127.0.0.1:{port}") as client:
            yield kept, client
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def equity(client: ClientSession) -> str:
    """As soon as somebody answers."""
    async with asyncio.timeout(60):
        while True:
            try:
                headers = {"Authorization": f"Bearer {TOKEN}"}
                async with client.get("/api/crypto/accounts", headers=headers) as reply:
                    return str((await reply.json())["accounts"][0]["money"]["equity"])
            except ClientError:
                await asyncio.sleep(0.05)


def told_to(pid: int) -> tuple[str, str]:
    """Environment and command line."""
    return Path(f"/proc/{pid}/environ").read_text(), Path(f"/proc/{pid}/cmdline").read_text()


def willing_to_go(pid: int) -> int:
    """How much sooner than others it is ended where memory is short."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
async def test_what_the_engine_knows_is_told_by_a_process_without_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITGET_API_SECRET", "the-secret-of-the-exchange")
    async with opened(tmp_path, free_port()) as (kept, client):
        assert await equity(client) == "109.7033"
        assert kept.process is not None
        environment, line = told_to(kept.process.pid)
        assert "the-secret" not in environment and "PATH=" in environment
        assert TOKEN not in line + environment
    log = (tmp_path / "logs" / "doors.log").read_text()
    assert "read GET /api/crypto/accounts 200" in log and TOKEN not in log


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no word for processors here")
async def test_it_works_where_the_engine_does_not(tmp_path: Path) -> None:
    mine = max(os.sched_getaffinity(0))
    async with opened(tmp_path, free_port(), processors={mine}) as (kept, client):
        await equity(client)
        assert kept.process is not None
        assert os.sched_getaffinity(kept.process.pid) == {mine}


async def test_it_is_started_again_when_it_dies_and_nobody_is_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.doors.AGAIN_S", 0.01)
    async with opened(tmp_path, free_port()) as (kept, client):
        await equity(client)
        assert kept.process is not None
        first = kept.process.pid
        os.kill(first, signal.SIGKILL)
        assert await equity(client) == "109.7033"
        assert kept.process.pid != first


async def test_one_that_hangs_is_noticed_and_started_again_and_the_trader_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("engine.runtime.doors.AGAIN_S", 0.01)
    told: list[str] = []
    async with opened(tmp_path, free_port(), told.append, beat_s=0.4) as (kept, client):
        await equity(client)
        assert kept.process is not None
        hung = kept.process
        os.kill(hung.pid, signal.SIGSTOP)
        async with asyncio.timeout(60):
            await hung.wait()
        assert hung.returncode == -signal.SIGKILL
        assert await equity(client) == "109.7033"
        assert kept.process.pid != hung.pid
    assert told == [
        "The process at the doors (REST, webhook) gave no sign of life for 3 s and was ended: it is started "
        "again."
    ]
    assert "gave no sign of life for 3 s and was ended; again in" in caplog.text


async def test_what_an_engine_that_slept_did_not_hear_was_not_missed() -> None:
    """A laptop whose lid was closed, an engine that was stopped: the beats are there when it looks again."""
    beats = asyncio.StreamReader()
    listening = asyncio.create_task(_falls_silent(beats, 0.2))
    for _ in range(3):
        beats.feed_data(b".")
        await asyncio.sleep(0.01)
        beats.feed_data(b".")
        time.sleep(0.2 * (MISSED + 1))  # noqa: ASYNC251 – the loop itself is what sleeps
        await asyncio.sleep(0)
    assert not listening.done()
    listening.cancel()


async def test_an_output_that_is_closed_is_no_sign_of_life() -> None:
    beats = asyncio.StreamReader()
    beats.feed_data(b".")
    beats.feed_eof()
    async with asyncio.timeout(60):
        assert await _falls_silent(beats, 0.01) == pytest.approx(0.01 * MISSED)


async def test_it_ends_when_the_engine_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, free_port()) as (kept, client):
        await equity(client)
        assert kept.process is not None and kept.process.stdin is not None
        ended, process = kept.process.pid, kept.process
        os.kill(ended, signal.SIGTERM)
        process.stdin.close()  # as a kill -9 of the engine does
        async with asyncio.timeout(60):
            assert await process.wait() == 0, (
                "what is sent to the whole group does not end it before the engine"
            )


async def test_a_port_that_is_taken_stops_the_engine_before_it_trades(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RestRefused, match=r"choose another rest\.port"):
            async with doors(tmp_path, taken.getsockname()[1]):
                pass


async def test_an_engine_that_is_silent_is_said_to_be(tmp_path: Path) -> None:
    port = free_port()
    async with doors(tmp_path, port) as kept:
        running = asyncio.create_task(kept.run())
        async with ClientSession(f"http://127.0.0.1:{port}") as client, client.get("/api/health") as reply:
            assert reply.status == 503
            health = await reply.json()
        assert (health["status"], health["text"]) == ("silent", "the engine does not answer")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_process_that_cannot_be_started_takes_nothing_else_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its program is gone for a moment, as in an upgrade, or the machine has no more processes."""
    monkeypatch.setattr("engine.runtime.doors.AGAIN_S", 0.01)
    there = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "not-there"))
    async with opened(tmp_path, free_port()) as (_, client):
        async with asyncio.timeout(60):
            while True:
                if "cannot be started (No such file or directory)" in caplog.text:
                    break
                await asyncio.sleep(0.01)
        monkeypatch.setattr(sys, "executable", there)
        assert await equity(client) == "109.7033"


@pytest.mark.parametrize("inside", [".", "a-file/doors.log"])
async def test_a_log_that_cannot_be_opened_is_said_in_a_sentence_and_closes_no_door(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], inside: str
) -> None:
    log = paths(tmp_path).logs / LOG
    if inside == ".":
        log.mkdir()
        why = "Is a directory"
    else:
        log.symlink_to(tmp_path / inside)
        (tmp_path / "a-file").touch()
        why = "Not a directory"
    told: list[str] = []
    async with opened(tmp_path, free_port(), told.append) as (kept, client):
        assert await equity(client) == "109.7033"
        assert kept.process is not None
        assert kept.process.returncode is None
    said = capfd.readouterr().err
    assert said.count(f"the log {log} cannot be written ({why}): move it away") == 1
    assert "Traceback" not in said
    assert not told, "it was not started again"


ENGINE = """
import asyncio, sys
from pathlib import Path
from tests.runtime.test_doors import doors

async def keep():
    async with doors(Path(sys.argv[1]), int(sys.argv[2])) as kept:
        running = asyncio.create_task(kept.run())
        while kept.process is None:
            await asyncio.sleep(0.01)
        print(kept.process.pid, flush=True)
        await running

asyncio.run(keep())
"""


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="no Linux here")
async def test_a_stuck_one_does_not_outlive_an_engine_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENGINE, str(tmp_path), str(port), stdout=asyncio.subprocess.PIPE
    )
    assert engine.stdout is not None
    stuck = int(await engine.stdout.readline())
    try:
        async with ClientSession(f"http://127.0.0.1:{port}") as client, client.get("/api/health") as reply:
            assert reply.status == 503
        assert willing_to_go(stuck) == 500
        os.kill(stuck, signal.SIGSTOP)
    finally:
        engine.kill()
        await engine.wait()
    async with asyncio.timeout(60):
        while True:
            with suppress(RestRefused):
                listen("127.0.0.1", port).close()
                break
            await asyncio.sleep(0.01)
