"""Fewer bytes, the same picture: a small terminal draws every frame as it came, and once more made terse."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tui.terse import PLAIN, SHOWS_ON_BLANKS, Pen, taken, terse

PIECE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|(.)", re.DOTALL)
OFF = {"22": {"1", "2"}, "23": {"3"}, "24": {"4"}, "27": {"7"}, "29": {"9"}}

Cell = tuple[str, Pen]


def drawn(frame: str) -> dict[tuple[int, int], Cell]:
    """What a terminal would show: each cell with the ink that can be seen in it."""
    cells: dict[tuple[int, int], Cell] = {}
    pen, row, column = PLAIN, 1, 1
    for parameters, kind, letter in PIECE.findall(frame):
        if kind == "m":
            pen = written(pen, parameters)
        elif kind == "H":
            row, column = (int(part or 1) for part in parameters.split(";"))
        elif letter:
            cells[row, column] = letter, seen(letter, pen)
            column += 1
    assert pen == PLAIN, "a frame leaves the pen as it found it"
    return cells


def written(pen: Pen, parameters: str) -> Pen:
    for word in parameters.split(";") if parameters in OFF else ():
        return pen._replace(attributes=pen.attributes - OFF[word])
    for off, gone in OFF.items():
        if re.match(rf"{off}(;|$)", parameters):
            return written(
                pen._replace(attributes=pen.attributes - gone), parameters[len(off) + 1 :] or "off"
            )
    return pen if parameters == "off" else taken(pen, parameters)


def seen(letter: str, pen: Pen) -> Pen:
    """A blank shows its background, and what is drawn on blanks too."""
    if letter == " " and not pen.attributes & SHOWS_ON_BLANKS:
        return Pen(frozenset(), "39", pen.background)
    return pen


COLOURS = st.sampled_from(["31", "94", "38;5;12", "38;2;1;2;3", "38;2;195;202;212"])
GROUNDS = st.sampled_from(["", "44", "48;2;15;19;24", "48;2;29;38;49", "105"])
ATTRIBUTES = st.sampled_from(["", "1", "2", "1;2", "4", "7", "1;4", "3;9"])
WORDS = st.text("ab ▸│−", min_size=1, max_size=6)
MOVES = st.builds("\x1b[{};{}H".format, st.integers(1, 4), st.integers(1, 9))


@st.composite
def pieces(draw: st.DrawFn) -> str:
    """A piece as Textual writes it: everything, the words, a reset."""
    parts = [draw(ATTRIBUTES), draw(COLOURS), draw(GROUNDS)]
    style = ";".join(part for part in parts if part)
    move = draw(st.one_of(st.just(""), MOVES))
    return f"{move}\x1b[{style}m{draw(WORDS)}\x1b[0m"


@given(st.lists(pieces(), max_size=12))
def test_a_terse_frame_looks_the_same_and_is_never_longer(frame: list[str]) -> None:
    whole = "".join(frame)
    assert drawn(terse(whole)) == drawn(whole)
    assert len(terse(whole)) <= len(whole)


def test_a_row_of_the_desk_costs_less_than_half() -> None:
    ground = "48;2;15;19;24"
    row = "".join(f"\x1b[38;2;195;202;212;{ground}m{n:>8}\x1b[0m\x1b[{ground}m \x1b[0m" for n in range(12))
    assert len(terse(row)) < len(row) / 2


def test_what_is_no_colour_goes_through_untouched() -> None:
    for sequence in ("\x1b[?1049h\x1b[?25l", "\x1b]52;c;aGFsdA==\x07", "plain words", ""):
        assert terse(sequence) == sequence
