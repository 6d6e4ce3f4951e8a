"""A desk on a real socket, with clocks that stand still until a test moves them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from engine.protocol import Hello, Snapshot
from tests.desk.engine_face import EngineFace
from tests.desk.scenes import HELLO, LIVE, NOW
from tui.app import RatchetDesk
from tui.client import EngineClient

DEPTH: Final = 12
"""From a key to the last picture of what it opens: so often a part tells another one something."""


@dataclass
class Clocks:
    """Steady seconds and the wall clock in milliseconds; both move only by `pass_s`."""

    steady: float = 100.0
    wall: int = NOW
    moved: list[float] = field(default_factory=list)

    def pass_s(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += round(seconds * 1000)


def desk_on(socket: Path, clocks: Clocks, **wishes: Any) -> RatchetDesk:
    """A desk with frozen clocks that samples fast and, once it lost the engine, tries again only after a long
    time.
    """
    pauses = wishes.pop("pauses", (600.0,))
    client = EngineClient(
        socket, by="desk on test", steady=lambda: clocks.steady, wall=lambda: clocks.wall, pauses=pauses
    )
    desk = RatchetDesk(
        client, steady=lambda: clocks.steady, wall=lambda: clocks.wall, sample_s=0.02, **wishes
    )
    desk.animation_level = "none"
    return desk


async def until(
    true: Callable[[], object], pilot: Pilot[Any] | None = None, *, within_s: float = 60.0
) -> None:
    """Wait until something is true and the desk at rest; fail when it is not so in time, with its screen."""
    try:
        async with asyncio.timeout(within_s):
            while not true():
                await (pilot.pause(0.02) if pilot else asyncio.sleep(0.02))
            if pilot:
                await at_rest(pilot)
    except TimeoutError:
        pytest.fail(f"not within {within_s:g} s" + (f"; the desk shows\n{words(pilot)}" if pilot else ""))


async def at_rest(pilot: Pilot[Any]) -> None:
    """All that was pressed and told has become a picture. Textual's own pause waits for an idle processor,
    and a desk that gets no turn on a busy machine looks idle.
    """
    for _ in range(DEPTH):
        await pilot._wait_for_screen()
        if pilot.app.screen_stack:
            pilot.app.screen._on_timer_update()


async def settled(pilot: Pilot[Any]) -> None:
    """The newest snapshot has been drawn."""
    desk = pilot.app
    assert isinstance(desk, RatchetDesk)
    desk.sample()
    await at_rest(pilot)


def words(pilot: Pilot[Any]) -> str:
    """The screen as text, one line of it a line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in strips)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk of this process gives no engine up because the machine stands still: both stand in it."""
    monkeypatch.setattr("tui.client.HELLO_S", 60.0)
    monkeypatch.setattr("tui.client.SILENCE_S", 60.0)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def socket() -> Iterator[Path]:
    """A short path: a unix socket's name holds 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="desk", dir="/tmp") as folder:
        yield Path(folder) / "s"


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(socket: Path, answer: Answer) -> AsyncIterator[None]:
    """Somebody at the socket, who answers with these very bytes and hangs up. No connection outlives it."""
    held: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await answer(reader, writer)

    def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Awaitable[None]:
        held.append(writer)
        return served(reader, writer)

    async with await asyncio.start_unix_server(taken, socket):
        yield
    for writer in held:
        writer.close()


@asynccontextmanager
async def watching(
    socket: Path,
    clocks: Clocks,
    snapshot: Snapshot = LIVE,
    *,
    size: tuple[int, int] = (120, 40),
    hello: Hello = HELLO,
    looks: Mapping[str, object] | None = None,
    **wishes: Any,
) -> AsyncIterator[tuple[Pilot[Any], EngineFace, RatchetDesk]]:
    """A desk that has drawn its first snapshot. `looks` is what the engine answers beside the usual."""
    async with EngineFace(socket, snapshot, hello) as face:
        face.looks |= looks or {}
        desk = desk_on(socket, clocks, **wishes)
        async with desk.run_test(size=size) as pilot:
            await until(lambda: desk.scene.snapshot is not None, pilot)
            await settled(pilot)
            yield pilot, face, desk
