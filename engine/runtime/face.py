"""The engine as the control socket shows it."""

from __future__ import annotations

import os

from engine.core.events import Commanded
from engine.journal.port import Journal
from engine.journal.story import story
from engine.protocol import (
    PROTOCOL,
    Answer,
    Hello,
    Mode,
    OrderView,
    Request,
    Snapshot,
    StoryLine,
    Verdict,
)
from engine.runtime.engine import Engine
from engine.runtime.snapshot import orders_of, snapshot_of


class Face:
    """Implements `engine.api.port.Served` for one engine."""

    def __init__(self, engine: Engine, journal: Journal) -> None:
        self._engine = engine
        self._journal = journal
        self._mode = Mode(engine.venue.mode)

    @property
    def version(self) -> int:
        return self._engine.change

    def hello(self) -> Hello:
        engine = self._engine
        sim = self._mode is Mode.SIM
        return Hello(PROTOCOL, engine.version, engine.settings.account, self._mode, os.getpid(), hand=sim)

    def snapshot(self) -> Snapshot:
        return snapshot_of(self._engine, self._mode)

    async def changed(self, after: int) -> int:
        return await self._engine.wait_change(after)

    async def command(self, request: Request) -> Answer:
        """Decided and durable, or refused with the reason."""
        decision = await self._engine.command(Commanded(request.id, request.by, request.command))
        if decision.refused:
            return Answer(request.id, Verdict.REFUSED, decision.refused)
        return Answer(request.id, Verdict.DONE, decision.answer)

    def orders(self) -> tuple[OrderView, ...]:
        return orders_of(self._engine.state)

    async def why(self, name: str) -> list[StoryLine]:
        return await story(self._journal, name)
