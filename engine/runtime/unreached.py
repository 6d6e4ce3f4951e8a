"""The answer of a command while Bitget cannot be reached: that it cannot, what becomes of it, what rests."""

from __future__ import annotations

from engine.core.actions import LookUp, Read
from engine.core.cycle import key_of
from engine.core.decide import Decision
from engine.core.events import AnyCommand, Breakeven, Exit, Flatten, Flip, Halt, Reduce, SetStopMode
from engine.core.state import State
from engine.core.stops import what_protects


def when_unreached(decision: Decision, command: AnyCommand, state: State, why: str) -> str:
    """The answer to a command that was carried out, as far as it can be now."""
    later = _later(decision, command, state)
    if not later:
        return decision.answer
    away = f"Bitget cannot be reached now ({why}): {later}."
    rests = what_protects(state.cycles.values())
    return " ".join(
        each for each in (decision.answer, away, "" if rests in decision.answer else rests) if each
    )


def _later(decision: Decision, command: AnyCommand, state: State) -> str:
    """What happens when Bitget answers again; empty for what needs no answer of Bitget."""
    match command:
        case Reduce(fraction=part) if part < 1:
            return (
                "the order is sent again as soon as it answers; after 40 s without an answer it is dropped, "
                "and you are told"
            )
        case Flatten() | Reduce() | Exit():
            return "the order is sent as soon as it answers, until nothing is held"
        case Breakeven() | SetStopMode() if _has_stops(state, command):
            return "the stops go there as soon as it answers"
        case Halt() | Flip():
            return "what has to be cancelled or closed there is, as soon as it answers"
        case _ if any(not isinstance(work, (Read, LookUp)) for work in decision.actions):
            return "what this sends is looked up there until it is certain"
        case _:
            return ""


def _has_stops(state: State, command: Breakeven | SetStopMode) -> bool:
    """Whether a stop of this position is to rest: before the first rung there is none to move."""
    cycle = state.cycles.get(key_of(command.symbol, command.side))
    return cycle is not None and any(leg.locked for leg in cycle.legs)
