"""The Signals: what the outside sources say. Without one it says so, and what one would be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from tui.keymaps import SIGNAL_KEYS, bindings
from tui.screens.page import Page
from tui.view_model.scene import Scene
from tui.view_model.signals import empty
from tui.widgets.sheet import Sheet


class SignalSheet(Sheet, can_focus=True):
    """A framed sheet."""

    DEFAULT_CSS = """
    SignalSheet { border: round $frame; border-title-color: $ink-label; height: 1fr; }
    """


class SignalsScreen(Page):
    """No engine of this version has a signal source; nothing is made up in its place."""

    KEYS = SIGNAL_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(SIGNAL_KEYS)
    AUTO_FOCUS: ClassVar[str | None] = "SignalSheet"

    def parts(self) -> Iterable[Widget]:
        yield SignalSheet(id="signals")

    def show_parts(self, scene: Scene) -> None:
        sheet = self.query_one(SignalSheet)
        sheet.entitle("Signals")
        sheet.draw(empty(scene, sheet.room))
