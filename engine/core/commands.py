"""What the trader asks for. A refusal is a sentence: what stands against it, and what to do."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.another import still_obeys
from engine.core.approval import approve, deny, end_by_halt
from engine.core.closing import close_fraction
from engine.core.cycle import Cycle, Rest, key_of
from engine.core.entering import is_busy
from engine.core.entry import cancel_entries, enter, leave, take_back, take_back_rest
from engine.core.events import (
    ALREADY_DONE,
    Adopt,
    Approve,
    Breakeven,
    Commanded,
    Deny,
    Enter,
    Exit,
    Flatten,
    Flip,
    Halt,
    Pause,
    Reduce,
    Release,
    Resume,
    SetStopMode,
    Unpause,
)
from engine.core.flipping import end_flips_by_halt, flip, supersede, withdraw
from engine.core.instrument import Side
from engine.core.limits import floor_of, is_below_floor
from engine.core.positions import adopt, unfit_because
from engine.core.refusal import CommandRefused
from engine.core.releasing import release
from engine.core.settings import StopMode
from engine.core.state import Kill, Step
from engine.core.stops import left_alone, nearest_rest, position_stop, what_protects
from engine.core.sweep import sweep_known
from engine.core.turn import Turn
from engine.core.words import MODE_WORDS, amount, clock, name, percent

REMEMBERED = 500
USED = (
    "A command with this id was done before, and trading is not halted now: nothing was done. Send it with "
    "an id of its own."
)
FOR_ALL = (StopMode.CYCLE_BREAKEVEN, StopMode.PREVIOUS_ENTRY)
"""The modes of one stop for the whole position."""
ON_THE_WAY = (Rest.PLACING, Rest.MOVING, Rest.CANCELLING, Rest.TRIGGERED)


def commanded(turn: Turn, event: Commanded) -> str:
    """Carry out a command once and return what was done. Raises CommandRefused."""
    state = turn.state
    if event.id in state.commands_seen:
        if isinstance(event.command, Halt | Flatten) and state.kill is None:
            raise CommandRefused(USED)
        return ALREADY_DONE
    text = _carry_out(turn, event)
    turn.set(commands_seen=(*turn.state.commands_seen, event.id)[-REMEMBERED:])
    return text


def _carry_out(turn: Turn, event: Commanded) -> str:
    by, command = event.by, event.command
    match command:
        case Enter(symbol):
            text = enter(turn, command, event.id, by)
            supersede(turn, symbol, by)
            return text
        case Exit(symbol):
            text = leave(turn, command, event.id, by)
            supersede(turn, symbol, by)
            return text
        case Flip():
            return flip(turn, command, event.id, by)
        case Halt(reason):
            return _kill(turn, by, reason, flatten=False)
        case Flatten(reason):
            return _kill(turn, by, reason, flatten=True)
        case Resume():
            return _resume(turn, by)
        case Adopt(symbol, side):
            return _adopt(turn, symbol, side)
        case Pause(symbol, side):
            return _pause(turn, _cycle(turn, symbol, side), by)
        case Unpause(symbol, side):
            return _unpause(turn, _cycle(turn, symbol, side), by)
        case SetStopMode(symbol, side, mode):
            return _set_mode(turn, _cycle(turn, symbol, side), mode, by)
        case Breakeven(symbol, side):
            return _set_mode(turn, _cycle(turn, symbol, side), StopMode.CYCLE_BREAKEVEN, by)
        case Reduce(symbol, side, fraction):
            return _reduce(turn, _cycle(turn, symbol, side), fraction, by)
        case Release(symbol, side):
            return _release(turn, _cycle(turn, symbol, side), by)
        case Approve():
            return approve(turn, command, by)
        case Deny():
            return _deny(turn, command, by)
        case _:
            assert_never(command)


def _deny(turn: Turn, command: Deny, by: str) -> str:
    """No, to what asks; to what is on its way: no further. An exit that ends so is followed by no flip."""
    entry = turn.state.entries.get(command.cycle)
    if entry is None or entry.step is Step.ASKING:
        return withdraw(turn, command.cycle, by) or deny(turn, command, by)
    _obeying(turn)
    text = take_back_rest(turn, entry, by)
    if not entry.opens:
        supersede(turn, entry.symbol, by)
    return text


def _cycle(turn: Turn, symbol: str, side: Side) -> Cycle:
    cycle = turn.state.cycles.get(key_of(symbol, side))
    if cycle is None:
        raise CommandRefused(
            f"{symbol} {side.value} is not a managed position. The list of positions tells which are."
        )
    return cycle


def _writable(turn: Turn) -> None:
    if turn.state.read_only:
        raise CommandRefused(f"This engine is read-only: {turn.state.read_only}.")


def _obeying(turn: Turn) -> None:
    """What reduces risk is refused only by an engine that was started to watch."""
    if not still_obeys(turn.state):
        _writable(turn)


def _kill(turn: Turn, by: str, reason: str, *, flatten: bool) -> str:
    """Halt always works, and once: what comes again changes nothing, unless it finds more to cancel or to
    close. Flatten closes what is managed.
    """
    old, cycles = turn.state.kill, turn.state.cycles.values()
    if flatten:
        _obeying(turn)
    if old is not None and not turn.state.working and (not flatten or _is_flattened(old, cycles)):
        return _halted_already(old)
    turn.set(kill=Kill(turn.at, by, reason, flatten=flatten or (old is not None and old.flatten)))
    text = f"Halted: nothing that adds risk. {what_protects(cycles) or 'Nothing is under care.'}"
    if flatten:
        count = len(turn.state.cycles)
        text = f"Halted; closing {count} managed position{'s' if count != 1 else ''} at market until flat."
        for cycle in cycles:
            turn.put(replace(cycle, closing=cycle.closing or "flatten"))
    end_by_halt(turn)
    end_flips_by_halt(turn)
    cancel_entries(turn)
    sweep_known(turn)
    turn.note("kill", Level.URGENT, f"{text} By {by}{f': {reason}' if reason else ''}.")
    return text


def _is_flattened(kill: Kill, cycles: Collection[Cycle]) -> bool:
    return kill.flatten and all(cycle.closing for cycle in cycles)


def _halted_already(kill: Kill) -> str:
    reason = f": {kill.reason}" if kill.reason else ""
    return f"Already halted by {kill.by} at {clock(kill.at)}{reason}. Resume ends it."


def _resume(turn: Turn, by: str) -> str:
    _writable(turn)
    if turn.state.kill is None:
        return "Not halted."
    if any(c.closing == "flatten" for c in turn.state.cycles.values()):
        raise CommandRefused("Flatten is still closing positions; resume when nothing is open.")
    if is_below_floor(turn.state):
        raise CommandRefused(
            f"The equity is below {amount(floor_of(turn.state))} USDT, where the kill switch stays on. If "
            "that is not the floor any more, set reference_equity or kill_below and start the engine again."
        )
    turn.set(kill=None)
    turn.note("kill", Level.URGENT, f"Resumed by {by}. The ladder may add again.")
    return "Resumed: the ladder may add again."


def _adopt(turn: Turn, symbol: str, side: Side) -> str:
    _writable(turn)
    stranger = turn.state.unmanaged.get(key_of(symbol, side))
    if stranger is None:
        raise CommandRefused(
            f"There is no unmanaged {symbol} {side.value}. The list of positions tells what is open."
        )
    reason, can_adopt = unfit_because(turn.state, stranger.position)
    if reason and not can_adopt:
        raise CommandRefused(f"{symbol} {side.value} cannot be adopted: {reason}.")
    adopt(turn, stranger.position)
    return f"{symbol} {side.value} is under care."


def _pause(turn: Turn, cycle: Cycle, by: str) -> str:
    if cycle.paused:
        return f"{name(cycle)} is paused already ({cycle.paused})."
    turn.put(replace(cycle, paused=f"by {by}", approval=None))
    turn.note("paused", Level.MONEY, f"{name(cycle)}: paused by {by}; stops stay.", cycle)
    return f"{name(cycle)} is paused: no more rungs; stops stay."


def _unpause(turn: Turn, cycle: Cycle, by: str) -> str:
    if cycle.barred:
        raise CommandRefused(f"{name(cycle)}: {cycle.barred}. It goes on when that ends on Bitget.")
    if not cycle.paused and not cycle.error:
        return f"{name(cycle)} is not paused."
    turn.put(replace(cycle, paused="", error="", hands_off=False, put_back=0, stops_refused=0, stops_retry=0))
    turn.note("paused", Level.MONEY, f"{name(cycle)}: goes on, by {by}.", cycle)
    return f"{name(cycle)} goes on."


def _set_mode(turn: Turn, cycle: Cycle, mode: StopMode, by: str) -> str:
    _writable(turn)
    if cycle.mode is mode:
        return f"{name(cycle)}: stops are so already: {MODE_WORDS[mode]}."
    turn.put(replace(cycle, mode=mode, loosen=True, hands_off=False, put_back=0))
    change = f"{MODE_WORDS[cycle.mode]} → {MODE_WORDS[mode]}"
    turn.note("stop", Level.MONEY, f"{name(cycle)}: stops: {change}, by {by}.", cycle)
    if not any(leg.locked for leg in cycle.legs):
        return (
            f"{name(cycle)}: stops from the first rung on: {MODE_WORDS[mode]}; until then "
            f"{nearest_rest(cycle)} is the stop."
        )
    beside = left_alone(cycle) if mode in FOR_ALL and position_stop(cycle) is not None else ""
    return f"{name(cycle)}: stops from now on: {MODE_WORDS[mode]}.{beside}"


def _release(turn: Turn, cycle: Cycle, by: str) -> str:
    _writable(turn)
    busy = cycle.rung is not None or cycle.close is not None or bool(cycle.closing)
    if busy or is_busy(turn.state, cycle.symbol) or any(s.state in ON_THE_WAY for s in cycle.stops):
        raise CommandRefused(f"{name(cycle)}: an order or a stop is on its way; try again when it is done.")
    return release(turn, cycle, by)


def _reduce(turn: Turn, cycle: Cycle, fraction: Decimal, by: str) -> str:
    _obeying(turn)
    if not fraction.is_finite() or not 0 < fraction <= 1:
        raise CommandRefused(f"Reduce takes a fraction above 0 % and up to 100 %, not {fraction}.")
    if fraction == 1:
        turn.put(replace(cycle, closing=f"closed by {by}", approval=None))
        take_back(turn, cycle.symbol, cycle.side, by)
        supersede(turn, cycle.symbol, by)
        return f"{name(cycle)}: closing everything at market."
    if cycle.close is not None or turn.at < cycle.close_after:
        raise CommandRefused(f"{name(cycle)}: another close is on its way; try again when it is done.")
    reduced = close_fraction(turn, cycle, fraction, f"asked by {by}")
    if reduced is cycle:
        raise CommandRefused(f"{name(cycle)}: {percent(fraction)} of it is below Bitget's minimum size.")
    turn.put(reduced)
    return f"{name(cycle)}: closing {percent(fraction)} at market."
