"""The engine as the control socket shows it."""

from __future__ import annotations

import os
from decimal import Decimal

from msgspec.structs import replace

from engine.api.port import NothingThere
from engine.core.events import Commanded, SignalHeard
from engine.core.signals import to_journal
from engine.journal.aside import Aside
from engine.journal.history import History
from engine.journal.port import Journal, JournalRefused
from engine.journal.story import story
from engine.protocol import (
    PROTOCOL,
    Answer,
    ChartView,
    CycleStory,
    CycleView,
    Enter,
    EquityPoint,
    Hello,
    Mode,
    NotAnswering,
    OrderView,
    PreviewView,
    RegimeView,
    Request,
    SettingsView,
    Side,
    SignalsView,
    Snapshot,
    StoryLine,
    TicketView,
    Verdict,
)
from engine.runtime.drawn import Still
from engine.runtime.engine import Engine
from engine.runtime.preview import preview_of
from engine.runtime.snapshot import orders_of, snapshot_of
from engine.runtime.ticket import ticket_of


class Face:
    """Implements `engine.api.port.Served` for one engine. `past` is None for a journal without tables."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        *,
        past: History | None = None,
        settings: SettingsView | None = None,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._past = past
        self._aside = Aside(past.path) if past else None
        self._settings = settings or SettingsView(())
        self._mode = Mode(engine.venue.mode)
        self._still = Still()

    @property
    def version(self) -> int:
        return self._engine.change

    def hello(self) -> Hello:
        engine = self._engine
        sim = self._mode is Mode.SIM
        return Hello(PROTOCOL, engine.version, engine.settings.account, self._mode, os.getpid(), hand=sim)

    def snapshot(self) -> Snapshot:
        return snapshot_of(self._engine, self._mode, self._still)

    async def changed(self, after: int) -> int:
        return await self._engine.wait_change(after)

    async def command(self, request: Request) -> Answer:
        """Decided and durable, or refused with the reason."""
        try:
            decision = await self._engine.command(Commanded(request.id, request.by, request.command))
        except JournalRefused as refused:
            return Answer(request.id, Verdict.REFUSED, str(refused))
        if decision.refused:
            return Answer(request.id, Verdict.REFUSED, decision.refused)
        return Answer(request.id, Verdict.DONE, decision.answer)

    def orders(self) -> tuple[OrderView, ...]:
        return orders_of(self._engine.state)

    async def why(self, name: str) -> list[StoryLine]:
        lines = await (self._aside.story(name) if self._aside else story(self._journal, name))
        if not lines and any(managed.symbol == name for managed in self._engine.settings.managed):
            return [StoryLine(0, self._engine.now(), "event", f"{name}: nothing has happened with it yet")]
        return lines

    def preview(self, symbol: str, side: Side, parts: tuple[Decimal, ...]) -> PreviewView:
        return preview_of(self._engine, symbol, side, parts)

    def ticket(self, enter: Enter) -> TicketView:
        return ticket_of(self._engine, enter)

    async def history(self) -> tuple[CycleView, ...]:
        return await self._past.cycles() if self._past else ()

    async def cycle(self, name: str) -> CycleStory:
        story = await self._past.cycle(name) if self._past else None
        if story is None:
            raise NothingThere(f"the journal knows no cycle {name!r}")
        return story

    async def equity(self) -> tuple[EquityPoint, ...]:
        return await self._past.equity() if self._past else ()

    async def signals(self) -> SignalsView:
        return replace(self.regimes(), signals=await self._past.signals() if self._past else ())

    def regimes(self) -> SignalsView:
        regimes = tuple(
            RegimeView(symbol, each.sentiment, each.since, each.before)
            for symbol, each in self._engine.state.regimes.items()
        )
        is_on = any((o.name, o.value) == ("webhook.on", "true") for o in self._settings.options)
        return SignalsView((), regimes, ("TradingView",) if is_on else ())

    async def heard(self, signal: SignalHeard) -> None:
        """A signal came, and this became of it: into the journal with it, once. A journal begins with a
        start.
        """
        engine = self._engine
        if not engine.has_begun:
            raise NotAnswering("the engine is starting, and records nothing yet")
        if engine.unrecorded:
            raise NotAnswering(engine.unrecorded)
        if (new := to_journal(engine.state, signal)) is not None:
            engine.take(new)
        try:
            await engine.durable()
        except JournalRefused as refused:
            raise NotAnswering(str(refused)) from None

    async def chart(self, symbol: str) -> ChartView:
        candles = self._engine.marks.candles(symbol)
        trades = await self._past.trades(symbol, candles[0].at) if self._past and candles else ()
        return ChartView(symbol, candles, trades)

    def settings(self) -> SettingsView:
        return self._settings
