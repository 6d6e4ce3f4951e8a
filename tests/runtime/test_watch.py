"""The engine's watch: a real datagram socket in systemd's place, a real server at the heartbeat address."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from aiohttp import web

from engine.runtime.supervisor import Supervisor
from engine.runtime.watch import MB, Watch
from tests.runtime.desk import Desk, desk


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.setblocking(False)
        yield wire


def supervisor(wire: socket.socket, watchdog_s: float = 0.3) -> Supervisor:
    micro = str(int(watchdog_s * 1_000_000))
    return Supervisor.of_environment({"NOTIFY_SOCKET": wire.getsockname(), "WATCHDOG_USEC": micro})


def heard(wire: socket.socket) -> list[str]:
    words = []
    with suppress(BlockingIOError):
        while True:
            words += wire.recv(4096).decode().splitlines()
    return words


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def hears(on: Desk, wire: socket.socket, word: str) -> list[str]:
    """Everything that was said until `word` was."""
    said: list[str] = []

    def is_said() -> bool:
        said.extend(heard(wire))
        return word in said

    await on.until(is_said, f"systemd hears {word}")
    return said


async def test_systemd_hears_ready_what_is_so_and_signs_of_life(
    systemd: socket.socket, tmp_path: Path
) -> None:
    async with desk() as on:
        watch = Watch(on.engine, tmp_path, supervisor=supervisor(systemd))
        async with watching(watch):
            said = await hears(on, systemd, "WATCHDOG=1")
            assert said.index("READY=1") < said.index("WATCHDOG=1")
            assert "STATUS=SIM main: 0 under care, 0 stops rest on Bitget" in said
            await on.opens()
            await hears(on, systemd, "STATUS=SIM main: 1 under care, 0 stops rest on Bitget")
            watch.stop()
            assert "STOPPING=1" in heard(systemd)


async def test_no_sign_of_life_while_a_stream_is_silent(systemd: socket.socket, tmp_path: Path) -> None:
    async with desk() as on:
        venue = on.engine.venue
        silence = {"public": 0.0, "private": 91_000.0}
        on.engine.venue = Silent(venue, silence)  # type: ignore[assignment]
        async with watching(Watch(on.engine, tmp_path, supervisor=supervisor(systemd))):
            said = await hears(on, systemd, "STATUS=NOT ALIVE: the private stream is silent")
            await asyncio.sleep(0.7)
            assert "WATCHDOG=1" not in said + heard(systemd)
            silence["private"] = 100.0
            await hears(on, systemd, "WATCHDOG=1")
        on.engine.venue = venue


class Silent:
    """The same venue, heard of as long ago as the test says."""

    def __init__(self, venue: object, silence: dict[str, float]) -> None:
        self._venue = venue
        self._silence = silence

    def silence_ms(self, link: str) -> float:
        return self._silence[link]

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


async def test_a_loop_that_was_stuck_is_no_sign_of_life(tmp_path: Path) -> None:
    async with desk() as on:
        watch = Watch(on.engine, tmp_path)
        assert watch.stale_because() == ""
        watch.lag_s = 6.0
        assert watch.stale_because() == "the loop was stuck for 6 s"


async def test_a_disk_that_fills_warns_then_forbids_new_risk_then_opens_again(tmp_path: Path) -> None:
    left = [500 * MB]
    async with desk() as on:
        watch = Watch(on.engine, tmp_path, free=lambda _: left[0])
        await on.opens()
        watch.look_at_disk()
        assert on.engine.state.hindered == ""
        left[0] = 150 * MB
        watch.look_at_disk()
        watch.look_at_disk()
        await on.until(lambda: on.told("has 150 MB left: free space; below 20 MB nothing is added"), "warned")
        assert on.engine.state.hindered == ""
        left[0] = 19 * MB
        watch.look_at_disk()
        assert on.engine.state.hindered == "the disk of the journal has 19 MB left, 20 MB are needed"
        sent = on.orders_sent()
        await on.mark(95_000)
        await on.until(lambda: "19 MB left" in on.cycle.blocked, "the rung is blocked with the reason")
        assert on.orders_sent() == sent
        left[0] = 30 * MB
        watch.look_at_disk()
        assert on.engine.state.hindered, "not open again at the first byte"
        left[0] = 300 * MB
        watch.look_at_disk()
        assert on.engine.state.hindered == ""
        await on.falls_to("94999.9", rungs=1)
        assert await on.held() == on.cycle.held_qty


async def test_the_heartbeat_address_is_asked_only_while_all_is_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    status = [200]
    may = asyncio.Event()
    may.set()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        await may.wait()
        return web.Response(status=status[0])

    app = web.Application()
    app.router.add_get("/ping/secret-token", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with desk() as on:
        url = f"http://127.0.0.1:{port}/ping/secret-token"
        watch = Watch(on.engine, tmp_path, heartbeat_url=url, heartbeat_s=0.05)
        async with watching(watch):
            await on.until(lambda: len(asked) >= 2, "it beats")
            status[0] = 500
            await on.until(lambda: "the heartbeat address does not answer: HTTP 500" in caplog.text, "told")
            await asyncio.sleep(0.2)
            assert caplog.text.count("HTTP 500") == 1
            assert "secret-token" not in caplog.text
            may.clear()
            asked.clear()
            await on.until(lambda: bool(asked), "one waits for its answer, and no other is on its way")
            on.journal.refusal = "The disk under state.db is full."
            await on.until(lambda: bool(on.engine.unrecorded), "nothing can be recorded")
            asked.clear()
            may.set()
            await asyncio.sleep(0.3)
            assert asked == [], "an engine that decides nothing is not well"
    await runner.cleanup()


def test_without_systemd_nothing_is_said_and_a_deaf_one_is_complained_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Supervisor.of_environment({}).tell(READY="1")
    assert caplog.text == ""
    deaf = Supervisor.of_environment({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    deaf.tell(READY="1")
    deaf.tell(WATCHDOG="1")
    assert caplog.text.count("cannot be told anything") == 1


def test_a_watchdog_for_another_process_is_none(systemd: socket.socket) -> None:
    given = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"}
    assert Supervisor.of_environment({**given, "WATCHDOG_PID": str(os.getpid())}).watchdog_s == 30.0
    assert Supervisor.of_environment({**given, "WATCHDOG_PID": "1"}).watchdog_s == 0.0
    assert Supervisor.of_environment({**given, "WATCHDOG_USEC": "soon"}).watchdog_s == 0.0


def test_an_abstract_socket_is_reached_by_its_at_sign() -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as wire:
        name = f"ratchet-test-{os.getpid()}"
        wire.bind(f"\0{name}")
        wire.setblocking(False)
        Supervisor(f"@{name}").tell(READY="1", STATUS="up")
        assert heard(wire) == ["READY=1", "STATUS=up"]
