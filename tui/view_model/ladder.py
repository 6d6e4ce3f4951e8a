"""The ladder of the selected position: its axis, its legs beside it, its money, and what happens if this
machine stops.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from engine.protocol import LegView, PositionView
from tui.view_model.ink import (
    BLANK,
    Ink,
    Line,
    Span,
    cell,
    cells,
    cropped,
    faded,
    fitting,
    line,
    padded,
    printable,
)
from tui.view_model.levels import ENTRY_WEIGHT, axis, levels
from tui.view_model.numbers import cautious, fixed, ink_of, price, signed, times
from tui.view_model.positions import side, status
from tui.view_model.scene import Freshness, Scene

LEGS: Final = 33
"""Cells of the legs beside the axis."""

LEGS_WIDE: Final = 66
"""Cells of the legs with their margin, stop and who opened them."""

BESIDE: Final = 70
"""From this width on the legs can stand beside the axis."""

LEAST: Final = 3
"""Lines that the axis keeps in the lowest panel: liquidation, the nearest stop, the mark."""

ROOMY: Final = 90
"""From this width on they always do; between the two only in a low panel."""

AXIS: Final = 64
"""Cells that the axis takes at most: numbers stay near their words."""


def title(position: PositionView | None) -> str:
    """What stands in the frame: `BTCUSDT ▼ SHORT · RISK-FREE · 2 legs`."""
    if position is None:
        return "Ladder"
    legs = f" · {len(position.legs)} leg{'s' if len(position.legs) != 1 else ''}" if position.managed else ""
    word = status(position)[0]
    free = " · RISK-FREE" if position.risk_free and word != "RISK-FREE" else ""
    reason = f" ({printable(position.reason)})" if position.reason and position.managed else ""
    return f"{printable(position.symbol)} {side(position)[0]} · {word}{reason}{free}{legs}"


def ladder(scene: Scene, position: PositionView | None, width: int, height: int) -> tuple[Line, ...]:
    """The whole panel, at most `height` lines of `width` cells."""
    if position is None:
        return (
            BLANK,
            line(Span("  Entries, stops, next rung and liquidation of a position stand here.", Ink.LABEL)),
        )
    vital = sum(level.weight < ENTRY_WEIGHT for level in levels(scene, position))
    roomy = height >= vital + 3 and height >= LEAST + 5
    below = _below(scene, position, width, roomy=roomy, ruled=height >= 16)[: max(1, height - LEAST)]
    room = max(1, height - len(below))
    drawn = _body(scene, position, width, room)[:room]
    filled = (*drawn, *(BLANK,) * (room - len(drawn)), *below)
    is_old = scene.is_gone or scene.trust(position) is not Freshness.FRESH
    return tuple(faded(words) for words in filled) if is_old else filled


def _body(scene: Scene, position: PositionView, width: int, room: int) -> tuple[Line, ...]:
    if not position.legs or width < LEGS:
        return axis(scene, position, min(AXIS, width - 1), room)
    table = len(position.legs) + 2
    if width < BESIDE or (width < ROOMY and room - table >= len(levels(scene, position)) + 2):
        return _stacked(scene, position, width, room)
    return _beside(scene, position, width, room)


def _stacked(scene: Scene, position: PositionView, width: int, room: int) -> tuple[Line, ...]:
    """The axis over the whole width and the legs under it, where there is height enough for both."""
    least = min(room // 2, len(position.legs) + 1, room - LEAST - 1)
    if least < min(3, len(position.legs) + 1):
        return axis(scene, position, min(AXIS, width - 1), room)
    legs = _legs(position, least, wide=width >= LEGS_WIDE)
    above = room - len(legs) - 1
    drawn = axis(scene, position, min(AXIS, width - 1), above)
    return (*drawn, *(BLANK,) * (above - len(drawn)), (Span("─" * width, Ink.FAINT),), *legs)


def _beside(scene: Scene, position: PositionView, width: int, room: int) -> tuple[Line, ...]:
    left = min(AXIS, width - LEGS - 2)
    axis_lines = axis(scene, position, left, room)
    legs = _legs(position, room, wide=width - left - 2 >= LEGS_WIDE)
    count = max(len(axis_lines), len(legs))
    return tuple(
        (*padded(_nth(axis_lines, k), left), Span(" │", Ink.FAINT), *_nth(legs, k)) for k in range(count)
    )


def _nth(lines: tuple[Line, ...], k: int) -> Line:
    return lines[k] if k < len(lines) else BLANK


def _legs(position: PositionView, room: int, *, wide: bool = False) -> tuple[Line, ...]:
    heading = line(
        cell(" LEG", 5, Ink.LABEL),
        cell("SIZE", 7, Ink.LABEL, right=True),
        cell("ENTRY", 11, Ink.LABEL, right=True),
        cell("LEV", 4, Ink.LABEL, right=True),
        Span(" LOCK", Ink.LABEL),
        *(_more("MARGIN", "STOP", "OPENED BY") if wide else ()),
    )
    legs = position.legs[::-1]
    shown = legs if len(legs) < room else legs[: max(1, room - 2)]
    more = (line(Span(f" and {len(legs) - len(shown)} older", Ink.LABEL)),) if len(shown) < len(legs) else ()
    return (heading, *(_leg(leg, position, front=leg is legs[0], wide=wide) for leg in shown), *more)


def _leg(leg: LegView, position: PositionView, *, front: bool, wide: bool) -> Line:
    ink = Ink.BRIGHT if front else Ink.TEXT
    stop = "liquidation" if leg.stop is None else price(leg.stop, position.price_decimals)
    return line(
        cell(f" {leg.number}{' ◂' if front else ''}", 5, Ink.ACCENT if front else Ink.LABEL),
        cell(fixed(leg.qty, position.qty_decimals), 7, ink, right=True),
        cell(price(leg.entry, position.price_decimals), 11, ink, right=True),
        cell(times(leg.leverage), 4, Ink.LABEL, right=True),
        cell(" yes" if leg.locked else " no", 5, Ink.GAIN if leg.locked else Ink.LABEL),
        *(_more(fixed(leg.margin, 2), stop, printable(leg.by)) if wide else ()),
    )


def _more(margin: str, stop: str, by: str) -> Line:
    return line(
        cell(margin, 8, Ink.LABEL, right=True),
        cell(stop, 13, Ink.LABEL, right=True),
        Span(f"   {by}", Ink.LABEL),
    )


def _below(scene: Scene, position: PositionView, width: int, *, roomy: bool, ruled: bool) -> tuple[Line, ...]:
    """The lines under the axis: what hinders, the money, and the machine."""
    room = width - 2
    lines = [
        *_hindrance(scene, position, room, roomy=roomy),
        _money(position, room),
        *_machine(position, room, roomy=roomy),
    ]
    rule = (line(Span("─" * width, Ink.FAINT)),) if ruled else ()
    return (*rule, *((Span(" "), *cropped(words, room)) for words in lines if words))


def _hindrance(scene: Scene, position: PositionView, room: int, *, roomy: bool) -> tuple[Line, ...]:
    """Why the ladder does nothing with it; wrapped where there is height for it."""
    if not position.managed:
        can = position.can_adopt and not scene.read_only
        adopts = f" · {scene.keys['adopt']} adopts it" if can else ""
        words = f"Not managed: {printable(position.reason)}{adopts}"
    elif position.blocked:
        rung = position.next_rung
        what = f"Blocked, rung {rung.number}" if rung else "No next rung"
        words = f"{what}: {printable(position.blocked)}"
    else:
        return ()
    return tuple(line(Span(text, Ink.WARN)) for text in (wrap(words, room) if roomy else [words]))


def _money(position: PositionView, room: int) -> Line:
    """banked · fees · worst case · after the next rung: as many as fit, in this order of need."""
    after = position.next_rung.worst_case_after if position.next_rung else None
    figures = [
        ("worst case", cautious(position.worst_case), ink_of(position.worst_case)),
        ("banked", signed(position.realized), ink_of(position.realized)),
    ]
    if position.next_rung:
        figures.append((f"after rung {position.next_rung.number}", cautious(after), ink_of(after)))
    figures += [
        ("fees", signed(-position.fees), Ink.TEXT),
        ("funding", signed(position.funding), Ink.TEXT),
    ]
    if not position.managed:
        figures = figures[1:2]
    pieces = (line(Span(f"{name} ", Ink.LABEL), Span(words, ink)) for name, words, ink in figures)
    return fitting(pieces, room, " · ")


def _machine(position: PositionView, room: int, *, roomy: bool) -> tuple[Line, ...]:
    """What becomes of the position without us; wrapped where there is height for it, else the sum of money
    first, which nothing may cut.
    """
    label = "If machine dies: "
    words = printable(position.if_machine_dies)
    if not words:
        return ()
    if not roomy and cells(label + words) > room and position.worst_case is not None:
        words = f"at worst {cautious(position.worst_case)}; {words}"
    first, *more = wrap(label + words, room) if roomy else [label + words]
    return (line(Span(label, Ink.LABEL), first[len(label) :]), *(line(text) for text in more))
