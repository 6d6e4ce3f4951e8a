"""The screens behind the number keys. Each is loaded when it is opened first: the desk itself must be up at
once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from tui.screens.page import Page


class Door(msgspec.Struct, frozen=True):
    """A screen: its number, its name in the bottom line, and where its class is."""

    number: int
    name: str
    module: str
    kind: str

    def open(self) -> Page:
        """A new screen of this kind."""
        page: Page = getattr(importlib.import_module(f"tui.screens.{self.module}"), self.kind)()
        return page


PAGES: Final = (
    Door(1, "Desk", "desk", "DeskScreen"),
    Door(2, "Signals", "signals", "SignalsScreen"),
    Door(3, "History", "history", "HistoryScreen"),
    Door(4, "Journal", "journal", "JournalScreen"),
    Door(5, "Settings", "settings", "SettingsScreen"),
)
