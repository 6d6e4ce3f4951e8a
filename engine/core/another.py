"""Another Ratchet on this account: it shows by orders in our id space that we did not send. Two of them would
carry out every step twice, so that one that has met another does nothing of its own. What the trader orders
to reduce risk it still does: done by both, it closes more, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.actions import Level
from engine.core.ids import cycle_in
from engine.core.state import ANOTHER_ENGINE, State, given_by
from engine.core.turn import Turn


def given(state: State) -> frozenset[str]:
    """The cycles whose stops are the trader's own now: the position was released, and is still there."""
    adopted = [id for cycle in state.cycles.values() for id in cycle.given]
    return frozenset([*adopted, *(id for left in state.left_alone.values() for id in given_by(state, left))])


def known_cycles(state: State) -> frozenset[str]:
    """The cycles of this engine, as far back as it remembers. Any other one in our id space is another's."""
    return given(state) | {cycle.id for cycle in (*state.cycles.values(), *state.closed)}


def is_anothers(state: State, client_id: str) -> bool:
    """Whether a client id of our space names a cycle that this engine never had."""
    owner = cycle_in(client_id)
    return bool(owner) and owner not in known_cycles(state)


def goes_on(state: State) -> bool:
    """Whether this journal goes on from earlier readings, and so knows every order of ours. To a new one,
    what was sent before the old one was lost is history.
    """
    return bool(state.fills_since) and not state.take_over


def order_met(turn: Turn, client_id: str) -> None:
    """An order that moves right now, or has moved while this engine was away or heard nothing."""
    if is_anothers(turn.state, client_id):
        met(turn, [client_id])


def still_obeys(state: State) -> bool:
    """Whether an engine that may not trade does what the trader orders to reduce risk. One that was
    started to watch does not: so the trader chose.
    """
    return not state.read_only or state.read_only == ANOTHER_ENGINE


def met(turn: Turn, client_ids: Sequence[str]) -> None:
    """Do nothing of its own from now on, and say so."""
    if turn.state.read_only:
        return
    turn.set(read_only=ANOTHER_ENGINE)
    turn.note(
        "second engine",
        Level.URGENT,
        f"{ANOTHER_ENGINE}: {', '.join(client_ids[:3])}. This engine does nothing of its own; halt, flatten, "
        "close and reduce by your hand work. If no other engine runs (its journal was lost), start with "
        "--take-over.",
    )
