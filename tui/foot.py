"""The bottom line as it is now, and the keys: which of them do something here, and how they are pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.app import App
from textual.widgets import Input

from tui.book import Book
from tui.door import Door
from tui.keymaps import APP_KEYS, FLATTEN, HALT, HAND, HELP, QUIT, Key, inner_keys, shown_keys
from tui.lending import Lending
from tui.looks import Looks
from tui.orders import Orders
from tui.view_model.footer import Hint, Hints, arming_line, footer, leaving_line
from tui.view_model.ink import Line
from tui.view_model.scene import Scene
from tui.widgets.approvals_panel import ApprovalsPanel
from tui.widgets.filter_line import FilterLine

HINTS: Final = 8
"""A bottom line with more keys than this is read by nobody."""

ALWAYS: Final = (HALT, FLATTEN, HELP, QUIT)
"""What stands in the bottom line however narrow it is."""

COMMANDS: Final = {"halt", "flatten", "resume", "adopt", "pause", "ticket"}
"""Keys that send something: a read-only desk has none of them."""


class Foot:
    """Reads the parts of the desk, changes nothing."""

    def __init__(
        self, app: App[int], book: Book, orders: Orders, door: Door, lending: Lending, looks: Looks
    ) -> None:
        self._app, self._book, self._orders = app, book, orders
        self._door, self._lending, self._looks = door, lending, looks

    def line(self, scene: Scene, width: int) -> Line:
        """What is armed, or what became of the last command, or the keys that work now."""
        if self._orders.is_armed:
            known = None if scene.snapshot is None or scene.is_foreign else scene.positions
            return arming_line(known, width, key=self.key_of(FLATTEN))
        if self._door.is_ajar:
            return leaving_line(scene, width, ends_engine=self._door.ends_engine)
        return footer(scene, self._orders.last, self._hints(scene), width, self._book.tabs)

    def help(self) -> tuple[Hint, ...]:
        """Every key of this screen with all its ways to press it, and its words."""
        keys = tuple(
            ("  ".join(shown_keys(key.id, self._looks.keys)), self.words_of(key)) for key in self.offered()
        )
        return (*keys, *inner_keys(self._looks.keys))

    def words_of(self, key: Key) -> str:
        """What a key does, on this desk."""
        ends = key is QUIT and self._door.ends_engine
        return "Quit the desk; its engine and all of the demo end with it" if ends else key.words

    def offered(self) -> Iterator[Key]:
        """The keys that do something here, the screen's own first."""
        own = front.KEYS if (front := self._book.front) else ()
        return (key for key in (*own, *APP_KEYS) if self._is_offered(key))

    def key_of(self, key: Key) -> str:
        """The key as the trader presses it now: `^K`, `/`, `?`."""
        shown = shown_keys(key.id, self._looks.keys)
        return shown[-1] if key.id == "help" else shown[0]

    def key_told(self, shown: str) -> Key | None:
        """The key that is written so and works now; None while a dialog or a line has the keys."""
        if self._app.screen is not self._book.front or isinstance(self._app.focused, Input):
            return None
        return next((key for key in self.offered() if self.key_of(key) == shown), None)

    def press_of(self, key: Key) -> str:
        """The first press of a key, as Textual names it."""
        return self._looks.keys.get(key.id, key.keys).split(",")[0]

    def _hints(self, scene: Scene) -> Hints:
        """While something is typed or asked, its own keys and those that work over everything."""
        focused = self._app.focused
        if isinstance(focused, FilterLine):
            return Hints(focused.keys, self._told(HALT, FLATTEN), deaf=True)
        if self._app.screen is not self._book.front:
            return Hints((("esc", "closes"),), self._told(HALT, FLATTEN), deaf=True)
        if scene.is_foreign:
            return Hints((), self._told(*ALWAYS), deaf=True)
        if isinstance(focused, ApprovalsPanel):
            return Hints(focused.keys, self._told(*ALWAYS))
        hinted = (key for key in self.offered() if key.hint and key not in ALWAYS)
        timely = (key for key in hinted if self._is_timely(key, scene))
        ranked = sorted(timely, key=lambda key: key.rank)
        return Hints(self._told(*ranked[: HINTS - len(ALWAYS)]), self._told(*ALWAYS))

    def _told(self, *keys: Key) -> tuple[Hint, ...]:
        return tuple((self.key_of(key), key.hint) for key in keys if self._is_offered(key))

    def _is_timely(self, key: Key, scene: Scene) -> bool:
        """Whether the bottom line spends room on this key now."""
        positions = scene.positions
        if (front := self._book.front) is not None and key.id in front.idle:
            return False
        if key.id == "adopt":
            return any(position.can_adopt for position in positions)
        if key.id == "menu":
            return bool(positions or (scene.snapshot and scene.snapshot.coming))
        if key.id == "chart":
            return bool(positions)
        return bool(scene.killed) if key.id == "resume" else True

    def _is_offered(self, key: Key) -> bool:
        """No hand without a simulation, no command read-only."""
        if key.id == HAND.id:
            return self._lending.is_possible
        return not (self._orders.read_only and key.id in COMMANDS)
