"""The face of a question on the phone: its numbers, and the buttons that answer it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.core.words import amount, at_worst, price, size
from engine.notify.telegram.buttons import Deed, Do, Explain
from engine.notify.telegram.markup import bold, escaped
from engine.protocol import ApprovalView, Approve, Asks, Deny, PositionView


def asked(approval: ApprovalView, position: PositionView | None) -> str:
    """The card's text without its countdown; `position` is the one that it is about, if there is one."""
    title = f"{approval.side.value.upper()} {approval.symbol}: {_title(approval)}"
    lines = {Asks.RUNG: _rung, Asks.ENTRY: _entry, Asks.ADOPTION: _adoption}[approval.asks](approval)
    shown = [*lines, *_band(approval, position), *_half(approval)]
    return "\n".join((bold(title), *map(escaped, shown)))


def answers(approval: ApprovalView) -> list[Deed]:
    """What its buttons do; half only where there is one that Bitget takes."""
    plan = (approval.cycle, approval.rung)
    half = approval.half is not None and not approval.half.refused
    story = approval.cycle if approval.asks is Asks.RUNG else approval.symbol
    deeds: list[Deed] = [Do(Approve(*plan), adds=True)]
    deeds += [Do(Approve(*plan, half=True), adds=True)] if half else []
    return [*deeds, Do(Deny(*plan), adds=False), Explain(story)]


def label_of(deed: Deed) -> str:
    """The word on a button of a card."""
    match deed:
        case Do(Approve(half=half)):
            return "Half" if half else "Approve"
        case Do(Deny()):
            return "Deny"
        case _:
            return "Why"


def _title(approval: ApprovalView) -> str:
    match approval.asks:
        case Asks.RUNG:
            return f"rung {approval.rung} asks"
        case Asks.ENTRY:
            return "an entry asks"
        case Asks.ADOPTION:
            return "take it under care?"


def _rung(approval: ApprovalView) -> Iterator[str]:
    at = f" @ {size(approval.leverage)}x" if approval.leverage is not None else ""
    yield f"Add: ${amount(approval.add_margin)} margin{at}"
    yield f"Bank: {size(approval.bank_qty)}"
    if approval.liquidation is not None:
        yield f"Liquidation then: {price(approval.liquidation)}"
    if approval.worst_case is not None and approval.worst_case_after is not None:
        yield f"Worst case: {at_worst(approval.worst_case)} → {at_worst(approval.worst_case_after)}"


def _entry(approval: ApprovalView) -> Iterator[str]:
    if approval.qty is None or approval.price is None or approval.leverage is None:
        return
    yield f"By: {approval.by}"
    yield (
        f"Size: ${amount(approval.qty * approval.price)} notional (${amount(approval.add_margin)} @ "
        f"{size(approval.leverage)}x), {size(approval.qty)}"
    )
    yield f"About: {price(approval.price)}" + (
        f", fee {amount(approval.fee)}" if approval.fee is not None else ""
    )
    if approval.stop is not None:
        yield f"Stop: {price(approval.stop)}{_beyond(approval, approval.stop)}"
    if approval.liquidation is not None:
        yield f"Liquidation then: {price(approval.liquidation)}"
    if approval.worst_case_after is not None:
        yield f"Worst case: {at_worst(approval.worst_case_after)}"


def _beyond(approval: ApprovalView, stop: Decimal) -> str:
    """What a stop is worth that liquidation overtakes."""
    liquidation, d = approval.liquidation, approval.side.d
    overtaken = liquidation is not None and liquidation > 0 and (stop - liquidation) * d <= 0
    return " (beyond liquidation: it would never be reached)" if overtaken else ""


def _adoption(approval: ApprovalView) -> Iterator[str]:
    if approval.qty is None or approval.price is None or approval.leverage is None:
        return
    yield f"Entry: {price(approval.price)}"
    yield (
        f"Size: ${amount(approval.qty * approval.price)} notional (${amount(approval.add_margin)} @ "
        f"{size(approval.leverage)}x), {size(approval.qty)}"
    )
    if approval.liquidation is not None:
        yield f"Liquidation: {price(approval.liquidation)}"
    if approval.worst_case_after is not None:
        yield f"Worst case: {at_worst(approval.worst_case_after)}"
    yield "The ladder may then add to it and places its stops; without a yes nothing is touched"


def _band(approval: ApprovalView, position: PositionView | None) -> Iterator[str]:
    if not approval.high:
        return
    mark = position.mark if position is not None else None
    now = f" (mark {price(mark)})" if mark is not None else ""
    yield f"Price band: {price(approval.low)} – {price(approval.high)}{now}"


def _half(approval: ApprovalView) -> Iterator[str]:
    half = approval.half
    if half is None:
        return
    if half.refused:
        yield f"Half: not possible, {half.refused}"
    elif half.qty is not None and half.worst_case_after is not None:
        worst = at_worst(half.worst_case_after)
        yield f"Half: {size(half.qty)}, ${amount(half.margin)} margin, worst case {worst}"
