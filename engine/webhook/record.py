"""What the journal gets to know of alerts: every one of them, and of a flood how many there were.

What a stranger can send without a token costs the disk next to nothing: the first of a kind is told at once,
the others as one number when their time is over, and that time doubles while the flood lasts.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.events import SignalHeard, SignalOutcome

WINDOW_MS: Final = 60_000
LONGEST_MS: Final = 3_600_000
STRANGE: Final = (SignalOutcome.WRONG_TOKEN, SignalOutcome.UNREADABLE, SignalOutcome.TURNED_AWAY)
"""Outcomes that anybody can cause."""
EACH: Final = 60
"""How many of one outcome with the right token are told one by one in a minute."""


class Flood:
    """The alerts of one outcome: `limit` of them in a window are told, the rest is counted."""

    def __init__(self, limit: int, began: int) -> None:
        self.limit = limit
        self.began = began
        self.window_ms = WINDOW_MS
        self.told = 0
        self.held = 0
        self.last: SignalHeard | None = None

    def add(self, signal: SignalHeard) -> bool:
        """Whether it is told now."""
        if self.told < self.limit:
            self.told += 1
            return True
        self.held += signal.times
        self.last = signal
        return False

    def roll(self, now: int) -> SignalHeard | None:
        """A new window when the old one is over, and what the old one held back."""
        if now - self.began < self.window_ms:
            return None
        held = self.end()
        self.window_ms = min(2 * self.window_ms, LONGEST_MS) if held else WINDOW_MS
        self.began, self.told = now, 0
        return held

    def so_far(self) -> SignalHeard | None:
        """What is held back, as one."""
        return None if self.last is None else replace(self.last, times=self.held)

    def end(self) -> SignalHeard | None:
        """It, and it is held back no more."""
        held = self.so_far()
        self.held, self.last = 0, None
        return held


class Record:
    """What of the alerts the journal is told. `flush` must be called every now and then."""

    def __init__(self) -> None:
        self._floods: dict[SignalOutcome, Flood] = {}

    def __repr__(self) -> str:
        held = sum(signal.times for signal in self.held)
        return f"<Record {held} alerts held back>"

    def add(self, signal: SignalHeard, now: int) -> list[SignalHeard]:
        """What is told now that this has come: it, or what was held back before it, or nothing. What was
        accepted is always told: the engine bounds it.
        """
        if signal.outcome is SignalOutcome.ACCEPTED:
            return [signal]
        limit = 1 if signal.outcome in STRANGE else EACH
        flood = self._floods.setdefault(signal.outcome, Flood(limit, now))
        held = flood.roll(now)
        told = [] if held is None else [held]
        return [*told, signal] if flood.add(signal) else told

    @property
    def held(self) -> list[SignalHeard]:
        """What is held back now."""
        return [held for flood in self._floods.values() if (held := flood.so_far()) is not None]

    def flush(self, now: int) -> list[SignalHeard]:
        """What was held back long enough."""
        return [held for flood in self._floods.values() if (held := flood.roll(now)) is not None]

    def end(self) -> list[SignalHeard]:
        """All that was held back."""
        return [held for flood in self._floods.values() if (held := flood.end()) is not None]
