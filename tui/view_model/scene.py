"""What the desk knows at one moment: the newest snapshot, how old it is, and how the desk stands with the
engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from engine.protocol import Mode, PositionView, Snapshot
from tui.keymaps import FIRST_KEYS
from tui.link import Link, LinkState
from tui.view_model.ink import Ink

STALE_MS: Final = 3_000
"""A mark older than this is dimmed and says so."""

APART_MS: Final = 60_000
"""From here on the exchange's clock is another than the engine's: its market is a simulated one."""

LOST_MS: Final = 10_000
"""A mark older than this is no longer shown at all."""


class Freshness(StrEnum):
    """How far a number may be trusted."""

    FRESH = "fresh"
    STALE = "stale"
    LOST = "lost"


class Scene(msgspec.Struct, frozen=True):
    """`elapsed_ms` is the time since `snapshot` arrived, by this desk's steady clock; `now` is the wall
    clock, milliseconds UTC; `pace` is how many times as fast as the engine's the market's clock runs;
    `keys` are the trader's own, by name.
    """

    link: Link
    snapshot: Snapshot | None = None
    elapsed_ms: int = 0
    now: int = 0
    read_only: bool = False
    pace: int | None = None
    keys: Mapping[str, str] = FIRST_KEYS

    @property
    def is_gone(self) -> bool:
        """Whether nothing on the screen can be trusted to be current."""
        return not self.link.is_up

    @property
    def is_foreign(self) -> bool:
        return self.link.state is LinkState.FOREIGN

    @property
    def killed(self) -> str:
        """Who stopped trading and when; empty while trading."""
        return self.snapshot.engine.killed if self.snapshot else ""

    @property
    def halt(self) -> tuple[str, int]:
        """Which halt it is."""
        return self.killed, self.snapshot.engine.killed_at if self.snapshot else 0

    @property
    def positions(self) -> tuple[PositionView, ...]:
        return self.snapshot.positions if self.snapshot else ()

    @property
    def engine_now(self) -> int:
        """The engine's clock, carried forward by the time since it was read, for countdowns only: the clock
        shown stands still.
        """
        return self.snapshot.engine.now + self.elapsed_ms if self.snapshot else self.now

    @property
    def market_now(self) -> int:
        """The exchange's clock when the snapshot was made; cycles are timed by it."""
        return self.snapshot.engine.market if self.snapshot else self.now

    @property
    def market_apart(self) -> bool:
        """Whether the market has a time of its own. Then what is timed by it says so; all else is the
        engine's clock.
        """
        return self.snapshot is not None and abs(self.market_now - self.snapshot.engine.now) >= APART_MS

    @property
    def freshness(self) -> Freshness:
        """How far the snapshot as a whole may be trusted."""
        return freshness(self.elapsed_ms if self.snapshot else None)

    def mark_age(self, position: PositionView) -> int | None:
        """Age of a position's mark in milliseconds, with the time since the snapshot arrived; None when there
        is no mark.
        """
        if position.mark is None or position.mark_age_ms is None:
            return None
        return position.mark_age_ms + self.elapsed_ms

    def trust(self, position: PositionView) -> Freshness:
        """How far this position's mark, and all that is computed from it, may be trusted."""
        return freshness(self.mark_age(position))


def freshness(age_ms: int | None) -> Freshness:
    """The grade of an age; an unknown age is the worst."""
    if age_ms is None or age_ms > LOST_MS:
        return Freshness.LOST
    return Freshness.STALE if age_ms > STALE_MS else Freshness.FRESH


def mode_ink(mode: Mode) -> Ink:
    """The colour of whose money it is; the word stands beside it."""
    return {Mode.LIVE: Ink.LIVE, Mode.DEMO: Ink.DEMO, Mode.SIM: Ink.SIM}[mode]
