"""The screens behind the number keys."""

from __future__ import annotations

from typing import Final

import msgspec


class Door(msgspec.Struct, frozen=True):
    """A screen: its number, its name in the bottom line, and where its class is."""

    number: int
    name: str
    module: str
    kind: str


PAGES: Final = (
    Door(1, "Desk", "desk", "DeskScreen"),
    Door(2, "Signals", "signals", "SignalsScreen"),
    Door(3, "History", "history", "HistoryScreen"),
    Door(4, "Journal", "journal", "JournalScreen"),
    Door(5, "Settings", "settings", "SettingsScreen"),
)
