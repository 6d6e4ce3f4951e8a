"""What makes itself heard: the bell and the terminal's own notices, by how loud a line of the log is."""

from __future__ import annotations

from collections.abc import Iterable

from engine.protocol import LogLine, Snapshot
from tui.view_model.ink import printable


class Alarms:
    """`bell` and `notices` name the classes of the log that ring and that are shown as a notice (OSC 9).

    What was in the log before the desk came is never rung for.
    """

    def __init__(self, bell: Iterable[str] = ("urgent",), notices: Iterable[str] = ()) -> None:
        self._bell = frozenset(bell)
        self._notices = frozenset(notices)
        self._known: int | None = None
        self._started = 0

    def heard(self, snapshot: Snapshot) -> tuple[bool, str]:
        """Whether to ring, and the words of a notice (empty for none), for what is new in this snapshot."""
        newest = max((line.id for line in snapshot.log), default=0)
        first = self._known is None or snapshot.engine.started != self._started
        fresh = () if first else tuple(line for line in snapshot.log if line.id > (self._known or 0))
        self._known, self._started = newest, snapshot.engine.started
        shown = [line for line in fresh if line.level in self._notices]
        return any(line.level in self._bell for line in fresh), _notice(snapshot, shown)


def _notice(snapshot: Snapshot, lines: list[LogLine]) -> str:
    if not lines:
        return ""
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"Ratchet {snapshot.engine.account} {snapshot.engine.mode}: {printable(lines[-1].text)}{more}"


def notice_sequence(words: str) -> str:
    """OSC 9 as iTerm2, kitty, WezTerm, Ghostty and Windows Terminal understand it; others ignore it."""
    return f"\x1b]9;{printable(words)[:200]}\x1b\\"
