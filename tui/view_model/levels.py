"""The prices that matter to a position, as rungs of a vertical axis drawn to scale."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Final

import msgspec

from engine.protocol import PositionView, StopView
from tui.view_model.ink import BLANK, Ink, Line, Span, cell, line, padded, printable, width_of
from tui.view_model.numbers import cautious, fixed, ink_of, percent, price, signed, size
from tui.view_model.scene import Freshness, Scene

GLYPH_LIQUIDATION: Final = "✖"
GLYPH_STOP: Final = "■"
GLYPH_UNREAD: Final = "□"
GLYPH_MARK: Final = "●"
GLYPH_RUNG: Final = "◎"
GLYPH_ENTRY: Final = "○"
GLYPH_BREAKEVEN: Final = "="

ENTRY_WEIGHT: Final = 100
"""From this weight on a level is only history: entries and the breakeven."""

SHORT_WHY: Final = {"own margin": "margin", "previous entry": "prev entry", "hard stop": "hard"}


class Level(msgspec.Struct, frozen=True):
    """A price on the axis. `weight` says how soon it gives way when the panel is low: 0 never does."""

    at: Decimal
    glyph: str
    words: Line
    ink: Ink
    weight: int
    result: Decimal | None = None
    brief: Line = BLANK
    """The words without their units, for where there is no room."""


def levels(scene: Scene, position: PositionView) -> tuple[Level, ...]:
    """Every level of a position, highest price first; the mark only while it is not lost."""
    found = [
        *_liquidation(position),
        *_stops(position),
        *_entries(position),
        *_mark(scene, position),
        *_trigger(position),
    ]
    return tuple(sorted(found, key=lambda level: -level.at))


def _liquidation(position: PositionView) -> Iterable[Level]:
    if position.liquidation:
        bare = not position.stops
        words = line(Span("liquidation", Ink.LOSS), Span(" takes all" if bare else "", Ink.LABEL))
        result = -position.margin if bare else None
        yield Level(position.liquidation, GLYPH_LIQUIDATION, words, Ink.LOSS, 0, result)


def _stops(position: PositionView) -> Iterable[Level]:
    nearest = sorted(position.stops, key=lambda stop: position.side.d * -stop.trigger)
    for k, stop in enumerate(nearest):
        glyph = GLYPH_STOP if stop.confirmed else GLYPH_UNREAD
        ink = Ink.ACCENT if stop.confirmed else Ink.WARN
        yield Level(
            stop.trigger, glyph, _stop_words(stop, position), ink, 0 if k == 0 else 2 + k, stop.result
        )


def _stop_words(stop: StopView, position: PositionView) -> Line:
    """A stop of the ladder says why it lies there, another's whose it is."""
    name = f"stop {'all' if stop.leg is None else stop.leg}" if stop.ours else printable(stop.why)
    qty = fixed(stop.qty, position.qty_decimals)
    why = printable(SHORT_WHY.get(stop.why, stop.why)) if stop.ours else ""
    resting = "" if stop.confirmed else " unconfirmed"
    state = resting if stop.state == "resting" else f" {printable(stop.state)}"
    return line(f"{name}  ", Span(f"{qty} ", Ink.TEXT), Span(why, Ink.LABEL), Span(state, Ink.WARN))


def _entries(position: PositionView) -> Iterable[Level]:
    if not position.legs:
        yield Level(position.entry, GLYPH_ENTRY, line(Span("entry", Ink.LABEL)), Ink.LABEL, ENTRY_WEIGHT)
    for leg in position.legs:
        words = line(Span(f"entry {leg.number}", Ink.LABEL))
        yield Level(leg.entry, GLYPH_ENTRY, words, Ink.LABEL, 2 * ENTRY_WEIGHT - leg.number)
    if position.breakeven and len(position.legs) > 1:
        words = line(Span("breakeven", Ink.LABEL))
        yield Level(position.breakeven, GLYPH_BREAKEVEN, words, Ink.LABEL, ENTRY_WEIGHT)


def _mark(scene: Scene, position: PositionView) -> Iterable[Level]:
    trust = scene.trust(position)
    if position.mark is None or trust is Freshness.LOST:
        return
    stale = trust is Freshness.STALE or scene.is_gone
    words = line(Span("mark", Ink.BRIGHT), Span("  stale" if stale else "", Ink.WARN))
    ink = Ink.WARN if stale else Ink.BRIGHT
    yield Level(position.mark, GLYPH_MARK, words, ink, 0, position.unrealized_pnl)


def _trigger(position: PositionView) -> Iterable[Level]:
    if rung := position.next_rung:
        added = fixed(rung.add_margin, 2)
        whole = size(rung.bank_qty, position.qty_decimals, position.symbol), f"{added} USDT"
        bare = fixed(rung.bank_qty, position.qty_decimals), added
        words, brief = (
            line(
                Span(f"rung {rung.number}  ", Ink.GAIN),
                *(Span("bank ", Ink.LABEL), banked),
                *(Span(" add ", Ink.LABEL), adds),
            )
            for banked, adds in (whole, bare)
        )
        yield Level(rung.trigger, GLYPH_RUNG, words, Ink.GAIN, 1, brief=brief)


def kept(all_levels: tuple[Level, ...], room: int) -> tuple[Level, ...]:
    """As many levels as fit `room` lines: entries go first, then the breakeven, then far stops."""
    out = list(all_levels)
    while len(out) > room and any(level.weight for level in out):
        out.remove(max(out, key=lambda level: level.weight))
    return tuple(out)


def gaps(shown: tuple[Level, ...], room: int) -> tuple[int, ...]:
    """Empty lines after each level but the last: the spare ones, shared out to the scale of the prices
    (largest remainder).
    """
    steps = [float(above.at - below.at) for above, below in pairwise(shown)]
    spare, whole = max(0, room - len(shown)), sum(steps)
    if not whole:
        return tuple(0 for _ in steps)
    exact = [spare * step / whole for step in steps]
    lines = [int(share) for share in exact]
    by_remainder = sorted(range(len(steps)), key=lambda k: lines[k] - exact[k])
    for k in by_remainder[: spare - sum(lines)]:
        lines[k] += 1
    return tuple(lines)


def axis(scene: Scene, position: PositionView, width: int, room: int) -> tuple[Line, ...]:
    """The axis, `room` lines of `width` cells: price, glyph, what lies there, the result there, and how far
    it is from the mark.
    """
    shown = kept(levels(scene, position), room)
    mark = position.mark if scene.trust(position) is Freshness.FRESH and not scene.is_gone else None
    out: list[Line] = []
    for level, empty in zip(shown, (*gaps(shown, room), 0), strict=False):
        out.append(_level_line(level, position, mark, width))
        out += [_between(position, mark, level.at)] * empty
    return tuple(out[:room])


def _level_line(level: Level, position: PositionView, mark: Decimal | None, width: int) -> Line:
    far = width >= 50
    result = _result(level)
    room = max(8, width - 13 - (9 if far else 0) - (9 if result else 0))
    words = level.brief if level.brief and width_of(level.words) > room else level.words
    inked = level.ink if level.glyph != GLYPH_ENTRY else Ink.LABEL
    return (
        cell(price(level.at, position.price_decimals), 10, inked, right=True),
        Span(" "),
        Span(level.glyph, level.ink),
        Span(" "),
        *padded(words, room),
        *((cell(result, 9, ink_of(level.result), right=True),) if result else ()),
        *((cell(_away(level, mark), 9, Ink.LABEL, right=True),) if far else ()),
    )


def _result(level: Level) -> str:
    if level.result is None:
        return ""
    return signed(level.result) if level.glyph == GLYPH_MARK else cautious(level.result)


def _away(level: Level, mark: Decimal | None) -> str:
    if mark is None or level.glyph == GLYPH_MARK or not mark:
        return ""
    return percent((level.at - mark) / mark, 2, sign=True)


def _between(position: PositionView, mark: Decimal | None, above: Decimal) -> Line:
    """The axis between two levels: a heavy line between the mark and the next rung, the way still to go."""
    ahead = _is_ahead(position, mark, above)
    return (Span(" " * 11), Span("┃" if ahead else "│", Ink.GAIN if ahead else Ink.FAINT))


def _is_ahead(position: PositionView, mark: Decimal | None, above: Decimal) -> bool:
    if mark is None or position.next_rung is None:
        return False
    low, high = sorted((mark, position.next_rung.trigger))
    return low < above <= high
