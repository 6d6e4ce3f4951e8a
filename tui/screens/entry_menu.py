"""The menu of an entry on its way: take it back."""

from __future__ import annotations

from engine.protocol import EntryView
from tui.screens.menu import Menu
from tui.view_model.choices import Choice
from tui.view_model.ink import printable
from tui.view_model.positions import side
from tui.view_model.taking_back import entry_choices


class EntryMenu(Menu):
    """Its facts are the newest snapshot's."""

    def __init__(self, entry: EntryView) -> None:
        super().__init__(f"{printable(entry.symbol)} {side(entry)[0]} · entering")
        self.entry = entry

    def choices(self) -> tuple[Choice, ...]:
        return entry_choices(self.desk.scene, self.entry)
