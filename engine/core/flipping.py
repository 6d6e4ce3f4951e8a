"""From one side to the other: the exit begins at once, the entry is kept in mind until the left side is gone.

It is part of the state, so that a crash between the two forgets nothing: what is still new enough then is
entered, what is not is refused and told.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.cycle import key_of
from engine.core.entering import is_busy
from engine.core.entry import enter, entry_id, leave
from engine.core.events import Exit, Flip
from engine.core.instrument import ONE, ZERO
from engine.core.refusal import CommandRefused
from engine.core.state import Flipping
from engine.core.turn import Turn
from engine.core.words import amount

CENT: Final = Decimal("0.01")


def flip(turn: Turn, command: Flip, command_id: str, by: str) -> str:
    """Leave the other side, and keep in mind what follows. Raises CommandRefused; then nothing is left."""
    share = command.share
    if turn.state.read_only:
        raise CommandRefused(f"This engine is read-only: {turn.state.read_only}.")
    if not share.is_finite() or not ZERO < share <= ONE:
        raise CommandRefused(f"A flip takes a share of the free balance above 0 and up to 1, not {share}.")
    wanted = command.entering
    if wanted.margin is not None or wanted.qty is not None:
        raise CommandRefused("The entry of a flip tells neither a margin nor a size: its share does.")
    leaving = Exit(wanted.symbol, wanted.side.opposite, wanted.wait_s, wanted.tries)
    text = leave(turn, leaving, f"{command_id}-exit", by)
    flipping = Flipping(entry_id(command_id), command, by, turn.at)
    turn.set(flips={**turn.state.flips, wanted.symbol: flipping})
    return f"{text[:-1]}, then entering {wanted.side.value}."


def withdraw(turn: Turn, id: str, by: str) -> str:
    """Take back the entry of a flip; empty when there is none of this name."""
    for flipping in turn.state.flips.values():
        if flipping.id == id:
            _drop(turn, flipping)
            _tell(turn, flipping, f"taken back by {by}", Level.MONEY)
            return f"{flipping.command.symbol} {flipping.command.side.value}: not entered."
    return ""


def supersede(turn: Turn, symbol: str, by: str) -> None:
    """Something newer was asked for: what a flip had in mind is not meant any more."""
    if flipping := turn.state.flips.get(symbol):
        _drop(turn, flipping)
        _tell(turn, flipping, f"something newer was asked for, by {by}", Level.MONEY)


def end_flips_by_halt(turn: Turn) -> None:
    """A halt says no to what would add risk; what is being left is left."""
    for flipping in turn.state.flips.values():
        _drop(turn, flipping)
        _tell(turn, flipping, "trading was halted")


def advance_flips(turn: Turn) -> None:
    """Enter where the left side is gone, and give up what has become old."""
    for flipping in turn.state.flips.values():
        waits = _waits_for(turn, flipping)
        if waits is None:
            _enter(turn, flipping)
        elif turn.at >= until(flipping):
            _drop(turn, flipping)
            _tell(turn, flipping, f"{flipping.command.within_s} s are over, and {waits}")


def until(flipping: Flipping) -> int:
    """When its entry is too late."""
    return flipping.since + flipping.command.within_s * 1000


def _waits_for(turn: Turn, flipping: Flipping) -> str | None:
    """Why the entry cannot begin yet; None when it can, unless it is too late."""
    state, symbol, other = turn.state, flipping.command.symbol, flipping.command.side.opposite
    left = key_of(symbol, other)
    if not state.is_reconciled or not state.links.get("private", False):
        return "the account is not known"
    if left in state.cycles or left in state.unmanaged or is_busy(state, symbol):
        return f"the {other.value} is still open"
    if not flipping.gone:
        flipping = replace(flipping, gone=turn.at)
        turn.set(flips={**state.flips, symbol: flipping})
        turn.ask(Reading.BALANCE)
    if state.balance_at <= flipping.gone:
        return "the free balance after the exit is not known"
    if turn.fresh_tick(symbol) is None:
        return "there is no fresh price"
    return "it is too late" if turn.at >= until(flipping) else None


def _enter(turn: Turn, flipping: Flipping) -> None:
    """The entry, as if it had been asked for now; what stands against it is told."""
    command, balance = flipping.command, turn.state.balance
    free = balance.free if balance is not None else ZERO
    margin = (free * command.share).quantize(CENT, ROUND_DOWN)
    _drop(turn, flipping)
    if margin <= ZERO:
        _tell(turn, flipping, f"{command.share} of {amount(free)} USDT of free balance is no margin")
        return
    try:
        entering = replace(command.entering, margin=margin)
        enter(turn, entering, flipping.id, flipping.by, until=until(flipping))
    except CommandRefused as why:
        _tell(turn, flipping, str(why).rstrip("."))


def _drop(turn: Turn, flipping: Flipping) -> None:
    turn.set(flips={symbol: f for symbol, f in turn.state.flips.items() if f.id != flipping.id})


def _tell(turn: Turn, flipping: Flipping, why: str, level: Level = Level.WARNING) -> None:
    command = flipping.command
    text = f"{command.symbol}: the {command.side.value} that {flipping.by} wanted is not entered: {why}."
    turn.note("entry", level, text, symbol=command.symbol, id=flipping.id)
