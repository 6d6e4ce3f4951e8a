"""Rungs that wait for the trader: their numbers, and the time that is left."""

from __future__ import annotations

from typing import Final

from engine.protocol import ApprovalView, PositionView
from tui.view_model.ink import Ink, Line, Span, cropped, faded, joined, line, printable, spread
from tui.view_model.numbers import cautious, countdown, fixed, ink_of, price
from tui.view_model.scene import Scene

SOON_MS: Final = 15_000
"""From here on the countdown warns."""

ROOMY: Final = 60


def approvals(scene: Scene, width: int, chosen: int) -> tuple[Line, ...]:
    """Two lines for each approval; the chosen one is marked. Empty when nothing waits."""
    if scene.snapshot is None:
        return ()
    waiting = scene.snapshot.approvals
    lines = tuple(
        cropped(words, width)
        for k, approval in enumerate(waiting)
        for words in _lines(scene, approval, width, chosen=k == chosen)
    )
    return tuple(faded(words) for words in lines) if scene.is_gone else lines


def _lines(scene: Scene, approval: ApprovalView, width: int, *, chosen: bool) -> tuple[Line, ...]:
    """Two lines, three where there is little room: no number of an approval is ever cut."""
    left = approval.expires - scene.engine_now
    position = _position(scene, approval)
    clock = Span(countdown(left) if left > 0 else "expired", Ink.WARN if left < SOON_MS else Ink.BRIGHT)
    name = line(
        Span("▸ " if chosen else "  ", Ink.ACCENT),
        Span(f"{printable(approval.symbol)} {approval.side} rung {approval.rung}", Ink.BRIGHT),
    )
    does, worst, band = _does(approval, position), _worst(approval), _band(approval, position)
    if width < ROOMY:
        body = (line(Span("  "), *joined((does, worst))), line(Span("  "), *band))
        return (spread(name, line(clock, Span(" ")), width), *body)
    return (
        spread(joined((name, does)), line(clock, Span(" ")), width),
        line(Span("  "), *joined((worst, band))),
    )


def _does(approval: ApprovalView, position: PositionView | None) -> Line:
    bank = fixed(approval.bank_qty, position.qty_decimals) if position else str(approval.bank_qty)
    return line(Span("bank ", Ink.LABEL), bank, Span(" add ", Ink.LABEL), fixed(approval.add_margin, 2))


def _worst(approval: ApprovalView) -> Line:
    before, after = approval.worst_case, approval.worst_case_after
    return line(
        Span("worst ", Ink.LABEL),
        Span(cautious(before), ink_of(before)),
        Span(" → ", Ink.LABEL),
        Span(cautious(after), ink_of(after)),
    )


def _band(approval: ApprovalView, position: PositionView | None) -> Line:
    places = position.price_decimals if position else 2
    return line(
        Span("while the mark is ", Ink.LABEL),
        f"{price(approval.low, places)} – {price(approval.high, places)}",
    )


def _position(scene: Scene, approval: ApprovalView) -> PositionView | None:
    return next((p for p in scene.positions if p.cycle == approval.cycle), None)
