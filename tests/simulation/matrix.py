"""The exhaustive matrix: a crash before every step, with every fault on every request of a plan.

A crash leaves bytes (`Run.left`), and the world goes on from those bytes alone. So cells that leave the same
bytes are one world, and it is played once; the others are counted as merged. Bytes are compared twice: when
the machine goes down, and when it is up again and the world went on without it. What was only counted, to be
told at the end, is not among them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from engine.core.state import State

from .misfortune import OnRequest
from .network import Strike, strikes_left
from .plans import WRITES, crash, told
from .run import Left, Outcome, Run, revived
from .scenario import Scenario

World = tuple[bytes, tuple[Strike, ...]]

FELT_AS: Final[dict[OnRequest, OnRequest | None]] = {
    OnRequest.EXPIRED: OnRequest.LOST,
    OnRequest.TOO_MANY: OnRequest.PLAIN_5XX,
}
"""Bitget does not carry out what is older than its window: nothing ever comes of it. What it is too busy for
was not done either, and is told apart from other failures of its by a word.
"""
READ_AS: Final = FELT_AS | {
    OnRequest.RESPONSE_LOST: OnRequest.LOST,
    OnRequest.LATE: OnRequest.LOST,
    OnRequest.LATER: OnRequest.LOST,
    OnRequest.EXECUTED_5XX: OnRequest.PLAIN_5XX,
    OnRequest.DOUBLED: None,
}
"""What is left of a fault when the request only reads: no answer within the engine's patience is no answer,
and reading twice is reading."""


class Moment(msgspec.Struct, frozen=True):
    """A crash that might be: before which step, what was being written lost or landed, the digest of what it
    leaves, and how many requests had been made to each path.
    """

    step: int
    torn: bool
    leaves: bytes
    made: dict[str, int]

    def __str__(self) -> str:
        return f"crash before step {self.step} ({'torn' if self.torn else 'landed'})"


class Walk(msgspec.Struct):
    """One plan with one fault and without a crash, and every crash that there might have been on its way,
    from when the fault struck. `left` holds what each of them leaves, once.
    """

    outcome: Outcome
    moments: list[Moment]
    left: dict[bytes, bytes]


class Played(msgspec.Struct):
    """What a part of the matrix came to: how many cells, of how many worlds; which cells failed, with
    sentences; what happened in the worlds.
    """

    cells: int = 0
    worlds: int = 0
    failed: list[tuple[str, list[str]]] = []
    happened: Counter[str] = msgspec.field(default_factory=Counter)

    def __str__(self) -> str:
        merged = self.cells - self.worlds
        return f"{self.cells} cells, {self.worlds} worlds played, {merged} merged, {len(self.failed)} failed"

    def add(self, more: Played) -> None:
        self.cells += more.cells
        self.worlds += more.worlds
        self.failed += more.failed
        self.happened.update(more.happened)


def felt(strikes: tuple[Strike, ...]) -> tuple[Strike, ...]:
    """The faults as the engine can feel them."""
    seen = ((s, (FELT_AS if s.path in WRITES else READ_AS).get(s.what, s.what)) for s in strikes)
    return tuple(replace(strike, what=what) for strike, what in seen if what is not None)


def digest(world: bytes) -> bytes:
    return blake2b(world, digest_size=16).digest()


def walk(plan: Scenario, strikes: tuple[Strike, ...]) -> Walk:
    """Play a plan with a fault; before every step from its strike on, look at what a crash would leave."""
    run = Run(replace(plan, strikes=strikes))
    moments: list[Moment] = []
    kept: dict[bytes, bytes] = {}

    def look() -> None:
        if run.strikes_left():
            return
        assert run.loop is not None
        step, made = run.loop.steps, dict(run.world.requests_made)
        for torn in (True, False) if run.disk.is_writing else (True,):
            world = run.left(crash(step, torn=torn)).world
            leaves = digest(world)
            kept.setdefault(leaves, world)
            moments.append(Moment(step, torn, leaves, made))

    run.before_step = look
    return Walk(run.outcome(), moments, kept)


class Matrix:
    """One plan's part of the matrix, as far as one process plays it. Every `stride`-th cell."""

    def __init__(self, plan: Scenario, stride: int = 1) -> None:
        self.plan = plan
        self._stride = stride
        self._calm = walk(plan, ())
        self._up: dict[bytes, bytes] = {}
        self._worlds: dict[bytes, bytes] = {}
        self._came: dict[World, list[str]] = {}
        self._calm_asks: dict[tuple[bytes, bool], Counter[str]] = {}
        self._replayed: dict[bytes, State] = {}
        self._rows: dict[tuple[Strike, ...], list[tuple[str, list[str]]]] = {}

    def play(self, strikes: tuple[Strike, ...]) -> Played:
        """The row of a fault: without a crash, and with each that there might be."""
        played, name = Played(), f"{self.plan.name}: {told(strikes)}"
        row = self._rows.get(felt(strikes))
        if row is None:
            row = self._rows[felt(strikes)] = list(self._row(felt(strikes), played))
        played.cells = len(row)
        played.failed = [(f"{name}, {ending}", said) for ending, said in row if said]
        return played

    def _row(self, strikes: tuple[Strike, ...], played: Played) -> Iterator[tuple[str, list[str]]]:
        """Until a fault strikes, the plan goes as if there were none."""
        way = walk(self.plan, strikes) if strikes else self._calm
        self._note(way.outcome, played)
        yield "no crash", way.outcome.violations
        begins = way.moments[0].step if way.moments else math.inf
        shared = [moment for moment in self._calm.moments if moment.step < begins] if strikes else []
        for number, moment in enumerate((*shared, *way.moments)):
            if number % self._stride == 0:
                left = way.left.get(moment.leaves) or self._calm.left[moment.leaves]
                yield str(moment), self._come_of(left, moment, strikes_left(strikes, moment.made), played)

    def _come_of(self, left: bytes, moment: Moment, strikes: tuple[Strike, ...], played: Played) -> list[str]:
        """The violations of what goes on after a crash. It is played when it is a new world; a fault that
        would strike later than any request of the world without it is no fault.
        """
        if moment.leaves not in self._up:
            up = revived(Left(left, ()), self.plan).come_up().world
            self._up[moment.leaves] = self._worlds.setdefault(digest(up), up)
        up = self._up[moment.leaves]
        asked = self._asked(up, played, ends_at_rest=True)
        if any(s.number > asked[s.path] for s in strikes):
            asked = self._asked(up, played, ends_at_rest=False)
        strikes = tuple(s for s in strikes if s.number <= asked[s.path])
        if (up, strikes) not in self._came:
            self._go_on(up, strikes, played, ends_at_rest=True)
        return self._came[up, strikes]

    def _asked(self, up: bytes, played: Played, *, ends_at_rest: bool) -> Counter[str]:
        """The requests of a world without a fault, until it is at rest or to the end of its time."""
        if (up, ends_at_rest) not in self._calm_asks:
            self._calm_asks[up, ends_at_rest] = self._go_on(up, (), played, ends_at_rest=ends_at_rest)
        return self._calm_asks[up, ends_at_rest]

    def _go_on(
        self, up: bytes, strikes: tuple[Strike, ...], played: Played, *, ends_at_rest: bool
    ) -> Counter[str]:
        """Play a world; the requests that were made."""
        run = revived(Left(up, strikes), self.plan)
        run.ends_at_rest, run.replayed = ends_at_rest, self._replayed
        self._came[up, strikes] = self._note(run.go_on(), played)
        return run.requests

    def _note(self, outcome: Outcome, played: Played) -> list[str]:
        played.worlds += 1
        played.happened.update(outcome.happened)
        played.happened.update(outcome.counts)
        return outcome.violations
