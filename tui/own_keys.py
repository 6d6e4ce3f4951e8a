"""The trader's own keys: what of the table can hold, and what is wrong with the rest. Whatever it says, halt
and flatten keep keys that work everywhere.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from typing import Final

from textual.binding import Keymap
from textual.keys import KEY_ALIASES, Keys, key_to_character

from tui.keymaps import (
    APP_KEYS,
    DEFAULTS,
    FLATTEN,
    FUNCTION,
    HALT,
    HELP,
    INNER_KEYS,
    KEYMAPS,
    OUTER_KEYS,
    SCREEN_KEYS,
    shown_keys,
)

GUARDED: Final = (HALT.id, FLATTEN.id)
MODIFIERS: Final = {"ctrl", "alt", "shift", "super", "hyper", "meta"}
UNTOLD: Final = {other: key for key, others in KEY_ALIASES.items() for other in others if key != "ctrl+at"}
"""Keys that a terminal tells as another one: `ctrl+m` is `enter`."""


def keymap_of(wish: str | Mapping[str, str]) -> tuple[Keymap, tuple[str, ...]]:
    """The keymap for a name or for the trader's own table, and what is wrong with it in words.

    A table starts from `default`. Left out are unknown names, keys that no terminal sends, and a key that
    already does something else in the same place; a name without any key keeps its own.
    """
    if not isinstance(wish, str):
        return _Table(wish).read()
    if wish in KEYMAPS:
        return KEYMAPS[wish], ()
    return {}, (f"no keymap is called {wish!r}: choose one of {', '.join(KEYMAPS)}",)


class _Table:
    """One table while it is read: halt and flatten first, then as it is written."""

    def __init__(self, wish: Mapping[str, str]) -> None:
        known = sorted((name for name in wish if name in DEFAULTS), key=lambda name: name not in GUARDED)
        self._wish = {name: wish[name] for name in known}
        self._held = {name: keys.split(",") for name, keys in DEFAULTS.items() if name not in self._wish}
        self._unknown = [name for name in wish if name not in known]
        self._problems: list[str] = []

    def read(self) -> tuple[Keymap, tuple[str, ...]]:
        keymap = {}
        for name, keys in self._wish.items():
            presses = [press for press in map(_spelled, keys.split(",")) if press]
            if not presses:
                self._problems.append(f"{name} must have a key; its own stays")
            troubles = {press: self._trouble(name, press) for press in presses}
            self._problems += [trouble for trouble in troubles.values() if trouble]
            if good := [press for press, trouble in troubles.items() if not trouble]:
                keymap[name] = ",".join(good)
            self._held[name] = good or DEFAULTS[name].split(",")
        helps = shown_keys(HELP.id, keymap)[0]
        unknown = [
            f"no key is called {name!r}{_near(name)}; {helps} shows the names" for name in self._unknown
        ]
        return keymap, (*unknown, *self._problems)

    def _trouble(self, name: str, press: str) -> str:
        """Why this press cannot be had for this name; empty when it can."""
        if press in UNTOLD:
            return f"a terminal tells {press} as {UNTOLD[press]}; {name} cannot have it"
        if not _exists(press):
            return f"there is no key {press!r} for {name}"
        if name in GUARDED and key_to_character(press):
            return f"{press} is typed into lines; {name} cannot have it"
        owner = next((each for each in self._beside(name) if press in self._held[each]), "")
        return f"{press} is {owner} already; {name} cannot have it" if owner else ""

    def _beside(self, name: str) -> Iterator[str]:
        """The names whose keys can be pressed in the same place, as far as they are settled. Leaving by ^C
        yields to halt and flatten: `q` leaves, too.
        """
        yields = {"quit.twice"} if name in GUARDED else set()
        return (each for each in self._held if each not in {name, *yields} and _meet(name, each))


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, DEFAULTS, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _meet(one: str, other: str) -> bool:
    """Whether both have their keys in one place: halt and flatten with everything, a list or panel only with
    those, the rest of the desk with every screen.
    """
    if one in GUARDED or other in GUARDED:
        return True
    if one in INNER_KEYS or other in INNER_KEYS:
        return False
    screens = [{key.id for key in keys} for keys in SCREEN_KEYS]
    of_app = {key.id for key in APP_KEYS} | OUTER_KEYS.keys()
    return bool({one, other} & of_app) or any({one, other} <= names for names in screens)


def _spelled(press: str) -> str:
    """The press as Textual names it: `/` is `slash`, and `^K` and `F2`, as the help writes them, are `ctrl+k`
    and `f2`.
    """
    press = press.strip()
    if FUNCTION.fullmatch(press):
        return press.lower()
    if len(press) == 2 and press[0] == "^":
        return f"ctrl+{press[1].lower()}"
    return _NAMED.get(press, press)


def _exists(press: str) -> bool:
    """Whether a key of this name can come from a terminal."""
    *modifiers, key = press.split("+")
    return set(modifiers) <= MODIFIERS and (len(key) == 1 or key in _KEYS)


def _name(character: str) -> str:
    """What Textual calls a sign: `question_mark`."""
    from textual.binding import Binding

    return next(iter(Binding.make_bindings([(character, "", "")]))).key


_NAMED: Final = {sign: _name(sign) for sign in string.punctuation if sign != ","}
_KEYS: Final = {*_NAMED.values(), "comma", *(key.value for key in Keys if not key.value.startswith("<"))}
