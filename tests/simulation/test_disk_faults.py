"""F6: the disk refuses at every single write of every plan: no new risk, stops stay, the trader is told."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from engine.core.state import State
from engine.journal.port import Entry

from .disk import Disk
from .misfortune import OnDisk
from .plans import PLANS
from .run import Run
from .scenario import Scenario

STRIDE = 3
"""Every third write of each plan, with each kind of fault beginning at another one: together all of them."""
KINDS = (OnDisk.FULL, OnDisk.FLAKY, OnDisk.UNSURE)
FOR_S = 4.0


class StruckDisk(Disk):
    """Refuses from the `at`-th write on, for a while; at 0 it never does."""

    def __init__(self, run: Run, what: OnDisk, at: int) -> None:
        super().__init__(run.disk.account, Random("struck"))
        self._run = run
        self._what = what
        self._at = at
        self.writes = self.busy = 0
        """All of them, and those before the plan is calm and a while after."""

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        self.writes += 1
        if self._run.timeline.now < self._run.scenario.calm_at + FOR_S:
            self.busy = self.writes
        if self.writes == self._at:
            self.trouble = self._what
            self._run.world.struck(self._what)
            self._run.timeline.after(FOR_S, self._relent)
        return await super().append(entries, state)

    def _relent(self) -> None:
        self._run.disk.trouble = None


def struck(plan: Scenario, what: OnDisk = OnDisk.FULL, at: int = 0) -> tuple[Run, StruckDisk]:
    run = Run(plan)
    disk = StruckDisk(run, what, at)
    disk.relented, disk.recorded = run.disk.relented, run.disk.recorded
    run.disk = disk
    return run, disk


@pytest.mark.parametrize("what", KINDS, ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_a_disk_that_refuses_at_any_write_of_a_plan(name: str, what: OnDisk) -> None:
    run, calm = struck(PLANS[name])
    assert run.outcome().violations == []
    told: list[str] = []
    for at in range(1 + KINDS.index(what), calm.busy + 1, STRIDE):
        run, _ = struck(PLANS[name], what, at)
        outcome = run.outcome()
        told += [f"{name}, {what} at write {at}: {said}" for said in outcome.violations]
        if what is OnDisk.FULL and run.engine is not None and run.engine.has_begun and at > 1:
            said_so = any("Nothing is decided or sent" in note for note in outcome.notes)
            told += [] if said_so else [f"{name}, write {at}: the trader was not told"]
    assert not told, "\n".join(told)
