"""How loudly a note is told on a phone: it rings until somebody looks, it is told at once, or it can wait."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from engine.core.actions import Level, Note

TELEGRAM: Final = "telegram"
"""How the names of those who command through the phone begin."""


class Urgency(IntEnum):
    """The three priorities; a lower number goes first."""

    URGENT = 0
    MONEY = 1
    CHATTER = 2


def urgency_of(note: Note) -> Urgency:
    """What the trader did with this very phone never rings until it is acknowledged."""
    if note.level is Level.CHATTER:
        return Urgency.CHATTER
    if note.level is Level.URGENT and f"y {TELEGRAM}," not in note.text:
        return Urgency.URGENT
    return Urgency.MONEY


def is_own_answer(note: Note) -> bool:
    """What this very phone answered stands on its card already."""
    return note.topic == "approval" and not is_question(note) and f"y {TELEGRAM}," in note.text


def is_question(note: Note) -> bool:
    """What asks (a rung, an entry, an adoption) is shown as a card with buttons, not as a line."""
    return note.topic == "approval" and ("asks" in note.facts or "rung" in note.facts)
