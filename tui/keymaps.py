"""Every key of the desk in one table: its name, its keys, its action and its words. Help, palette and hints
are read from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from tui.pages import PAGES

if TYPE_CHECKING:
    from textual.binding import Binding, BindingType, Keymap


class Key(msgspec.Struct, frozen=True):
    """A key. `hint` is its word in the bottom line, empty for none; `rank` its place there. `priority` fires
    over everything.
    """

    id: str
    keys: str
    action: str
    words: str
    hint: str = ""
    rank: int = 99
    priority: bool = False

    @property
    def binding(self) -> Binding:
        from textual.binding import Binding

        return Binding(
            self.keys,
            self.action,
            self.words,
            id=self.id,
            priority=self.priority,
            show=bool(self.hint),
            system=False,
        )


HALT: Final = Key(
    "halt", "ctrl+k", "halt", "Halt: nothing that adds risk from now on; resting stops stay", "halt", 5, True
)
FLATTEN: Final = Key(
    "flatten",
    "ctrl+x",
    "flatten",
    "Flatten: halt and close every managed position; twice within 3 s",
    "flatten",
    6,
    True,
)
HELP: Final = Key("help", "f1,question_mark", "help", "Help", "help", 7)
HAND: Final = Key("hand", "h", "hand", "The trader's hand on the simulated exchange", "hand", 1)
QUIT: Final = Key("quit", "q", "leave", "Quit the desk; the engine keeps running", "quit", 8)
MENU: Final = Key("menu", "m,enter", "menu", "Menu of the selected row: stops, close, take back", "menu", 0)

APP_KEYS: Final = (
    HALT,
    FLATTEN,
    Key("resume", "ctrl+r", "resume", "Resume trading after a halt (asks)", "resume", 5),
    HELP,
    QUIT,
    *(
        Key(f"page.{door.number}", str(door.number), f"page({door.number})", f"Screen {door.name}")
        for door in PAGES
    ),
)

DESK_KEYS: Final = (
    MENU,
    Key("ticket", "o", "ticket", "Order ticket: open, add or reduce (asks)", "ticket", 2),
    Key(
        "chart",
        "c",
        "chart",
        "Chart of the selected position, beside its ladder or in its place",
        "chart",
        3,
    ),
    Key("why", "w", "why", "The story of the selected position in the journal"),
    Key("adopt", "a", "adopt", "Adopt the selected unmanaged position (asks)", "adopt", 1),
    Key("pause", "p", "pause", "Pause scaling the selected position at once; scale again (asks)"),
    Key("copy", "y", "copy_row", "Copy the selected row"),
    Key("filter", "slash", "filter", "Filter positions", "filter", 4),
    Key("sort", "s", "sort", "Sort positions differently"),
    HAND,
)

JOURNAL_KEYS: Final = (
    Key("filter", "slash", "filter", "Filter lines", "filter", 1),
    Key("find", "f", "find", "Find words", "find", 2),
    Key("find.next", "n", "next_match(1)", "The next line with them"),
    Key("find.previous", "b", "next_match(-1)", "The one before"),
    Key("goto", "g", "goto", "The story of another symbol, cycle or order", "go to", 0),
    Key("loudness", "l", "loudness", "Every line, money and warnings, warnings", "loudness", 3),
    Key("copy", "y", "copy_row", "Copy the line", "copy", 4),
    Key("copy.all", "Y", "copy_all", "Copy all lines that are shown"),
)

HISTORY_KEYS: Final = (
    Key("cycle.close", "escape", "close", "Close the cycle that is open", "closes", 0),
    Key("why", "w", "why", "The story of the cycle in the journal", "story", 1),
    Key("filter", "slash", "filter", "Filter cycles", "filter", 2),
)

SETTINGS_KEYS: Final = (
    Key("theme", "t", "choose_theme", "Choose a theme", "theme", 0),
    Key("keymap", "m", "choose_keymap", "Choose a keymap", "keymap", 1),
    Key("filter", "slash", "filter", "Filter options", "filter", 2),
)

SIGNAL_KEYS: Final[tuple[Key, ...]] = ()

KEYMAPS: Final[Mapping[str, Keymap]] = {
    "default": {},
    "vim": {
        "grid.first": "home,g",
        "grid.last": "end,G",
        "grid.page_down": "pagedown,ctrl+d",
        "grid.page_up": "pageup,ctrl+u",
        "palette": "ctrl+p,colon",
        "goto": "o",
    },
}

SCREEN_KEYS: Final = (DESK_KEYS, JOURNAL_KEYS, HISTORY_KEYS, SETTINGS_KEYS, SIGNAL_KEYS)

INNER_KEYS: Final[Mapping[str, str]] = {
    "grid.next": "down,j",
    "grid.previous": "up,k",
    "grid.first": "home",
    "grid.last": "end",
    "grid.page_down": "pagedown",
    "grid.page_up": "pageup",
    "approval.yes": "enter",
    "approval.half": "h",
    "approval.no": "n",
    "approval.next": "down,j",
    "approval.previous": "up,k",
    "filter.clear": "escape",
}
"""The names of what lists, panels and lines bind themselves, with their keys."""

OUTER_KEYS: Final[Mapping[str, str]] = {"palette": "ctrl+p", "quit.twice": "ctrl+c"}
"""The same for what works over everything and stands in no table."""


DEFAULTS: Final[Mapping[str, str]] = {
    **{key.id: key.keys for keys in (APP_KEYS, *SCREEN_KEYS) for key in keys},
    **OUTER_KEYS,
    **INNER_KEYS,
}
"""The presses of every name."""


def bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    """Textual's bindings for these keys."""
    return [key.binding for key in keys]


FUNCTION: Final = re.compile(r"(?i)f[0-9]{1,2}")
NAMES: Final = {"slash": "/", "question_mark": "?", "escape": "esc", "up": "↑", "down": "↓"}


def shown(press: str) -> str:
    """A press as the trader reads it: `^K`, `/`, `F2`."""
    if press.startswith("ctrl+"):
        return f"^{press[5:].upper()}"
    return press.upper() if FUNCTION.fullmatch(press) else NAMES.get(press, press)


def shown_keys(name: str, keymap: Keymap) -> tuple[str, ...]:
    """Every way to press what has this name."""
    return tuple(map(shown, keymap.get(name, DEFAULTS[name]).split(",")))


def first_keys(keymap: Keymap) -> Mapping[str, str]:
    """Of every name the key that a sentence tells, as the trader reads it."""
    return MappingProxyType({name: shown_keys(name, keymap)[0] for name in DEFAULTS})


def inner_keys(keymap: Keymap) -> tuple[tuple[str, str], ...]:
    """What stands in no table of a screen: how it is pressed, and its words."""
    moves = zip(*(shown_keys(name, keymap) for name in ("grid.previous", "grid.next")), strict=False)
    told = first_keys(keymap)
    return (
        ("  ".join(map(" ".join, moves)), "Select a position"),
        ("tab", "Move between positions, approvals and log"),
        (
            "  ".join(told[f"approval.{word}"] for word in ("yes", "half", "no")),
            "On an approval: yes, half, no",
        ),
        (
            "  ".join(2 * [told["quit.twice"]]),
            "Quit, also over a dialog; copies instead while text is selected",
        ),
        (told["palette"], "Palette: every command by name"),
        ("esc", "Leave a dialog, the filter, the armed flatten"),
    )


FIRST_KEYS: Final = first_keys({})
"""Those without a keymap."""
