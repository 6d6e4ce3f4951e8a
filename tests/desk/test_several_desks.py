"""Several desks on one engine, the engine's own face on a real socket: what one does, all of them tell; and
the engine goes, comes back, and comes back as another version.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from engine.api.server import ControlSocket
from engine.journal.history import History
from engine.journal.sqlite import SqliteJournal
from engine.protocol import PROTOCOL, Answer, Hello, Request, Resume
from engine.runtime.face import Face
from tests.acceptance.scene import Scene, scene
from tests.desk.conftest import until, words
from tui.app import RatchetDesk
from tui.client import EngineClient, EngineUnheard

SIZE = (120, 40)

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""A desk that knocks in the very moment in which a server closes leaves it a connection that nobody took."""


class Newer(Face):
    """The engine after an update that speaks another protocol."""

    def hello(self) -> Hello:
        ours = super().hello()
        return Hello(PROTOCOL + 1, "9.0.0", ours.account, ours.mode, ours.pid)


@asynccontextmanager
async def served(on: Scene, socket: Path, kind: type[Face] = Face) -> AsyncIterator[None]:
    """The engine of a scene on its socket, fed until the end."""
    engine = on.on.engine
    assert isinstance(engine.journal, SqliteJournal)
    face = kind(engine, engine.journal, past=History(engine.journal.reader))
    async with ControlSocket(face, socket) as door:
        feeding = asyncio.create_task(door.run())
        try:
            yield
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


@asynccontextmanager
async def desk_of(socket: Path, by: str, **wishes: Any) -> AsyncIterator[Pilot[Any]]:
    """A desk in real time, as on a terminal of that name."""
    desk = RatchetDesk(EngineClient(socket, by=by, pauses=(0.05,)), sample_s=0.05, **wishes)
    desk.animation_level = "none"
    async with desk.run_test(size=SIZE) as pilot:
        yield pilot


def shows(pilot: Pilot[Any], said: str) -> bool:
    return said in words(pilot)


async def all_show(said: str, *pilots: Pilot[Any]) -> None:
    """Every one of these desks comes to show it."""
    await until(lambda: all(shows(pilot, said) for pilot in pilots), pilots[0])


async def test_what_one_desk_halts_every_desk_tells_with_its_name_and_the_time(
    tmp_path: Path, socket: Path
) -> None:
    async with (
        scene(tmp_path) as on,
        served(on, socket),
        desk_of(socket, "desk on tty2") as one,
        desk_of(socket, "desk on pts/7") as other,
        desk_of(socket, "desk on pts/8", read_only=True) as watcher,
    ):
        await all_show("AUTO", one, other, watcher)
        await one.press("ctrl+k")
        await all_show("HALTED by the desk on tty2 at ", one, other, watcher)
        told = {re.search(r"tty2 at (\d\d:\d\d:\d\d)", words(pilot))[1] for pilot in (one, other, watcher)}  # type: ignore[index]
        assert len(told) == 1, "all tell the engine's time"
        await all_show("✓ halt · done", one)
        assert "halt · done" not in words(other), "an answer is for the desk that asked"
        assert "^R resumes" in words(other)
        assert "resumes" not in words(watcher)
        await watcher.press("ctrl+r")
        await all_show("attached read-only", watcher)
        await other.press("ctrl+r")
        await other.pause()
        await other.press("tab", "enter")
        await all_show(" AUTO ", one, other, watcher)
        assert on.on.engine.state.kill is None


async def test_a_flatten_of_one_desk_is_seen_by_the_other(tmp_path: Path, socket: Path) -> None:
    async with (
        scene(tmp_path) as on,
        served(on, socket),
        desk_of(socket, "desk on tty2") as one,
        desk_of(socket, "desk on pts/7") as other,
    ):
        await on.opens_and_climbs("95000")
        await all_show("BTCUSDT", one)
        await one.press("ctrl+x")
        await one.pause()
        assert shows(one, "FLATTEN ARMED")
        assert not shows(other, "FLATTEN ARMED"), "the catch is of one desk alone"
        await one.press("ctrl+x")
        await all_show("No open position", other)
        await all_show("by the desk on tty2 at ", other)
        assert not on.on.cycles()


async def test_an_engine_that_goes_and_comes_back_is_found_by_every_desk(
    tmp_path: Path, socket: Path
) -> None:
    async with (
        scene(tmp_path) as on,
        desk_of(socket, "desk on tty2") as one,
        desk_of(socket, "desk on pts/7", read_only=True) as other,
    ):
        await all_show("no engine at", one)
        async with served(on, socket):
            await on.opens_and_climbs("95000")
            await all_show("BTCUSDT", one, other)
        await all_show("ENGINE GONE since ", one, other)
        assert shows(one, "BTCUSDT"), "what was known last stays in view"
        await one.press("ctrl+k")
        await all_show("NOT SENT: the engine is gone", one)
        async with served(on, socket):
            await until(lambda: not shows(one, "ENGINE GONE") and not shows(other, "ENGINE GONE"), one)
            assert on.on.engine.state.kill is None, "what was not sent is not done later"


async def test_an_engine_that_comes_back_as_another_version_is_not_guessed_at(
    tmp_path: Path, socket: Path
) -> None:
    async with scene(tmp_path) as on, desk_of(socket, "desk on tty2") as pilot:
        async with served(on, socket):
            await all_show("AUTO", pilot)
        async with served(on, socket, Newer):
            await all_show("ANOTHER PROTOCOL", pilot)
            assert shows(pilot, "version 9.0.0 and speaks protocol 2")
            assert not shows(pilot, "reach nobody")
        async with served(on, socket):
            await all_show("AUTO", pilot)


async def test_a_desk_halts_and_flattens_an_engine_of_another_protocol(
    tmp_path: Path, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for of_the_engine in ("engine.api.requests.PROTOCOL", "engine.api.server.PROTOCOL"):
        monkeypatch.setattr(of_the_engine, PROTOCOL + 1)
    async with (
        scene(tmp_path) as on,
        served(on, socket, Newer),
        desk_of(socket, "desk on tty2") as pilot,
        desk_of(socket, "desk on pts/8", read_only=True) as watcher,
    ):
        await on.opens_and_climbs("95000")
        await all_show("ANOTHER PROTOCOL", pilot, watcher)
        assert shows(pilot, "Halt and flatten still work")
        assert shows(pilot, "^K halt")
        assert not shows(watcher, "still work")
        with pytest.raises(EngineUnheard, match="speaks protocol 2, the client 1"):
            await pilot.app.client.look("/v1/commands", Answer, body=resuming())  # type: ignore[attr-defined]
        await pilot.press("ctrl+k")
        await until(lambda: on.on.engine.state.kill, pilot)
        await all_show("halt · done", pilot)
        await pilot.press("ctrl+x")
        await all_show("^X again within 3 s closes every managed position at market and halts", pilot)
        await pilot.press("ctrl+x")
        await until(lambda: not on.on.cycles(), pilot)


def resuming() -> bytes:
    """What this desk would send to let trading go on."""
    return msgspec.json.encode(Request("r-1", "desk on tty2", Resume()))
