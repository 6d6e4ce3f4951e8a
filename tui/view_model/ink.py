"""A line of the screen before it has colours: text, and what each piece of it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size


class Ink(StrEnum):
    """What a piece of text means. A theme gives each meaning a colour; the words around it carry the same
    meaning without.
    """

    TEXT = "text"
    LABEL = "label"
    FAINT = "faint"
    BRIGHT = "bright"
    ACCENT = "accent"
    GAIN = "gain"
    LOSS = "loss"
    WARN = "warn"
    FADED = "faded"
    BRAND = "brand"
    LIVE = "live"
    DEMO = "demo"
    SIM = "sim"
    ALARM = "alarm"
    NOTICE = "notice"
    KEY = "key"

    __hash__ = str.__hash__
    """In C: an ink is looked up for every word of every picture."""


class Span(NamedTuple):
    """A piece of a line in one ink."""

    text: str
    ink: Ink = Ink.TEXT


Line = tuple[Span, ...]

BLANK: Final[Line] = ()


def line(*parts: Span | str) -> Line:
    """A line from spans and plain words; empty pieces vanish."""
    spans = (Span(part) if isinstance(part, str) else part for part in parts)
    return tuple(span for span in spans if span.text)


def text_of(spans: Line) -> str:
    """The words of a line, without its inks."""
    return "".join(span.text for span in spans)


@lru_cache(2048)
def cells(text: str) -> int:
    """Cells that a text takes in the terminal. Most of a picture was in the last one, too."""
    return cell_len(text)


@lru_cache(512)
def width_of(spans: Line) -> int:
    """Cells that a line takes in the terminal."""
    return sum([cells(span.text) for span in spans])


def printable(text: str) -> str:
    """`text` without control characters: what an exchange or a log says must not steer the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


@lru_cache(2048)
def cell(text: str, width: int, ink: Ink = Ink.TEXT, *, right: bool = False) -> Span:
    """`text` in exactly `width` cells; a text that is too long ends in an ellipsis, and is never silently
    cut.
    """
    length = cells(text)
    if length > width:
        return Span(set_cell_size(text, width - 1) + "…" if width > 0 else "", ink)
    pad = " " * (width - length)
    return Span(pad + text if right else text + pad, ink)


def cropped(spans: Line, width: int) -> Line:
    """`spans` in at most `width` cells, ending in an ellipsis when something is left out."""
    if width_of(spans) <= width:
        return spans
    kept: list[Span] = []
    left = width
    for span in spans:
        length = cells(span.text)
        if length < left:
            kept.append(span)
            left -= length
            continue
        kept.append(cell(span.text + " ", left, span.ink) if left else Span("…", span.ink))
        break
    return tuple(kept)


@lru_cache(512)
def padded(spans: Line, width: int) -> Line:
    """`spans` in exactly `width` cells."""
    spans = cropped(spans, width)
    gap = width - width_of(spans)
    return (*spans, Span(" " * gap)) if gap else spans


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; the left one gives way."""
    room = max(0, width - width_of(right) - 1)
    return (*padded(left, room), Span(" "), *right)


def joined(lines: Iterable[Line], gap: str = "  ") -> Line:
    """Several pieces in one line, `gap` between those that say something."""
    out: list[Span] = []
    for piece in lines:
        if piece:
            out.extend((Span(gap), *piece) if out else piece)
    return tuple(out)


def differing(old: Line, new: Line) -> int:
    """How many cells of `new` have to be drawn over `old`; the same words at the end of both need not be."""
    whole = width_of(new)
    if width_of(old) != whole:
        return max(width_of(old), whole)
    same = 0
    for one, other in zip(reversed(old), reversed(new), strict=False):
        if one != other:
            break
        same += 1
    return whole - width_of(new[len(new) - same :])


def fitting(pieces: Iterable[Line], width: int, gap: str = "  ") -> Line:
    """As many of `pieces`, most important first, as fit whole into `width` cells."""
    out: Line = ()
    for piece in pieces:
        longer = joined((out, piece), gap)
        if width_of(longer) <= width:
            out = longer
    return out


def flowing(pieces: Iterable[Line], width: int) -> Iterator[Line]:
    """Whole pieces on as few lines of `width` cells as hold them."""
    row: Line = ()
    for piece in pieces:
        longer = joined((row, piece))
        if row and width_of(longer) > width:
            yield row
            longer = piece
        row = longer
    yield row


def faded(spans: Line) -> Line:
    """The same words without emphasis: what was true a while ago. What warns stays as it is."""
    kept = (Ink.FAINT, Ink.WARN, Ink.ALARM, Ink.NOTICE, Ink.LIVE, Ink.DEMO, Ink.SIM)
    return tuple(span if span.ink in kept else Span(span.text, Ink.FADED) for span in spans)
