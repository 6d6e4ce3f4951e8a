"""A position under care is let go: the cycle ends, the position and its stops stay, and are the trader's."""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.cycle import Cycle, Rest, key_of
from engine.core.ledger import net_so_far
from engine.core.positions import KEPT_CLOSED, leave_alone, moment_of_end
from engine.core.turn import Turn
from engine.core.words import count, money, name, price


def release(turn: Turn, cycle: Cycle, by: str) -> str:
    """End the cycle and leave its position alone. Nothing is sent: what rests keeps resting."""
    stops = [stop for stop in cycle.stops if stop.state is Rest.RESTING]
    ended = replace(
        cycle,
        closed=moment_of_end(turn),
        closed_reason=f"released by {by}",
        armed=None,
        approval=None,
        stops=(),
        foreign=(),
        doubt=None,
    )
    state = turn.state
    turn.set(
        cycles={k: c for k, c in state.cycles.items() if k != key_of(cycle.symbol, cycle.side)},
        closed=(*state.closed, ended)[-KEPT_CLOSED:],
        pending={k: p for k, p in state.pending.items() if p.cycle != cycle.id},
    )
    leave_alone(turn, cycle.seen, f"released by {by}", cycle.id)
    turn.ask(Reading.POSITIONS, Reading.ORDERS)
    where = ", ".join(price(stop.trigger) for stop in stops)
    verbs = ("stays", "is") if len(stops) == 1 else ("stay", "are")
    left = f"{count(len(stops), 'stop')} at {where} {verbs[0]} on Bitget and {verbs[1]} yours now"
    text = f"{name(cycle)} is released by {by}: Ratchet does nothing to it any more; "
    text += f"{left if stops else 'no stop of ours rests'}."
    turn.note("released", Level.MONEY, f"{text} So far {money(net_so_far(cycle))}.", ended)
    return text
