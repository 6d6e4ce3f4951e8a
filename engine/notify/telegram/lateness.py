"""What still counts when it arrives late: a phone in a tunnel, an engine that was down.

What reduces risk is carried out up to ten minutes after it was typed, and says so; what adds risk is refused
by its date, because nobody knows whether it is still meant.
"""

from __future__ import annotations

from typing import Final

from engine.notify.layout import clock

REDUCING_MS: Final = 600_000
ADDING_MS: Final = 60_000
WORTH_SAYING_MS: Final = 15_000


def too_late(typed: int, now: int, *, adds: bool) -> str:
    """Why a command typed at `typed` is not carried out now (both ms UTC); empty when it is."""
    late = now - typed
    if late <= (ADDING_MS if adds else REDUCING_MS):
        return ""
    when = f"you sent this at {clock(typed)}, {span(late)} ago"
    return f"Not carried out: {when}. If you still mean it, send it again."


def late_word(typed: int, now: int) -> str:
    """What an answer says about its own lateness; empty when it is in time."""
    late = now - typed
    return f"Carried out {span(late)} after you sent it. " if late > WORTH_SAYING_MS else ""


def span(ms: int) -> str:
    """`45 s`, `12 min`, `3 h 5 min`."""
    seconds = max(ms, 0) // 1000
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
