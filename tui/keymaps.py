"""Every key of the desk in one table: its name, its keys, its action and its words. Help, palette and hints
are read from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType, Keymap


@dataclass(frozen=True)
class Key:
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
    "halt", "ctrl+k", "halt", "Halt: nothing that adds risk from now on; stops stay", "halt", 5, True
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
HAND: Final = Key("hand", "h", "hand", "The trader's hand on the simulated exchange", "hand", 4)

APP_KEYS: Final = (
    HALT,
    FLATTEN,
    Key("resume", "ctrl+r", "resume", "Resume trading after a halt (asks)", "resume", 5),
    Key("help", "f1,question_mark", "help", "Help", "help", 7),
    Key("quit", "q", "leave", "Quit the desk; the engine keeps running", "quit", 8),
    *(Key(f"page.{n}", str(n), f"page({n})", f"Screen {n}") for n in range(1, 6)),
)

DESK_KEYS: Final = (
    Key("adopt", "a", "adopt", "Adopt the selected unmanaged position (asks)", "adopt", 3),
    Key("pause", "p", "pause", "Pause scaling the selected position, or scale again (asks)", "pause", 2),
    Key("copy", "y", "copy_row", "Copy the selected row"),
    Key("filter", "slash", "filter", "Filter positions", "filter", 1),
    Key("sort", "s", "sort", "Sort positions differently", "sort", 1),
    HAND,
)

OTHER_KEYS: Final = (
    ("↑ ↓  j k", "Select a position"),
    ("tab", "Move between positions, approvals and log"),
    ("enter  n", "On an approval: yes, no"),
    ("ctrl+p", "Palette: every command by name"),
    ("esc", "Leave a dialog, the filter, the armed flatten"),
)

KEYMAPS: Final[Mapping[str, Keymap]] = {
    "default": {},
    "vim": {
        "grid.first": "home,g",
        "grid.last": "end,G",
        "grid.page_down": "pagedown,ctrl+d",
        "grid.page_up": "pageup,ctrl+u",
        "palette": "ctrl+p,colon",
    },
}

_KNOWN: Final = {
    *(key.id for key in (*APP_KEYS, *DESK_KEYS)),
    *("grid.first", "grid.last", "grid.next", "grid.previous", "grid.page_down", "grid.page_up"),
    *("approval.yes", "approval.no", "approval.next", "approval.previous", "filter.clear", "palette"),
}


def bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    """Textual's bindings for these keys."""
    return [key.binding for key in keys]


def keymap_of(wish: str | Mapping[str, str]) -> tuple[Keymap, tuple[str, ...]]:
    """The keymap for a name or for the trader's own table, and what is wrong with it in words.

    A table starts from `default`. An unknown id is left out, and halt and flatten never lose their last key.
    """
    if isinstance(wish, str):
        if wish in KEYMAPS:
            return KEYMAPS[wish], ()
        return {}, (f"no keymap is called {wish!r}: choose one of {', '.join(KEYMAPS)}",)
    problems = [
        f"keymap: no key is called {name!r}; F1 shows the names" for name in wish if name not in _KNOWN
    ]
    good = {name: keys for name, keys in wish.items() if name in _KNOWN}
    for name in (HALT.id, FLATTEN.id):
        if name in good and not good[name].strip(" ,"):
            del good[name]
            problems.append(f"keymap: {name} must have a key; its own stays")
    return good, tuple(problems)
