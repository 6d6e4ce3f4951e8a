"""Fewer bytes for the same picture: colours are told to the terminal when they change, not for every word.

Textual ends each piece of a line with a reset and begins the next with everything again, two thirds of all
bytes of a frame. Over SSH they are what a desk costs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from textual.driver import Driver

SGR: Final = re.compile(r"\x1b\[([0-9;]*)m")
MOVE: Final = re.compile(r"(?:\x1b\[\d*(?:;\d*)?H|\r?\n)+")
SHOWS_ON_BLANKS: Final = frozenset(["4", "7", "9", "21", "53"])
"""Attributes that are seen on a space too: underline, reverse, strike, double underline, overline."""


OFF: Final = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""What takes an attribute back alone; 22 takes bold and dim."""


class Pen(NamedTuple):
    """What the terminal writes with: attributes, foreground, background, as SGR parameters."""

    attributes: frozenset[str] = frozenset()
    foreground: str = "39"
    background: str = "49"


PLAIN: Final = Pen()


def terse(frame: str) -> str:
    """The same picture in fewer bytes. A frame begins and ends with the plain pen, as Textual's do."""
    pieces = SGR.split(frame)
    if len(pieces) < 3:
        return frame
    out = [pieces[0]]
    held = wanted = PLAIN
    for k in range(1, len(pieces), 2):
        wanted = taken(wanted, pieces[k])
        text = pieces[k + 1]
        if not text:
            continue
        if not MOVE.fullmatch(text):
            change, held = _change(held, wanted, blank=not text.strip(" "))
            out.append(change)
        out.append(text)
    if held != PLAIN:
        out.append("\x1b[0m")
    return "".join(out)


@lru_cache(1024)
def taken(pen: Pen, parameters: str) -> Pen:
    """The pen after one SGR sequence."""
    attributes, foreground, background = set(pen.attributes), pen.foreground, pen.background
    words = iter(parameters.split(";"))
    for word in words:
        if word in {"", "0"}:
            attributes, foreground, background = set(), PLAIN.foreground, PLAIN.background
        elif word in {"38", "48"}:
            kind = next(words, "")
            count = 3 if kind == "2" else 1
            colour = ";".join((word, kind, *(next(words, "0") for _ in range(count))))
            foreground, background = (colour, background) if word == "38" else (foreground, colour)
        elif word == "39" or (word.isdigit() and (30 <= int(word) <= 37 or 90 <= int(word) <= 97)):
            foreground = word
        elif word == "49" or (word.isdigit() and (40 <= int(word) <= 47 or 100 <= int(word) <= 107)):
            background = word
        else:
            attributes.add(word)
    return Pen(frozenset(attributes), foreground, background)


@lru_cache(4096)
def _change(held: Pen, wanted: Pen, *, blank: bool) -> tuple[str, Pen]:
    """What turns one pen into another, and the pen then held; for blanks only what is seen on them."""
    if blank and not (held.attributes | wanted.attributes) & SHOWS_ON_BLANKS:
        wanted = Pen(held.attributes, held.foreground, wanted.background)
    if held == wanted:
        return "", held
    gone = held.attributes - wanted.attributes
    ways = [_anew(wanted)]
    if gone <= OFF.keys():
        off = sorted({OFF[each] for each in gone})
        kept = frozenset(each for each in held.attributes - gone if OFF.get(each) not in off)
        ways.append([*off, *_over(Pen(kept, held.foreground, held.background), wanted)])
    return f"\x1b[{min((';'.join(words) for words in ways), key=len)}m", wanted


def _anew(wanted: Pen) -> list[str]:
    """Everything again after a reset."""
    return ["0", *_over(PLAIN, wanted)]


def _over(held: Pen, wanted: Pen) -> list[str]:
    """What has to be added."""
    words = sorted(wanted.attributes - held.attributes)
    words += [wanted.foreground] * (wanted.foreground != held.foreground)
    words += [wanted.background] * (wanted.background != held.background)
    return words


def terse_driver(kind: type[Driver]) -> type[Driver]:
    """A driver that writes like `kind`, in fewer bytes."""

    class Terse(kind):  # type: ignore[valid-type, misc]
        def write(self, data: str) -> None:
            super().write(terse(data))

    return Terse
