"""The Settings: what the engine goes by and where each value comes from; limits, connections, and the looks
of this desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from engine.protocol import OptionView, SettingsView
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.keymaps import SETTINGS_KEYS, bindings
from tui.messages import FilterChanged
from tui.screens.page import Page
from tui.view_model.ink import Line, cropped, printable
from tui.view_model.options import (
    at_this_desk,
    file_lines,
    limit_lines,
    link_lines,
    option_head,
    option_line,
    wanted,
)
from tui.view_model.scene import Scene
from tui.widgets.listing import Listing
from tui.widgets.sheet import Sheet


class Pane(Sheet):
    """A framed sheet of lines."""

    DEFAULT_CSS = """
    Pane { border: round $frame; border-title-color: $ink-label; height: auto; }
    """

    def say(self, lines: tuple[Line, ...]) -> None:
        """Lines of whatever length: one that is cut says so."""
        self.draw(tuple(cropped(words, self.room) for words in lines))


class SettingsScreen(Page):
    """Options are read when the screen comes to the front; limits and connections move with the snapshot."""

    KEYS = SETTINGS_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(SETTINGS_KEYS)
    LINES: ClassVar[Mapping[str, str]] = {
        "filter": "filter: name, value, source · enter keeps it · esc shows all"
    }
    AUTO_FOCUS: ClassVar[str | None] = "Listing"

    DEFAULT_CSS = """
    SettingsScreen {
        & #both { height: 1fr; layout: horizontal; }
        & #options { height: 1fr; width: 1fr; }
        & #facts { width: 48; height: 1fr; }
        & #files { height: 1fr; }
        &.-narrow #both { layout: vertical; }
        &.-narrow #facts { width: 1fr; height: auto; max-height: 21; }
        &.-narrow #limits, &.-narrow #links { max-height: 6; }
        &.-narrow #files { height: auto; }
        &.-narrow.-low #files, &.-narrow.-flat #links { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[OptionView, ...] = ()
        self._settings: SettingsView | None = None
        self._words = ""
        self._trouble = ""

    def parts(self) -> Iterable[Widget]:
        yield Container(
            Listing("Reading the options.", id="options"),
            Vertical(Pane(id="limits"), Pane(id="links"), Pane(id="files"), id="facts"),
            id="both",
        )

    def on_mount(self) -> None:
        for name, words in (("limits", "Limits"), ("links", "Connections"), ("files", "Looks and files")):
            self.query_one(f"#{name}", Pane).entitle(words)
        self._read_again()

    def on_screen_resume(self) -> None:
        self._read_again()

    def _read_again(self) -> None:
        send_off(self, self._read, "settings")

    async def _read(self) -> None:
        try:
            self._settings = await self.desk.client.look("/v1/settings", SettingsView)
            self._trouble = ""
        except EngineUnheard as error:
            self._trouble = str(error)
        self.show_parts(self.desk.scene)

    def show_parts(self, scene: Scene) -> None:
        self._show_options()
        limits = self.query_one("#limits", Pane)
        limits.say(limit_lines(scene, limits.room))
        self.query_one("#links", Pane).say(link_lines(scene))
        desk = self.desk
        looks = (
            *((what, f"{name} · {where}") for what, name, where in desk.looks.now),
            ("attached", _attached(scene)),
        )
        self.query_one("#files", Pane).say(file_lines(self._settings, looks))

    def _show_options(self) -> None:
        listing = self.query_one(Listing)
        known = self._settings.options if self._settings else ()
        options = at_this_desk(known, self.desk.looks.now)
        self.shown = wanted(options, self._words)
        listing.nothing = printable(self._trouble) or self._why_empty()
        rows = tuple((cropped(option_line(option, listing.room), listing.room - 2),) for option in self.shown)
        listing.fill(rows, head=option_head(listing.room))
        chosen = sum(option.source != "default" for option in options)
        wish = f"filter “{self._words}” · " if self._words else ""
        told = f"{wish}{chosen} {'is' if chosen == 1 else 'are'} not the default" if self._settings else ""
        listing.entitle(f"Options {len(self.shown)}" if self._settings else "Options", told)

    def _why_empty(self) -> str:
        if self._settings is None:
            return "Reading the options."
        return "No option matches." if self._settings.options else "This engine tells no options."

    def action_filter(self) -> None:
        self.open_line()

    def on_filter_changed(self, message: FilterChanged) -> None:
        self._words = message.words
        self._show_options()
        if message.closed:
            self.close_line()
            self.query_one(Listing).focus()

    def action_choose_theme(self) -> None:
        self.desk.looks.choose_theme()

    def action_choose_keymap(self) -> None:
        self.desk.looks.choose_keymap()


def _attached(scene: Scene) -> str:
    return "read-only: this desk sends nothing" if scene.read_only else "as the trader's own"
