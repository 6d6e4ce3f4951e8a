"""Whose stop a trade came from, while that is being asked."""

from __future__ import annotations

from engine.core.cycle import Cycle

LINK_MS = 4000
"""How long it may take to learn which stop became the order of a trade; then the nearest one is taken."""


def is_linking(cycle: Cycle) -> bool:
    """Whether a trade of this cycle is not booked yet: whose stop it came from is being asked, or it has to
    be told once more.
    """
    return bool(cycle.unlinked)
