"""The trader's answer: yes, half, or no, to a rung, an entry or an adoption. A yes is checked again with the
price of now; the first answer counts, whichever door it came through.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.asking import is_inside, over_because, share_of
from engine.core.cycle import Approval, Cycle, key_of
from engine.core.entering import fit, least
from engine.core.entry import begin, drop
from engine.core.events import Approve, Deny
from engine.core.exchange import Tick
from engine.core.positions import adopt, leave_alone, unfit_because
from engine.core.preconditions import blocked_because
from engine.core.refusal import CommandRefused
from engine.core.rung import start
from engine.core.state import Entry, Step, Unmanaged
from engine.core.turn import Turn
from engine.core.words import name, price, size

Asks = Cycle | Entry | Unmanaged
"""What can ask."""


def approve(turn: Turn, command: Approve, by: str) -> str:
    """Yes. Raises CommandRefused with what stands against it now; the question then still waits."""
    asks = _asking(turn, command.cycle, command.rung)
    match asks:
        case Cycle():
            return _run(turn, asks, by, half=command.half)
        case Entry():
            return _enter(turn, asks, by, half=command.half)
        case Unmanaged():
            return _adopt(turn, asks, by, half=command.half)


def deny(turn: Turn, command: Deny, by: str) -> str:
    """No."""
    asks = _asking(turn, command.cycle, command.rung)
    match asks:
        case Cycle():
            _told(turn, asks, f"rung {command.rung} denied by {by}")
            fired = asks.approval.front if asks.approval else asks.fired
            turn.put(replace(asks, approval=None, fired=fired, armed=None))
            return f"{name(asks)}: this rung will not run."
        case Entry():
            _told(turn, asks, f"entry denied by {by}")
            drop(turn, asks)
            return f"{asks.symbol} {asks.side.value}: not entered."
        case Unmanaged(position):
            _told(turn, asks, f"adoption denied by {by}")
            leave_alone(turn, position, f"you said no ({by})")
            return f"{position.symbol} {position.side.value} stays as it is."


def end_by_halt(turn: Turn) -> None:
    """A halt says no to every question that adds risk. A rung asks again after it, an entry does not."""
    for cycle in turn.state.cycles.values():
        if cycle.approval is not None:
            _told(turn, cycle, f"rung {cycle.approval.rung} is not run: trading was halted", Level.WARNING)
            turn.put(replace(cycle, approval=None))
    for entry in turn.state.entries.values():
        if entry.step is Step.ASKING:
            _told(turn, entry, "not entered: trading was halted", Level.WARNING)
            drop(turn, entry)


def expire_questions(turn: Turn) -> None:
    """What was not answered in time, or whose ground has moved, is a no. Rungs end on their cycles."""
    for entry in turn.state.entries.values():
        if entry.approval is not None and (why := _gone_because(turn, entry)):
            _told(turn, entry, f"not entered: {why}", Level.WARNING)
            drop(turn, entry)
    for stranger in turn.state.unmanaged.values():
        position, approval = stranger.position, stranger.approval
        if approval is not None and (why := over_because(turn, position.symbol, approval)):
            _told(turn, stranger, f"not taken under care: {why}", Level.WARNING)
            leave_alone(turn, position, why)


def _gone_because(turn: Turn, entry: Entry) -> str:
    cycle = turn.state.cycles.get(key_of(entry.symbol, entry.side))
    if entry.onto != (cycle.id if cycle is not None else ""):
        return "the position has changed since"
    return over_because(turn, entry.symbol, entry.approval) if entry.approval else ""


def _asking(turn: Turn, id: str, rung: int) -> Asks:
    """Who asks under this name. Raises CommandRefused."""
    state = turn.state
    for cycle in state.cycles.values():
        if cycle.id == id and cycle.approval is not None and cycle.approval.rung == rung:
            return cycle
    entry = state.entries.get(id)
    if entry is not None and entry.approval is not None and not rung:
        return entry
    for stranger in state.unmanaged.values():
        if stranger.approval is not None and stranger.approval.id == id and not rung:
            return stranger
    raise CommandRefused(
        "Nothing waits for this answer: it was answered, it expired, or the price left its band."
    )


def _still(turn: Turn, symbol: str, approval: Approval | None, what: str) -> Tick:
    """The price of now, inside the band and in time. Raises CommandRefused."""
    tick = turn.fresh_tick(symbol)
    if tick is None or approval is None:
        raise CommandRefused(f"{what}: there is no fresh price; it still waits.")
    if not is_inside(approval, tick.mark):
        raise CommandRefused(f"{what}: the mark {price(tick.mark)} has left the band of this approval.")
    if turn.at >= approval.expires:
        raise CommandRefused(f"{what}: this has expired; nothing was done.")
    return tick


def _run(turn: Turn, cycle: Cycle, by: str, *, half: bool) -> str:
    tick = _still(turn, cycle.symbol, cycle.approval, name(cycle))
    share = share_of(half=half)
    if reason := blocked_because(turn, cycle, tick, share):
        raise CommandRefused(f"{name(cycle)}: {reason}.")
    number = cycle.approval.rung if cycle.approval else 0
    _told(turn, cycle, f"rung {number} approved{' at half its add' if half else ''} by {by}")
    turn.put(start(turn, cycle, tick.mark, share))
    return f"{name(cycle)}: rung {number} is under way{', with half its add' if half else ''}."


def _enter(turn: Turn, entry: Entry, by: str, *, half: bool) -> str:
    """The size that was shown is the size that is entered, or half of it."""
    what = f"{entry.symbol} {entry.side.value}"
    tick = _still(turn, entry.symbol, entry.approval, what)
    if (why := _gone_because(turn, entry)) or entry.command is None:
        raise CommandRefused(f"{what}: {why}.")
    instrument = turn.instrument(entry.symbol)
    qty = instrument.floor_qty(entry.want * share_of(half=half))
    if half and not instrument.is_tradable(qty, tick.mark):
        raise CommandRefused(f"{what}: half of it, {size(qty)}, is below {least(instrument, tick.mark)}.")
    again = replace(entry.command, qty=qty, margin=None, leverage=entry.leverage)
    checked = fit(turn, again, but=entry.id)
    _told(turn, entry, f"entry approved{' at half its size' if half else ''} by {by}")
    approved = f"{entry.by}, approved by {by}"
    if checked.cycle is None:
        key = key_of(entry.symbol, entry.side)
        turn.set(approved={**turn.state.approved, key: entry.id})
    return begin(turn, replace(entry, want=checked.qty, command=again, by=approved))


def _adopt(turn: Turn, stranger: Unmanaged, by: str, *, half: bool) -> str:
    position = stranger.position
    what = f"{position.symbol} {position.side.value}"
    if half:
        raise CommandRefused(f"{what}: a position is adopted whole; say yes or no.")
    if turn.state.read_only:
        raise CommandRefused(f"This engine is read-only: {turn.state.read_only}.")
    reason, can_adopt = unfit_because(turn.state, position)
    if reason and not can_adopt:
        raise CommandRefused(f"{what} cannot be adopted: {reason}.")
    _told(turn, stranger, f"adoption approved by {by}")
    adopt(turn, position)
    return f"{what} is under care."


def _told(turn: Turn, asks: Asks, text: str, level: Level = Level.MONEY) -> None:
    """How a question ended, under the name by which it was asked."""
    match asks:
        case Cycle():
            turn.note("approval", level, f"{name(asks)}: {text}.", asks, approval=asks.id)
        case Entry():
            told = f"{asks.symbol} {asks.side.value}: {text}."
            turn.note("approval", level, told, symbol=asks.symbol, approval=asks.id)
        case Unmanaged(position, approval=approval):
            told = f"{position.symbol} {position.side.value}: {text}."
            id = approval.id if approval else ""
            turn.note("approval", level, told, symbol=position.symbol, approval=id)
