"""Where a start goes on: what was believed when the journal was written last."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.decide import decide, first_state
from engine.core.events import Event
from engine.core.settings import Settings
from engine.core.state import State
from engine.journal.port import Entry, Recovered


def replayed(recovered: Recovered, settings: Settings) -> State:
    """What was believed when the journal was written last. Only where it was not kept is it decided again:
    another version might decide otherwise, and what was sent was sent.
    """
    if recovered.believed is not None:
        return recovered.believed
    state = recovered.state or first_state(settings)
    for recorded in recovered.after:
        state = decide(state, recorded.entry.event).state
    return state


def decided(state: State, events: Iterable[Event]) -> tuple[State, list[Entry]]:
    """What is believed after `events`, and what the journal has to keep of each."""
    entries = []
    for event in events:
        decision = decide(state, event)
        state = decision.state
        entries.append(Entry(event, decision.actions, decision.notes))
    return state, entries


def latest(state: State) -> int:
    """The newest moment that the belief knows of, by the engine's clock."""
    return max(
        state.balance_at,
        *(p.sent for p in state.pending.values()),
        *(max(c.moved, *(s.since for s in c.stops), 0) for c in state.cycles.values()),
        0,
    )
