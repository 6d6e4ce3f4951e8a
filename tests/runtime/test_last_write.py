"""An engine that is told to end, and a disk that is slow: what was decided before is written."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.config.loaded import Telling
from engine.config.paths import find_paths
from engine.core.events import Commanded, Halt
from engine.core.state import State
from engine.journal.port import Entry
from engine.journal.sqlite import SqliteJournal
from engine.runtime import main
from engine.runtime.doors import Doors
from engine.runtime.engine import Engine
from engine.runtime.telling import TellingFace, TellingJournal, Voices
from engine.runtime.watch import Watch
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from tests.runtime.desk import SETTINGS


class SlowDisk(SqliteJournal):
    """A journal on a disk that takes nothing while it is `busy`."""

    free: asyncio.Event

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        await self.free.wait()
        return await super().append(entries, state)


@asynccontextmanager
async def opened(sim: SimulatedBitget, database: Path) -> AsyncIterator[tuple[Bitget, SlowDisk]]:
    venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
    try:
        async with await SlowDisk.open(database, account=venue.account) as journal:
            yield venue, journal
    finally:
        await venue.close()


async def test_a_halt_that_waits_for_the_disk_when_sigterm_comes_is_written_and_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ratchet.engine")
    monkeypatch.setattr(main, "LAST_WRITE_S", 60.0)
    paths = find_paths(str(tmp_path), {})
    async with (
        asyncio.timeout(60),
        SimulatedBitget(ideal=True) as sim,
        opened(sim, paths.database) as (
            venue,
            journal,
        ),
    ):
        journal.free = asyncio.Event()
        journal.free.set()
        telling = TellingJournal(journal)
        engine = Engine(SETTINGS, venue, telling, version="test")
        face = TellingFace(engine, telling)
        watch = Watch(engine, tmp_path)
        async with Voices(Telling(), telling, face, tmp_path) as voices:
            doors = Doors(None, None, paths=paths, version="test")
            life = asyncio.create_task(main._until_signal(engine, face, voices, doors, watch, paths.socket))
            while not engine.state.is_reconciled or engine.unwritten:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            journal.free.clear()
            halted = asyncio.create_task(engine.command(Commanded("1", "test", Halt("enough"))))
            while engine.state.kill is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)
            while "Ended by a signal" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert not halted.done()
            journal.free.set()
            await life
            assert (await halted).refused == ""
        await journal.close()
        async with await SqliteJournal.open(paths.database, account=venue.account) as again:
            believed = (await again.recover()).believed
    assert believed is not None and believed.kill is not None
    assert (believed.kill.by, believed.kill.reason) == ("test", "enough")
