"""Trades that are told after their cycle has ended: they bring their money to it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.cycle import Cycle
from engine.core.doubt import UNTOLD
from engine.core.exchange import Cause, Fill
from engine.core.ids import is_add, is_ours
from engine.core.instrument import ZERO, Side
from engine.core.positions import SAME_MOMENT_MS
from engine.core.turn import Turn
from engine.core.words import money, name, price, size

LIQUIDATIONS = 8
"""How many moments are remembered of one cycle: a bill about each of them follows."""


def of_the_past(turn: Turn, fill: Fill, side: Side, *, opens: bool, of: Cycle | None = None) -> bool:
    """Book the money of a trade that is told after its cycle has ended; False when there is no such cycle.
    With `of`, only one that took care of that very position before.
    """
    closed = turn.state.closed
    for index in reversed(range(len(closed))):
        cycle = closed[index]
        if (cycle.symbol, cycle.side) != (fill.symbol, side) or (
            of is not None and cycle.opened != of.opened
        ):
            continue
        if not opens and cycle.exit_at < fill.at and _closes_what_was_left(turn, index, fill):
            return True
        untold = cycle.last_cause == UNTOLD
        if not cycle.opened - SAME_MOMENT_MS <= fill.at <= (cycle.closed if untold else cycle.exit_at):
            continue
        late = cycle.adopted < fill.at
        if opens and cycle.unbooked < fill.qty and not (late and fill.at < cycle.exit_at):
            continue
        if not opens and not untold and not (late and is_close(fill)):
            continue
        if opens and not late:
            cycle = replace(cycle, unbooked=cycle.unbooked - fill.qty)
        else:
            more = fill.qty if opens else -fill.qty
            cycle = replace(cycle, left_open=max(ZERO, cycle.left_open + more))
        _book_late(turn, index, cycle, fill)
        return True
    return False


def _closes_what_was_left(turn: Turn, index: int, fill: Fill) -> bool:
    """An add was told after the cycle had ended without it, and what it left open has been closed before the
    position was met again.
    """
    cycle, later = turn.state.closed[index], turn.state.closed[index + 1 :]
    if cycle.left_open < fill.qty or any((c.symbol, c.side) == (cycle.symbol, cycle.side) for c in later):
        return False
    _book_late(turn, index, replace(cycle, left_open=cycle.left_open - fill.qty), fill)
    text = f"{size(fill.qty)} more was open than was known, and is closed @ {price(fill.price)}"
    turn.note("late", Level.URGENT, f"{name(cycle)}: {text} ({money(fill.profit)}).", cycle)
    return True


def _book_late(turn: Turn, index: int, cycle: Cycle, fill: Fill) -> None:
    profit, fees = cycle.realised + fill.profit, cycle.fees + fill.fee
    booked, closed = replace(ended_by(cycle, fill), realised=profit, fees=fees), turn.state.closed
    turn.set(closed=(*closed[:index], booked, *closed[index + 1 :]))


def is_close(fill: Fill) -> bool:
    """Whether it is certain that a trade that is taken to reduce does: only what closes has a profit."""
    ours = is_ours(fill.client_id) and not is_add(fill.client_id)
    return bool(fill.side or fill.profit or ours)


def ended_by(cycle: Cycle, fill: Fill) -> Cycle:
    """A liquidation is remembered: a bill about what it left follows."""
    if fill.cause is not Cause.LIQUIDATION:
        return cycle
    return replace(cycle, liquidations=(*cycle.liquidations, fill.at)[-LIQUIDATIONS:])
