"""Rungs that wait for the trader: their numbers, and the time that is left."""

from __future__ import annotations

from engine.protocol import ApprovalView, PositionView
from tui.view_model.ink import Ink, Line, Span, cropped, faded, line, printable, spread
from tui.view_model.numbers import cautious, countdown, fixed, ink_of, price
from tui.view_model.scene import Scene


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
    left = approval.expires - scene.engine_now
    soon = Ink.WARN if left < 15_000 else Ink.BRIGHT
    decimals = _position(scene, approval)
    add = fixed(approval.add_margin, 2)
    bank = fixed(approval.bank_qty, decimals.qty_decimals if decimals else 4)
    head = line(
        Span("▸ " if chosen else "  ", Ink.ACCENT),
        Span(f"{printable(approval.symbol)} {approval.side} rung {approval.rung}", Ink.BRIGHT),
        Span("  bank ", Ink.LABEL),
        bank,
        Span("  add ", Ink.LABEL),
        add,
    )
    clock = line(Span(countdown(left) if left > 0 else "expired", soon), Span(" "))
    return (spread(head, clock, width), _terms(approval, decimals))


def _terms(approval: ApprovalView, position: PositionView | None) -> Line:
    places = position.price_decimals if position else 2
    return line(
        Span("  worst ", Ink.LABEL),
        Span(cautious(approval.worst_case), ink_of(approval.worst_case)),
        Span(" → ", Ink.LABEL),
        Span(cautious(approval.worst_case_after), ink_of(approval.worst_case_after)),
        Span("  while ", Ink.LABEL),
        Span(f"{price(approval.low, places)}–{price(approval.high, places)}"),
    )


def _position(scene: Scene, approval: ApprovalView) -> PositionView | None:
    return next((p for p in scene.positions if p.cycle == approval.cycle), None)
