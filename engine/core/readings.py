"""Readings that do not come. What cannot be read any more is not known, however well the streams tell:
nothing adds risk until it is read again.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.events import Answered
from engine.core.exchange import Accepted, Unknown
from engine.core.state import UNREAD, Failing, State
from engine.core.turn import Turn

OVERDUE_MS: Final = 30_000
"""How long a reading may fail: three rounds of reconciliation."""
WATCHED: Final = (*UNREAD, Reading.FILLS.value)
"""The readings whose failing is told. Without trades nothing is added either where they are missing."""


def reading_answered(turn: Turn, what: str, event: Answered) -> None:
    """Remember since when a reading has failed, and forget it when it succeeds."""
    failing = turn.state.failing
    if isinstance(event.outcome, Accepted):
        old = failing.get(what)
        if old is not None:
            turn.set(failing={name: each for name, each in failing.items() if name != what})
            if old.told:
                turn.note("reading", Level.WARNING, f"Bitget's {what} can be read again.")
    elif what in WATCHED and what not in failing:
        cause = event.outcome.cause if isinstance(event.outcome, Unknown) else "refused"
        turn.set(failing={**failing, what: Failing(turn.at, cause)})


def watch_readings(turn: Turn) -> None:
    """Say once what has not been read for too long; while the private stream is down that is said already."""
    late = [what for what in _late(turn.state, turn.at) if not turn.state.failing[what].told]
    if not late:
        return
    told = {what: replace(turn.state.failing[what], told=True) for what in late}
    turn.set(failing={**turn.state.failing, **told})
    causes = "; ".join(dict.fromkeys(each.cause.removeprefix(f"{what}: ") for what, each in told.items()))
    text = f"Bitget's {', '.join(late)} could not be read for {OVERDUE_MS // 1000} s ({causes})"
    then = "nothing is added" if set(late) & set(UNREAD) else "no rung runs where trades are missing"
    turn.note("reading", Level.URGENT, f"{text}: {then} until that works. What rests on Bitget stays.")


def overdue(state: State, at: int) -> tuple[str, ...]:
    """What was read once and has failed for too long since, and without which nothing may be added."""
    return tuple(what for what in _late(state, at) if what in UNREAD and what not in state.unread)


def _late(state: State, at: int) -> list[str]:
    """What has failed for too long with the private stream up all the while."""
    if not state.links.get("private", False):
        return []
    return [what for what, each in state.failing.items() if at - each.since >= OVERDUE_MS]
