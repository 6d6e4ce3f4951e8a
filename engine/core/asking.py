"""What every question to the trader has: a price band, an end, and a note that says it."""

from __future__ import annotations

from decimal import Decimal

from engine.core.actions import Level
from engine.core.cycle import Approval, Cycle
from engine.core.instrument import ONE, ZERO
from engine.core.turn import Turn


def question(
    turn: Turn,
    *,
    id: str,
    rung: int = 0,
    front: int = 0,
    around: tuple[Decimal, ...] = (),
) -> Approval:
    """A question that ends in `approval_s`, or when the mark is further than `approval_band` from all of
    `around` (the first of them measures the band); without them the price may do what it likes.
    """
    ladder = turn.state.settings.ladder
    low = high = ZERO
    if around:
        band = around[0] * ladder.approval_band
        low, high = min(around) - band, max(around) + band
    return Approval(rung, front, low, high, turn.at + ladder.approval_s * 1000, id)


def say(
    turn: Turn, text: str, *, id: str, symbol: str, asks: str, cycle: Cycle | None = None, **facts: object
) -> None:
    """Ask the trader; `asks` is what: a rung, an entry, an adoption."""
    wait = turn.state.settings.ladder.approval_s
    turn.note(
        "approval",
        Level.URGENT,
        f"{text} Unanswered after {wait} s means no.",
        cycle,
        symbol=symbol,
        asks=asks,
        approval=id,
        **facts,
    )


def over_because(turn: Turn, symbol: str, approval: Approval) -> str:
    """Why an unanswered question has ended; empty while it waits."""
    mark = turn.mark(symbol)
    if mark is not None and not is_inside(approval, mark):
        return "the price left its band"
    return "it was not answered" if turn.at >= approval.expires else ""


def is_inside(approval: Approval, mark: Decimal) -> bool:
    return not approval.high or approval.low <= mark <= approval.high


def share_of(*, half: bool) -> Decimal:
    """The part of an add that was said yes to."""
    return ONE / 2 if half else ONE
