"""The bottom line as it is now, and the keys: which of them do something here, and how they are pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tui.keymaps import APP_KEYS, FLATTEN, HALT, HAND, HELP, OTHER_KEYS, QUIT, Key, shown_keys
from tui.view_model.footer import Hint, Hints, arming_line, footer, leaving_line
from tui.view_model.ink import Line
from tui.widgets.approvals_panel import ApprovalsPanel
from tui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from tui.app import RatchetDesk

HINTS: Final = 9
"""A bottom line with more keys than this is read by nobody."""

ALWAYS: Final = (HALT, FLATTEN, HELP, QUIT)
"""What stands in the bottom line however narrow it is."""

COMMANDS: Final = {"halt", "flatten", "resume", "adopt", "pause", "ticket"}
"""Keys that send something: a read-only desk has none of them."""


class Foot:
    """Reads the desk, changes nothing."""

    def __init__(self, desk: RatchetDesk) -> None:
        self._desk = desk

    def line(self, width: int) -> Line:
        """What is armed, or what became of the last command, or the keys that work now."""
        desk = self._desk
        if desk.orders.is_armed:
            return arming_line(desk.scene.positions, width, key=self.key_of(FLATTEN))
        if desk.door.is_ajar:
            return leaving_line(desk.scene, width, ends_engine=desk.door.ends_engine)
        return footer(desk.scene, desk.orders.last, self._hints(), width, desk.book.tabs)

    def help(self) -> tuple[Hint, ...]:
        """Every key of this screen with all its ways to press it, and its words."""
        keys = tuple(
            ("  ".join(shown_keys(key, self._desk.keymap)), self.words_of(key)) for key in self.offered()
        )
        return (*keys, *OTHER_KEYS)

    def words_of(self, key: Key) -> str:
        """What a key does, on this desk."""
        ends = key is QUIT and self._desk.door.ends_engine
        return "Quit the desk; its engine and all of the demo end with it" if ends else key.words

    def offered(self) -> Iterator[Key]:
        """The keys that do something here, the screen's own first."""
        own = self._desk.page.KEYS if self._desk.page else ()
        return (key for key in (*own, *APP_KEYS) if self._is_offered(key))

    def key_of(self, key: Key) -> str:
        """The key as the trader presses it now: `^K`, `/`, `?`."""
        shown = shown_keys(key, self._desk.keymap)
        return shown[-1] if key.id == "help" else shown[0]

    def _hints(self) -> Hints:
        """While something is typed or asked, its own keys and those that work over everything."""
        focused = self._desk.focused
        if isinstance(focused, FilterLine):
            return Hints(focused.keys, self._told(HALT, FLATTEN), deaf=True)
        if self._desk.screen is not self._desk.page:
            return Hints((("esc", "closes"),), self._told(HALT, FLATTEN), deaf=True)
        if isinstance(focused, ApprovalsPanel):
            return Hints(focused.keys, self._told(*ALWAYS))
        timely = (key for key in self.offered() if key.hint and key not in ALWAYS and self._is_timely(key))
        ranked = sorted(timely, key=lambda key: key.rank)
        return Hints(self._told(*ranked[: HINTS - len(ALWAYS)]), self._told(*ALWAYS))

    def _told(self, *keys: Key) -> tuple[Hint, ...]:
        return tuple((self.key_of(key), key.hint) for key in keys if self._is_offered(key))

    def _is_timely(self, key: Key) -> bool:
        """Whether the bottom line spends room on this key now."""
        positions = self._desk.scene.positions
        if self._desk.page is not None and key.id in self._desk.page.idle:
            return False
        if key.id == "adopt":
            return any(position.can_adopt for position in positions)
        if key.id in {"menu", "chart"}:
            return bool(positions)
        return bool(self._desk.scene.killed) if key.id == "resume" else True

    def _is_offered(self, key: Key) -> bool:
        """No hand without a simulation, no command read-only."""
        if key.id == HAND.id:
            return self._desk.lending.is_possible
        return not (self._desk.read_only and key.id in COMMANDS)
