"""Carry a scenario out: engines live and die on it, the world goes on, and everything is watched."""

from __future__ import annotations

import asyncio
import copyreg
import io
import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from random import Random
from typing import Any, ClassVar

import msgspec

from engine.backtest.venue import InProcessBitget
from engine.core.actions import PlaceMarket
from engine.core.events import AnyCommand, Approve, Commanded, Deny, Exit, Flatten, Flip, Halt, Resume
from engine.core.state import State, Step
from engine.journal import chain
from engine.journal.port import JournalRefused
from engine.runtime.engine import Engine
from engine.simulator.contract import Contract
from engine.venue.streams import Patience

from . import deeds
from .disk import Disk
from .network import Network, Strike, strikes_left
from .rest import at_rest, hands_are_told_apart, journal_holds, the_never_met_is_told
from .scenario import Asked, DiskTrouble, Ending, Scenario, Trouble
from .virtual_time import Crash, Timeline, VirtualLoop
from .watch import Watch
from .world import ACCOUNT, World, contract

RESTARTED_S = 2.0
"""After an engine ended by itself, the machine starts it again."""

REST_S = 11.0
"""How long nothing may happen until a world is at rest: a whole round of reading everything again."""
LOOK_S = 1.0


class Outcome(msgspec.Struct):
    """What came of a scenario. `digest` is over all that was sent, decided and held; `steps` of each life."""

    violations: list[str]
    digest: str
    steps: list[int]
    happened: Counter[str]
    counts: dict[str, int]
    longest_uncovered: float
    notes: list[str]


class Left(msgspec.Struct, frozen=True):
    """What a crash leaves, as bytes: exchange, journal, what is on its way or planned, dice, what was watched
    so far. Equal bytes and `strikes` (what has not struck yet) go on as equal stories: nothing else goes on.
    """

    world: bytes
    strikes: tuple[Strike, ...]


class Quiet(msgspec.Struct, frozen=True):
    """Since when nothing happens: what had been counted and said by then, and what the exchange held."""

    since: float
    seen: tuple[dict[str, int], list[int]]
    accounts: object


class Written(InProcessBitget):
    """Nothing takes time here; but what is to lie ready has to be an order that can be written down."""

    def have_ready(self, orders: Sequence[PlaceMarket]) -> None:
        for order in orders:
            self._orders.request(order)


class Bytes(pickle.Pickler):
    """Writes down what is left. What never changes is named, and looked up again."""

    dispatch_table: ClassVar = {**copyreg.dispatch_table, Contract: lambda known: (contract, (known.symbol,))}


class Run:
    """One scenario under way."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.timeline = Timeline()
        self.world = World(
            self.timeline,
            start_ms=scenario.start_ms,
            seed=scenario.seed,
            balance=scenario.balance,
            hedged=scenario.hedged,
            prices=scenario.prices,
            leverages=scenario.leverages or {m.symbol: m.leverage for m in scenario.settings.managed},
        )
        self.watch = Watch(self.world, scenario.settings, patience_s=scenario.patience_s)
        self.world.watch = self.watch
        self.disk = Disk(ACCOUNT, Random(f"{scenario.seed}:disk"))
        self.disk.relented = self.watch.began_again
        self.disk.recorded = self.watch.recorded
        self.engine: Engine | None = None
        self.loop: VirtualLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self.steps: list[int] = []
        self.requests: Counter[str] = Counter()
        self.before_step: Callable[[], None] | None = None
        self.ends_at_rest = False
        self.replayed: dict[bytes, State] = {}
        self._is_at_rest = False
        self._quiet: Quiet | None = None
        self._up_at = scenario.starts
        self._strikes = scenario.strikes
        self._endings = [*scenario.endings, Ending(at=scenario.ends)]
        self._commands = 0
        self._resumed = 0
        self._lives = 0

    def outcome(self) -> Outcome:
        """Run it to the end."""
        self._write_agenda()
        return self.go_on()

    def go_on(self) -> Outcome:
        """From a moment without an engine to the end."""
        self.timeline.run_until(self._up_at)
        while self._endings:
            ending = self._endings.pop(0)
            if ending.at is not None and ending.at < self.timeline.now < self.scenario.ends:
                # the machine was down then
                continue
            goes_on = self._live(ending)
            while goes_on is None:
                goes_on = self._live(ending)
            if not goes_on:
                break
        return self._judge()

    def _write_agenda(self) -> None:
        scenario, at = self.scenario, self.timeline.at
        for quote in scenario.quotes:
            at(quote.at, partial(self.world.quote, quote.symbol, quote.mark, last=quote.last))
        for deed in scenario.deeds:
            at(deed.at, partial(deeds.do, self.world, deed))
        for asked in scenario.asked:
            at(asked.at, partial(self._ask, asked))
        for trouble in scenario.troubles:
            at(trouble.at, partial(self._trouble, trouble))
        for disk_trouble in scenario.disk_troubles:
            at(disk_trouble.at, partial(self._disk_trouble, disk_trouble))

    # -- a life -------------------------------------------------------------------------------------------

    def _live(self, ending: Ending) -> bool | None:
        """One life of the engine until its ending. Returns whether there is another; None when the disk did
        not let it begin: it is to be started again.
        """
        scenario, world = self.scenario, self.world
        loop = self.loop = VirtualLoop(self.timeline, ending.step)
        loop.before_step = self.before_step
        is_over = ending.at is not None and ending.at >= scenario.ends
        until = scenario.ends if ending.at is None else ending.at
        self.timeline.at(
            max(until, self.timeline.now), partial(self._end, loop, clean=ending.clean), mortal=True
        )
        self.timeline.at(scenario.spared_at or scenario.calm_at, loop.spare, mortal=True)
        if self.ends_at_rest:
            self.timeline.at(scenario.calm_at, self._look_for_rest, mortal=True)
        main = self._main = self._boot(loop, self._lives)
        self._lives += 1
        crashed = refused = False
        try:
            loop.run_until_complete(main)
        except Crash:
            crashed = True
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as group:
            leaf = _leaf(group)
            refused = isinstance(leaf, JournalRefused) and self.disk.trouble is not None
            if not refused:
                self.watch.say(f"the engine died: {leaf!r}")
        self.steps.append(loop.steps)
        if crashed and (self._is_at_rest or self.timeline.now >= scenario.ends) and not ending.clean:
            is_over = True
            self._last_look()
        world.network = world.venue = None
        self.watch.engine = None
        last = self.disk
        self.disk = self._found(last.after_crash(torn=ending.torn), ending) if crashed else last
        loop.abandon()
        for fault in loop.faults:
            self.watch.say(f"an exception was lost: {fault}")
        self.requests.update(world.requests_made)
        self._strikes, world.requests_made = self.strikes_left(), {}
        self.timeline.bury()
        now = self.timeline.now
        self.timeline.run_until(min(now + RESTARTED_S if refused else ending.up_at(now), scenario.ends))
        if refused:
            return None
        return not is_over and self.timeline.now < scenario.ends

    def _found(self, disk: Disk, ending: Ending) -> Disk:
        """The disk after a crash. A machine that waits for its beat writes at a pace of its own."""
        if ending.beat:
            disk.paces(self._pace())
        return disk

    def _pace(self) -> Random:
        return Random(f"{self.scenario.seed}:disk:{self._lives}")

    def strikes_left(self) -> tuple[Strike, ...]:
        """What has not struck yet."""
        return strikes_left(self._strikes, self.world.requests_made)

    # -- a crash that might be ----------------------------------------------------------------------------

    def left(self, ending: Ending) -> Left:
        """What is left if the machine goes down now as `ending` says. It does not: this run goes on."""
        up_at = min(ending.up_at(self.timeline.now), self.scenario.ends)
        return self._left(self._found(self.disk.left(torn=ending.torn), ending), up_at)

    def come_up(self) -> Left:
        """A revived run: the world goes on until the machine is up again. What is left then."""
        self.timeline.run_until(self._up_at)
        return self._left(self.disk, self._up_at)

    def _left(self, disk: Disk, up_at: float) -> Left:
        floor = self.world.exchange.floor
        heard, floor.subscribers = floor.subscribers, []
        self._lasting = {"disk": disk, "_up_at": up_at}
        try:
            written = io.BytesIO()
            Bytes(written, pickle.HIGHEST_PROTOCOL).dump(self)
            return Left(written.getvalue(), self.strikes_left())
        finally:
            floor.subscribers = heard

    def __getstate__(self) -> dict[str, Any]:
        lasting = ("timeline", "world", "watch", "_commands", "_resumed", "_lives")
        return {name: self.__dict__[name] for name in lasting} | self._lasting

    def _begin_again(self, scenario: Scenario, strikes: tuple[Strike, ...]) -> None:
        self.scenario, self._strikes = scenario, strikes
        self._endings = [Ending(at=scenario.ends)]
        self.watch.disk = self.disk
        self.disk.paces(self._pace())
        self.engine = self.loop = self._main = self.before_step = None
        self.steps, self.requests = [], Counter()
        self.ends_at_rest, self._is_at_rest, self._quiet = False, False, None
        self.replayed = {}

    def _boot(self, loop: VirtualLoop, life: int) -> asyncio.Task[None]:
        """A new engine from what the journal and the exchange hold."""
        scenario, world = self.scenario, self.world

        async def live() -> None:
            chance, spoils = (Random(f"{scenario.seed}:{what}:{life}") for what in ("network", "spoils"))
            storm, strikes, outages = scenario.storm, self._strikes, scenario.outages
            network = Network(world, chance, spoils, storm, strikes, outages, scenario.lags)
            lag_s = Patience().still_s if scenario.lags else None
            clock = world.machine_clock()
            venue = Written(world.exchange, ACCOUNT, clock=clock, network=network, lag_s=lag_s)
            engine = Engine(scenario.settings, venue, self.disk, version="proof", clock=clock)
            world.network, world.venue, self.engine = network, venue, engine
            self.watch.booted(engine, self.disk)
            await engine.run()

        return loop.create_task(live())

    def _end(self, loop: VirtualLoop, *, clean: bool) -> None:
        if self.loop is not loop or loop.is_dead:
            return
        if clean:
            if self._main is not None:
                self._main.cancel()
            return
        if self.engine is not None and self.timeline.now >= self.scenario.ends and self.engine.unwritten:
            self.timeline.after(0.005, partial(self._end, loop, clean=clean), mortal=True)
            return
        raise Crash("the time of this life is over")

    # -- what the world does to it ------------------------------------------------------------------------

    def _trouble(self, trouble: Trouble) -> None:
        if self.world.network is not None:
            self.world.network.trouble(trouble.link, trouble.what, trouble.seconds)

    def _disk_trouble(self, trouble: DiskTrouble) -> None:
        self.disk.trouble = trouble.what
        self.world.struck(trouble.what)
        self.timeline.after(trouble.seconds, self._disk_is_well)

    def _disk_is_well(self) -> None:
        self.disk.trouble = None

    def _ask(self, asked: Asked) -> None:
        """A command, if there is an engine that listens."""
        if self.engine is None or self.loop is None or self.world.network is None:
            return
        command = asked.command
        if isinstance(command, Approve) and not command.cycle:
            waiting = [c for c in self.engine.state.cycles.values() if c.approval is not None]
            if not waiting:
                return
            assert waiting[0].approval is not None
            command = Approve(waiting[0].id, waiting[0].approval.rung)
        if isinstance(command, Deny) and not command.cycle:
            begun = [e.id for e in self.engine.state.entries.values() if e.step is not Step.ASKING]
            if not begun:
                return
            command = Deny(begun[0], 0)
        self.loop.create_task(self._command_now(self.engine, command))

    async def _command_now(self, engine: Engine, command: AnyCommand) -> None:
        self._commands += 1
        number = self._commands
        if isinstance(command, Resume):
            self.watch.killed = False
            self._resumed = number
        if isinstance(command, Exit | Flip):
            self.watch.exits += 1
        body = Commanded(f"c{number}", "the proof", command)
        try:
            decision = await engine.command(body)
        except JournalRefused:
            self.world.happened["a command that could not be recorded"] += 1
            return
        self.world.happened[f"asked: {type(command).__name__}"] += 1
        if isinstance(command, Deny) and not decision.refused and not engine.unrecorded:
            self.watch.was_denied(command.cycle)
        if isinstance(command, Halt | Flatten) and not decision.refused and number > self._resumed:
            self.watch.is_owed = bool(engine.unrecorded) and not self.watch.killed
            self.watch.killed = True

    # -- the end ------------------------------------------------------------------------------------------

    def _look_for_rest(self) -> None:
        """End as soon as nothing is left that could happen, and nothing has for a whole round of reading all
        of it again. What has not struck, is on its way, or would be a violation at rest, is waited for.
        """
        now, engine, told = self.timeline.now, self.engine, len(self.watch.violations)
        if engine is not None and not self._is_awaited(engine):
            said = [line.id for line in engine.log.lines()[-1:]]
            seen = (dict(self.watch.counts), said)
            if self._quiet is None or self._quiet.seen != seen:
                self._quiet = Quiet(now, seen, self._accounts())
            elif now - self._quiet.since < REST_S:
                pass
            elif self._quiet.accounts != self._accounts():
                self._quiet = Quiet(now, seen, self._accounts())
            else:
                at_rest(self.world, self.watch, engine, self.disk)
                if len(self.watch.violations) == told:
                    self._is_at_rest = True
                    raise Crash("the world is at rest")
                del self.watch.violations[told:]
        self.timeline.after(LOOK_S, self._look_for_rest, mortal=True)

    def _accounts(self) -> object:
        return self.world.exchange.state()["accounts"]

    def _is_awaited(self, engine: Engine) -> bool:
        """Whether anything is on its way, to be struck, or waits for the trader or for its time."""
        state = engine.state
        asks = (
            any(cycle.approval is not None for cycle in state.cycles.values()) or state.entries or state.flips
        )
        return bool(asks or engine.unwritten or self.strikes_left()) or not self.world.stands_still()

    def _last_look(self) -> None:
        if self.engine is not None:
            at_rest(self.world, self.watch, self.engine, self.disk)
            hands_are_told_apart(self.world, self.watch, self.disk)
            the_never_met_is_told(self.world, self.watch, self.disk, self.engine)
            if len(self.disk):
                journal_holds(self.watch, self.disk, self.engine, self.replayed)

    def _judge(self) -> Outcome:
        engine = self.engine
        notes = (
            []
            if engine is None
            else [f"{line.at - self.scenario.start_ms:>7} {line.text}" for line in engine.log.lines()]
        )
        digest = blake2b(digest_size=16)
        digest.update(self.disk.link)
        digest.update(repr(self.world.exchange.state()).encode())
        digest.update(repr(sorted(self.requests.items())).encode())
        digest.update(repr(self.steps).encode())
        if engine is not None:
            digest.update(chain.write_state(engine.state))
        return Outcome(
            self.watch.violations,
            digest.hexdigest(),
            self.steps,
            self.world.happened,
            dict(self.watch.counts),
            self.watch.longest_uncovered,
            notes,
        )


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


def revived(left: Left, scenario: Scenario) -> Run:
    """The run that goes on from what was left of one of `scenario`: it knows nothing else of it."""
    run: Run = pickle.loads(left.world)
    run._begin_again(scenario, left.strikes)
    return run


def simulate(scenario: Scenario, *, until_rest: bool = False) -> Outcome:
    """What comes of a scenario by the end of its time, or when it is at rest: for a plan, in which no day
    begins and nothing is due any more, that is the same.
    """
    run = Run(scenario)
    run.ends_at_rest = until_rest
    return run.outcome()
