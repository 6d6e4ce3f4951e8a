"""What waits for the trader, a rung, an entry or an adoption: its numbers, and the time that is left."""

from __future__ import annotations

from typing import Final

from engine.protocol import ApprovalView, Asks
from tui.view_model.ink import Ink, Line, Span, cropped, faded, joined, line, printable, spread
from tui.view_model.numbers import cautious, countdown, fixed, ink_of, price, times
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
    clock = Span(countdown(left) if left > 0 else "expired", Ink.WARN if left < SOON_MS else Ink.BRIGHT)
    name = line(
        Span("▸ " if chosen else "  ", Ink.ACCENT),
        Span(f"{printable(approval.symbol)} {approval.side} {approval.what}", Ink.BRIGHT),
    )
    does, worst, band = _does(scene, approval), _worst(approval), _band(scene, approval)
    if width < ROOMY:
        body = (line(Span("  "), *joined((does, worst))), line(Span("  "), *band))
        return (spread(name, line(clock, Span(" ")), width), *body)
    return (
        spread(joined((name, does)), line(clock, Span(" ")), width),
        line(Span("  "), *joined((worst, band))),
    )


def _does(scene: Scene, approval: ApprovalView) -> Line:
    """What a yes would do, in sizes and money."""
    price_places, qty_places = places(scene, approval)
    if approval.asks is Asks.RUNG:
        bank = fixed(approval.bank_qty, qty_places)
        return line(Span("bank ", Ink.LABEL), bank, Span(" add ", Ink.LABEL), fixed(approval.add_margin, 2))
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


def _band(scene: Scene, approval: ApprovalView) -> Line:
    """Where the mark may be; for what has no position yet its liquidation, too."""
    price_places, _ = places(scene, approval)
    liquidation = line(Span("liq ", Ink.LABEL), price(approval.liquidation, price_places))
    band = line(
        Span("while the mark is ", Ink.LABEL),
        f"{price(approval.low, price_places)} – {price(approval.high, price_places)}",
    )
    if approval.asks is Asks.RUNG:
        return band
    return joined((liquidation, band)) if approval.high else liquidation


def places(scene: Scene, approval: ApprovalView) -> tuple[int, int]:
    """The decimals of its prices and sizes: those of its position, where there is one."""
    key = f"{approval.symbol}:{approval.side}"
    position = next((p for p in scene.positions if p.cycle == approval.cycle or p.key == key), None)
    if position is None:
        return approval.price_decimals, approval.qty_decimals
    return position.price_decimals, position.qty_decimals
