"""A command that comes while the engine is still starting: decided on what the journal knows, or refused."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from engine.core.events import Commanded, Halt, SignalHeard, SignalOutcome, Started
from engine.journal.memory import MemoryJournal
from engine.protocol import Mode, NotAnswering
from engine.runtime import engine as runtime
from engine.runtime.engine import Engine
from engine.runtime.face import Face
from engine.runtime.recovery import replayed
from engine.runtime.snapshot import snapshot_of
from engine.runtime.watch import Watch
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from tests.runtime.desk import SETTINGS, Desk, desk


async def another_start(on: Desk) -> tuple[Engine, Bitget, MemoryJournal]:
    """The engine of this desk goes down; the next one finds its journal and has not been started yet."""
    found = on.journal.crash()
    venue = Bitget(Keys(on.sim.key, on.sim.secret, on.sim.passphrase), url=on.sim.url)
    return Engine(SETTINGS, venue, found, version="next"), venue, found


async def test_a_halt_that_comes_before_the_engine_has_begun_holds() -> None:
    async with desk() as on:
        await on.opens()
        engine, venue, journal = await another_start(on)
        asked = asyncio.create_task(engine.command(Commanded("1", "cli", Halt("news"))))
        await asyncio.sleep(0)
        running = asyncio.create_task(engine.run())
        try:
            decision = await asked
            assert not decision.refused
            assert engine.state.kill is not None
            assert engine.state.cycles, "it was decided on what the journal knows"
            recorded = replayed(await journal.recover(), SETTINGS)
            assert (recorded.kill, len(recorded.cycles)) == (engine.state.kill, 1)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await venue.close()


async def test_the_journal_of_an_engine_that_is_halted_at_its_very_first_start_begins_with_that_start() -> (
    None
):
    async with desk() as on:
        _, venue, _ = await another_start(on)
        empty = MemoryJournal("main")
        engine = Engine(SETTINGS, venue, empty, version="first")
        asked = asyncio.create_task(engine.command(Commanded("1", "cli", Halt("news"))))
        await asyncio.sleep(0)
        running = asyncio.create_task(engine.run())
        try:
            await asked
            bodies = [recorded.entry.event.body async for recorded in empty.read()]
            assert isinstance(bodies[0], Started)
            assert any(isinstance(body, Commanded) for body in bodies)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await venue.close()


async def test_a_command_to_an_engine_that_cannot_begin_is_refused_and_not_done_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "BEGIN_S", 0.05)
    async with desk() as on:
        engine, venue, _ = await another_start(on)
        decision = await engine.command(Commanded("1", "cli", Halt("news")))
        assert "has not heard from Bitget yet: this was not done" in decision.refused
        assert engine.state.kill is None
        await venue.close()


async def test_what_came_from_outside_before_the_start_is_not_the_beginning_of_a_journal() -> None:
    """Who tells it keeps it, and tells it again."""
    async with desk() as on:
        engine, venue, _ = await another_start(on)
        heard = SignalHeard("TradingView", SignalOutcome.WRONG_TOKEN, "the alert's token is wrong or missing")
        with pytest.raises(NotAnswering, match="is starting, and records nothing yet"):
            await Face(engine, engine.journal).heard(heard)
        assert engine.unwritten == 0
        await venue.close()


async def test_an_engine_that_knows_only_its_journal_does_not_call_itself_reconciled(tmp_path: Path) -> None:
    async with desk() as on:
        await on.opens()
        engine, venue, _ = await another_start(on)
        await engine._recover()
        view = snapshot_of(engine, Mode.SIM).engine
        assert engine.state.cycles
        assert (view.reconciled, view.unread) == (False, ("positions", "orders", "balance"))
        assert Watch(engine, tmp_path).status() == "reading positions, orders, balance"
        await venue.close()
