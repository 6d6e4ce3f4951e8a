"""The engine: what happens is decided at once, made durable, then carried out.

    venue → tell/tick → decide → journal → venue.do → answers → decide …

Decisions are made in the order in which things happen, in the event loop's own thread. What a decision wants
sent goes out when its entry is durable; only a rung that was armed (durably, with its client ids) does not
wait for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from engine.core.actions import Level, LookUp, Note, PlaceMarket, Read, Work
from engine.core.arming import armed_ids, first_orders, thresholds
from engine.core.decide import Decision, decide, first_state
from engine.core.events import (
    AnyBody,
    AnyCommand,
    BalanceRead,
    Commanded,
    Event,
    MarkReached,
    Started,
    Timer,
)
from engine.core.exchange import Tick
from engine.core.settings import Settings
from engine.core.state import UNREAD, State
from engine.journal.port import Entry, Journal, JournalRefused
from engine.runtime.by_heart import ANSWER, HINDERED, is_owed, lowers_risk, may_be_done
from engine.runtime.clock import Clock
from engine.runtime.errands import Errands
from engine.runtime.links import Links
from engine.runtime.log import Log
from engine.runtime.marks import Marks
from engine.runtime.prices import Prices
from engine.runtime.recovery import decided, latest, replayed
from engine.runtime.told import Told
from engine.runtime.undecided import NOT_BEGUN, REFUSED, UNRECORDED
from engine.runtime.unreached import when_unreached
from engine.venue.port import Venue

logger = logging.getLogger("ratchet.engine")

HEAD_START_S = 0.001
"""What an armed order gets before the disk's work competes with it for the interpreter."""

TIMER_S = 1.0
RECONCILE_TICKS = 10
SNAPSHOT_EVERY = 2000
"""Entries between two snapshots of the state."""

BEGIN_S = 5.0
"""How long a command waits for an engine that has just been started."""

LOUDNESS = {
    Level.URGENT: logging.ERROR,
    Level.WARNING: logging.WARNING,
    Level.MONEY: logging.INFO,
    Level.CHATTER: logging.INFO,
}

MEND_S = 1.0
"""Between two attempts to write a journal that refused."""


class Engine:
    """One account under care. `run` ends by cancellation, or raises when something breaks that a restart
    should mend.
    """

    def __init__(
        self,
        settings: Settings,
        venue: Venue,
        journal: Journal,
        *,
        version: str,
        take_over: bool = False,
        read_only: str = "",
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.settings = settings
        self.venue = venue
        self.journal = journal
        self.version = version
        self.state: State = first_state(settings)
        self.prices = Prices()
        self.marks = Marks()
        self.log = Log()
        self.links = Links()
        self._told = Told()
        self._clock = clock or Clock()
        self.started = self._clock()
        self._take_over = take_over
        self._read_only = read_only
        self._armed_durably: frozenset[str] = frozenset()
        self._outbox: deque[tuple[Entry, tuple[Work, ...]]] = deque()
        self.errands = Errands(venue, self.stamp, self.take)
        self._wake_writer = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._changed = asyncio.Event()
        self.change = 0
        self.unrecorded = ""
        """Why nothing can be recorded now, and so nothing is decided or sent; empty when all is well."""
        self._has_recorded = False
        self._recorded = self.state
        self.by_heart = False
        """Whether it goes on without a journal, to do what the trader has asked for to lose less."""
        self._owed: list[Commanded] = []
        self._since_snapshot = 0
        self._last = 0
        self._ahead = 0
        self._early: list[AnyBody] = []
        self._in_a_hurry = False
        self._begun = asyncio.Event()

    def __repr__(self) -> str:
        state = self.state
        return (
            f"<Engine {self.settings.account}: {len(state.cycles)} cycles, {len(state.pending)} pending, "
            f"{len(self._outbox)} to write>"
        )

    # -- life ------------------------------------------------------------------------------------------------

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Recover, open the venue, then work until cancelled. Raises VenueRefused, JournalRefused."""
        await self._recover()
        managed = tuple(m.symbol for m in self.settings.managed)
        await self.venue.open(self, managed, tuple(self.state.instruments.values()))
        try:
            async with asyncio.TaskGroup() as group:
                self.errands.tasks = group
                group.create_task(self._write(), name="journal")
                self.take(self._start())
                for body in self._early:
                    self.take(body)
                self._begun.set()
                group.create_task(self.venue.run(), name="venue")
                group.create_task(self._tick_timer(), name="timer")
                if ready is not None:
                    ready.set()
        finally:
            self.errands.tasks = None
            await self._leave()

    async def _leave(self) -> None:
        """A last snapshot for a quick next start; a state that is not all in the journal is not worth one."""
        if not self._outbox and not self.unrecorded:
            with contextlib.suppress(JournalRefused):
                await self.journal.snapshot(self.state)

    async def _recover(self) -> None:
        """Believe what the journal says; of the exchange it says what was, not what is."""
        recovered = await self.journal.recover()
        self.state = self._recorded = replace(replayed(recovered, self.settings), unread=UNREAD)
        for recorded in recovered.after:
            self.log.add(recorded.entry.event, recorded.entry.notes)
        self._armed_durably = armed_ids(self.state)
        self._last = latest(self.state)
        self._ahead = max(0, self._last - self._clock())

    def _start(self) -> Started:
        return Started(self.settings, self.version, self._take_over, self._read_only)

    async def _tick_timer(self) -> None:
        """A second at a time; every tenth asks for everything again."""
        beats = 0
        while True:
            await asyncio.sleep(TIMER_S)
            beats += 1
            self.take(Timer(reconcile=beats % RECONCILE_TICKS == 0))
            self.venue.have_ready(first_orders(self.state))

    # -- what happens ----------------------------------------------------------------------------------------

    def tick(self, tick: Tick) -> None:
        """A price. Two comparisons, unless an armed threshold is crossed. Its age counts by our own clock."""
        tick = replace(tick, arrived=self.now())
        if self.prices.crosses(tick):
            self.take(MarkReached(tick.symbol, tick.mark))
        self.marks.add(tick, self.venue.market_ms())
        self.touch()

    def tell(self, body: AnyBody) -> None:
        """Anything else that the venue learnt. A journal begins with a start: what is earlier waits."""
        self.links.heard(body)
        if self.errands.tasks is None:
            self._early.append(body)
        else:
            self.take(body)

    def take(self, body: AnyBody) -> Decision:
        """Decide, believe, and queue what has to be written and done."""
        if self.unrecorded and not self.by_heart:
            return Decision(self.state, (), (), refused=self.unrecorded)
        if self._told.has(body, self.state):
            return Decision(self.state, (), ())
        event = Event(self.stamp(), self.venue.market_ms(), body, self._ticks(body))
        decision = decide(self.state, event)
        if isinstance(body, BalanceRead):
            self.prices.note_balance()
        changed = decision.state is not self.state and (bool(decision.notes) or decision.state != self.state)
        self.state = decision.state
        self._queue(event, decision, changed=changed)
        if changed:
            self.prices.arm(thresholds(self.state))
        self.touch()
        return decision

    def _ticks(self, body: AnyBody) -> tuple[Tick, ...]:
        waits = bool(self.state.entries or self.state.flips)
        return self.prices.newest(touch=waits or isinstance(body, Commanded))

    def stamp(self) -> int:
        """The time of what happens next: no two happenings share one, so that which came first is never in
        doubt.
        """
        self._last = max(self.now(), self._last + 1)
        return self._last

    def _queue(self, event: Event, decision: Decision, *, changed: bool) -> None:
        """Readings go out at once; what changes the exchange waits until its entry is durable, unless it was
        armed durably, or no entry can be.
        """
        if self.unrecorded:
            for work in filter(lowers_risk, decision.actions):
                self.errands.begin(work)
            self._acknowledge(Entry(event, decision.actions, decision.notes))
            return
        now: list[Work] = []
        later: list[Work] = []
        for work in decision.actions:
            # a rung that was asked for waits for the disk: how much was said yes to must not be forgotten
            armed = self._is_armed(work) and not isinstance(event.body, Commanded)
            free = isinstance(work, (Read, LookUp)) or armed
            (now if free else later).append(work)
            self._in_a_hurry |= free and isinstance(work, PlaceMarket)
        for work in now:
            self.errands.begin(work)
        if changed or later or decision.notes:
            self._outbox.append((Entry(event, decision.actions, decision.notes), tuple(later)))
            self._wake_writer.set()

    def _is_armed(self, work: Work) -> bool:
        return isinstance(work, PlaceMarket) and work.id in self._armed_durably

    # -- what is written -------------------------------------------------------------------------------------

    async def _write(self) -> None:
        """The one writer: everything that waits becomes durable in one commit, then its actions go out in
        order. Raises JournalRefused when not even the start can be recorded.
        """
        while True:
            await self._wake_writer.wait()
            self._wake_writer.clear()
            if self._in_a_hurry:
                self._in_a_hurry = False
                await asyncio.sleep(HEAD_START_S)
            try:
                await self._write_what_waits()
            except JournalRefused as refused:
                if not self._has_recorded:
                    raise
                await self._mend(refused)

    async def _write_what_waits(self) -> None:
        while self._outbox:
            batch = list(self._outbox)
            state = self.state
            await self.journal.append([entry for entry, _ in batch], state)
            self._has_recorded, self._recorded = True, state
            for _ in batch:
                self._outbox.popleft()
            self._armed_durably = armed_ids(state)
            for entry, actions in batch:
                for work in actions:
                    self.errands.begin(work)
                self._acknowledge(entry)
            self.touch()
            self._since_snapshot += len(batch)
            if self._since_snapshot >= SNAPSHOT_EVERY and not self._outbox:
                self._since_snapshot = 0
                await self.journal.snapshot(state)

    async def _mend(self, refused: JournalRefused) -> None:
        """Live without a journal: decide nothing and send nothing by itself, say so; begin again when it
        writes again.

        What was not recorded never happened: the journal is read back, and everything is asked for anew.
        """
        self.unrecorded = REFUSED.format(refused)
        self._outbox.clear()
        self.state = self._recorded
        for waiting in self._waiting.values():
            waiting.set_exception(JournalRefused(self.unrecorded))
        self._waiting.clear()
        self._say(Level.URGENT, UNRECORDED.format(refused))
        while self.unrecorded:
            await asyncio.sleep(MEND_S)
            if self.errands.in_flight:
                continue
            try:
                await self._begin_again()
            except JournalRefused as still:
                self.unrecorded = REFUSED.format(still)

    async def _begin_again(self) -> None:
        """What a start does, without losing the connections; what was done from memory is in the same commit.
        Raises JournalRefused.
        """
        state, entries = replayed(await self.journal.recover(), self.settings), list[Entry]()
        bodies: list[AnyBody] = [self._start(), *self._owed]
        while bodies:
            events = [Event(self.stamp(), self.venue.market_ms(), body, self._ticks(body)) for body in bodies]
            state, told = decided(state, events)
            owed = len(self._owed)
            await self.journal.append(told, state)
            del self._owed[:owed]
            entries += told
            bodies = [*self._owed]
        self.unrecorded, self.by_heart = "", False
        self.state = self._recorded = state
        self._armed_durably = armed_ids(state)
        self.prices.arm(thresholds(state))
        self._say(Level.WARNING, "The journal can be written again: everything is read anew from Bitget.")
        for entry in entries:
            self.log.add(entry.event, entry.notes)
            for work in entry.actions:
                self.errands.begin(work)
        for link in self.links.known():
            self.take(link)

    def _say(self, level: Level, text: str) -> None:
        """Tell the trader what cannot be told through the journal."""
        logger.error("%s", text)
        with contextlib.suppress(OSError, ValueError):
            # where the disk is full, or the terminal gone, this has no place to go
            print(f"ratchet engine: {text}", file=sys.stderr, flush=True)
        told = Event(self.stamp(), self.venue.market_ms(), self._start())
        self.log.add(told, [Note("machine", level, text)])
        self.touch()

    def _acknowledge(self, entry: Entry) -> None:
        """It is on the disk: only now is it told."""
        self.log.add(entry.event, entry.notes)
        for note in entry.notes:
            logger.log(LOUDNESS[note.level], "%s", note.text)
        if waiting := self._waiting.pop(entry.event.at, None):
            waiting.set_result(None)

    # -- who watches -----------------------------------------------------------------------------------------

    def touch(self) -> None:
        """Something that a client may want to see has changed."""
        self.change += 1
        self._changed.set()

    async def wait_change(self, after: int) -> int:
        """Wait until something has changed since `after`."""
        while self.change <= after:
            self._changed.clear()
            await self._changed.wait()
        return self.change

    async def command(self, body: Commanded) -> Decision:
        """Decide a trader's command and wait until the decision is durable. Before the journal is read and
        Bitget has answered it would be decided on nothing, and forgotten: it waits a little, then is refused.
        Raises JournalRefused when it cannot be durable and must not be done without that.
        """
        if not self.has_begun:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEGIN_S):
                    await self._begun.wait()
        if not self.has_begun:
            return Decision(self.state, (), (), refused=NOT_BEGUN)
        if self.unrecorded:
            return self._do_by_heart(body)
        decision = self._answered(self.take(body), body.command)
        if not decision.refused:
            try:
                await self.durable()
            except JournalRefused:
                if not may_be_done(body.command):
                    raise
                return self._do_by_heart(body)
        return decision

    def _do_by_heart(self, body: Commanded) -> Decision:
        """What lowers the risk needs no journal."""
        if not may_be_done(body.command):
            return Decision(self.state, (), (), refused=self.unrecorded)
        if not self.by_heart:
            self.by_heart = True
            self.take(HINDERED)
        decision = self._answered(self.take(body), body.command)
        if decision.refused:
            return decision
        if is_owed(body.command):
            self._owed.append(body)
        return replace(decision, answer=f"{decision.answer} {ANSWER}")

    def _answered(self, decision: Decision, command: AnyCommand) -> Decision:
        if decision.refused or not (why := self.venue.unanswered()):
            return decision
        return replace(decision, answer=when_unreached(decision, command, self.state, why))

    async def durable(self) -> None:
        """Wait until all that was decided so far is on the disk. Raises JournalRefused when it cannot be."""
        if self._outbox:
            newest = self._outbox[-1][0].event.at
            waiting = self._waiting.setdefault(newest, asyncio.get_running_loop().create_future())
            await asyncio.shield(waiting)

    def now(self) -> int:
        """The engine's own clock, milliseconds UTC. It goes on from what the journal knows, also when the
        machine's clock was set back while the engine was down.
        """
        return self._clock() + self._ahead

    @property
    def has_begun(self) -> bool:
        """Whether the journal is read and the venue is open: before that nothing is decided."""
        return self._begun.is_set()

    @property
    def unwritten(self) -> int:
        """How many entries wait for the disk."""
        return len(self._outbox)

    @property
    def unwritten_ms(self) -> int:
        """How long the oldest of them has waited."""
        return self.now() - self._outbox[0][0].event.at if self._outbox else 0
