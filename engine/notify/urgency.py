"""How loudly a note is told on a phone: it rings until somebody looks, it is told at once, or it can wait."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from engine.core.actions import Level, Note

TELEGRAM: Final = "telegram"
"""How the names of those who command through the phone begin."""


RESULTS: Final = ("closed", "reduced")
"""Topics that tell what a close came to."""


AT_ONCE: Final = ("engine",)
"""Topics that are no chatter away from the desk: there nobody sees the engine come and go."""


class Urgency(IntEnum):
    """The three priorities; a lower number goes first."""

    URGENT = 0
    MONEY = 1
    CHATTER = 2


def urgency_of(note: Note) -> Urgency:
    """What the trader did with this very phone never rings until it is acknowledged."""
    if is_chatter(note):
        return Urgency.CHATTER
    if note.level is Level.URGENT and not _is_by_phone(note):
        return Urgency.URGENT
    return Urgency.MONEY


def is_chatter(note: Note) -> bool:
    """What may wait until there is more of it, or go untold."""
    return note.level is Level.CHATTER and note.topic not in AT_ONCE


def is_silent(note: Note) -> bool:
    """What can wait makes no sound, nor does what the trader did with this very phone: it has answered. What
    came of that is news.
    """
    return note.level is Level.CHATTER or (_is_by_phone(note) and note.topic not in RESULTS)


def is_own_answer(note: Note) -> bool:
    """What this very phone answered stands on its card already."""
    return note.topic == "approval" and not is_question(note) and _is_by_phone(note)


def _is_by_phone(note: Note) -> bool:
    return f"y {TELEGRAM}," in note.text


def is_question(note: Note) -> bool:
    """What asks (a rung, an entry, an adoption) is shown as a card with buttons, not as a line."""
    return note.topic == "approval" and ("asks" in note.facts or "rung" in note.facts)
