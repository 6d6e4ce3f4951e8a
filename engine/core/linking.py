"""Whose stop a trade came from, while that is being asked."""

from __future__ import annotations

from engine.core.cycle import Cycle
from engine.core.turn import Turn

LINK_MS = 4000
"""How long it may take to learn which stop became the order of a trade; then the nearest one is taken."""


def is_linking(turn: Turn, cycle: Cycle) -> bool:
    """Whether a trade of this cycle waits until it is known whose stop it came from."""
    return any(turn.at - first <= LINK_MS for _, first in cycle.unlinked)
