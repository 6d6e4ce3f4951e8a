"""What waits for the trader, a rung, an entry or an adoption: its numbers, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.protocol import ApprovalView, Asks
from tui.view_model.ink import (
    Ink,
    Line,
    Span,
    cropped,
    faded,
    flowing,
    joined,
    line,
    printable,
    spread,
    width_of,
)
from tui.view_model.numbers import cautious, countdown, fixed, ink_of, price, size, times
from tui.view_model.scene import Scene

SOON_MS: Final = 15_000
"""From here on the countdown warns."""


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
    """Two lines, more where there is little room: no number of an approval is ever cut."""
    left = approval.expires - scene.engine_now
    clock = Span(countdown(left) if left > 0 else "expired", Ink.WARN if left < SOON_MS else Ink.BRIGHT)
    name = line(
        Span("▸ " if chosen else "  ", Ink.ACCENT),
        Span(f"{printable(approval.symbol)} {approval.side} {approval.what}", Ink.BRIGHT),
    )
    does, rest = _does(scene, approval), (_worst(approval), *_where(scene, approval))
    first = joined((name, does))
    under = rest
    if width_of(first) + width_of((clock,)) + 2 > width:
        first, under = name, (does, *rest)
    below = (line(Span("  "), *row) for row in flowing(under, width - 2))
    return (spread(first, line(clock, Span(" ")), width), *below)


def _does(scene: Scene, approval: ApprovalView) -> Line:
    """What a yes would do, in sizes and money."""
    price_places, qty_places = places(scene, approval)
    if approval.asks is Asks.RUNG:
        bank = size(approval.bank_qty, qty_places, approval.symbol)
        add = f"{fixed(approval.add_margin, 2)} USDT"
        return line(Span("bank ", Ink.LABEL), bank, Span(" add ", Ink.LABEL), add)
    at, qty = price(approval.price, price_places), fixed(approval.qty, qty_places)
    margin = f"{fixed(approval.add_margin, 2)} at {times(approval.leverage)}"
    return line(qty, Span(" @ ", Ink.LABEL), at, Span(" margin ", Ink.LABEL), margin)


def _worst(approval: ApprovalView) -> Line:
    before, after = approval.worst_case, approval.worst_case_after
    if approval.asks is Asks.ADOPTION:
        return line(Span("worst ", Ink.LABEL), Span(cautious(after), ink_of(after)))
    return line(
        Span("worst ", Ink.LABEL),
        Span(cautious(before), ink_of(before)),
        Span(" → ", Ink.LABEL),
        Span(cautious(after), ink_of(after)),
    )


def _where(scene: Scene, approval: ApprovalView) -> Iterator[Line]:
    """For what has no position yet its liquidation; and where the mark may be."""
    price_places, _ = places(scene, approval)
    if approval.asks is not Asks.RUNG:
        yield line(Span("liq ", Ink.LABEL), price(approval.liquidation, price_places))
    if approval.high:
        band = f"{price(approval.low, price_places)} – {price(approval.high, price_places)}"
        yield line(Span("while the mark is ", Ink.LABEL), band)


def places(scene: Scene, approval: ApprovalView) -> tuple[int, int]:
    """The decimals of its prices and sizes: those of its position, where there is one."""
    key = f"{approval.symbol}:{approval.side}"
    position = next((p for p in scene.positions if p.cycle == approval.cycle or p.key == key), None)
    if position is None:
        return approval.price_decimals, approval.qty_decimals
    return position.price_decimals, position.qty_decimals
