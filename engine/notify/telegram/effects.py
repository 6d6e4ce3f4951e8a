"""What a command would do, in numbers, before it is done. The engine checks everything again when it is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from engine.core.instrument import ZERO
from engine.core.words import amount, at_worst, money, percent, price, size
from engine.notify.layout import Told
from engine.protocol import (
    Adopt,
    AnyCommand,
    Breakeven,
    Coming,
    Deny,
    EntryView,
    FlipView,
    PositionView,
    PreviewView,
    Reduce,
    Release,
    Resume,
    Snapshot,
    StopMode,
    StopView,
    Unpause,
)

PRESS_WITHIN: Final = "Press within"
"""How the line begins that tells until when a card may be pressed; it goes when the card is answered."""


def cannot(command: AnyCommand, of: PositionView | Coming, ahead: PreviewView | None) -> str:
    """Why the engine would not do it, as it follows the name of what it is about, where that is known before
    anybody presses; empty when nothing is.
    """
    if isinstance(of, EntryView):
        is_done = of.taken_back and (of.closes or isinstance(command, Deny))
        return f"is being taken back already, by {of.taken_back}" if is_done else ""
    if isinstance(of, FlipView):
        return ""
    match command:
        case Adopt() if not of.can_adopt:
            return f"cannot be taken under care: {of.reason}"
        case Breakeven() if of.stop_mode is StopMode.CYCLE_BREAKEVEN:
            return "has its stop at the cycle's breakeven already"
        case Reduce() if ahead is not None and ahead.reduces and ahead.reduces[0].refused:
            return f"cannot lose so little: {ahead.reduces[0].refused}"
        case _:
            return ""


def effect(
    command: AnyCommand, snapshot: Snapshot, of: PositionView | Coming | None, ahead: PreviewView | None
) -> Told:
    """The card that asks before it acts. `of` is the position that the command names, or what is taken back
    of all that is on its way, `ahead` what the engine makes of it, where it is under care.
    """
    name = f"{of.side.value.upper()} {of.symbol}" if of is not None else ""
    if isinstance(of, FlipView):
        return Told(f"{name}: do not enter it?", tuple(_not_entered(of)))
    if isinstance(of, EntryView) and isinstance(command, Deny):
        return Told(f"{name}: take back the rest?", tuple(_rest_taken_back(of)))
    if isinstance(of, EntryView):
        return Told(f"{name}: take the entry back and close it?", tuple(_all_taken_back(of)))
    position = of
    match command:
        case Reduce(_, _, fraction) if position is not None and ahead is not None:
            what = "everything" if fraction == 1 else percent(fraction)
            lines = (*_reduced(position, fraction, ahead), *_with_it(snapshot, position, fraction))
            return Told(f"{name}: close {what}?", lines)
        case Breakeven() if position is not None and ahead is not None:
            return Told(f"{name}: one stop at breakeven?", tuple(_breakeven(position, ahead)))
        case Adopt() if position is not None:
            return Told(f"{name}: take it under care?", tuple(_adopted(position)))
        case Release() if position is not None:
            return Told(f"{name}: let it go?", tuple(_released(position)))
        case Unpause() if position is not None:
            return Told(f"{name}: scale it again?", tuple(_unpaused(position)))
        case Resume():
            return Told("End the halt?", tuple(_resumed(snapshot)))
        case _:
            return Told("Do it?", ())


def _reduced(position: PositionView, fraction: Decimal, ahead: PreviewView) -> Iterator[str]:
    if position.mark is None or not ahead.reduces:
        yield f"Closes {percent(fraction)} of {size(position.size)} at market, reduce-only"
        yield "The mark is unknown right now: no result can be named"
        return
    [then] = ahead.reduces
    yield f"Closes {size(then.qty)} at market, reduce-only"
    yield (
        f"At the mark {price(position.mark)}: {money(then.result)} after the fee, "
        f"{amount(then.freed)} margin comes free"
    )
    if then.left:
        yield f"Left: {size(then.left)}, liquidation {price(then.liquidation)}"
        yield f"Worst case: {at_worst(ahead.worst_case)} → {at_worst(then.worst_case)}"
    else:
        yield f"The cycle then ends with about {money(then.worst_case)}; its stops go with it"
        yield f"Worst case now: {at_worst(ahead.worst_case)}"


def _with_it(snapshot: Snapshot, position: PositionView, fraction: Decimal) -> Iterator[str]:
    """The entry on its way that closing everything takes back, too."""
    for entry in snapshot.entries:
        if fraction == 1 and entry.opens and (entry.symbol, entry.side) == (position.symbol, position.side):
            yield f"The entry on its way is taken back: {entry.told}"


def _on_its_way(of: Coming) -> Iterator[str]:
    yield f"On its way: {of.told}"
    yield f"Asked for by {of.by}"
    if isinstance(of, EntryView):
        yield f"Cancels {size(of.left)} of {size(of.want)}"


def _filled(entry: EntryView) -> str:
    """What it has filled, and what may cross the cancel."""
    done = f"The {size(entry.filled)} it has filled and what" if entry.filled else "What"
    return f"{done} fills before that"


def _rest_taken_back(entry: EntryView) -> Iterator[str]:
    yield from _on_its_way(entry)
    yield f"{_filled(entry)} stays" if entry.opens else "What is still held stays"


def _all_taken_back(entry: EntryView) -> Iterator[str]:
    """Nothing of its side is held yet, as far as Bitget has shown."""
    yield from _on_its_way(entry)
    yield f"{_filled(entry)} is closed at market"
    yield f"/deny {entry.symbol} takes back only the rest"


def _not_entered(flip: FlipView) -> Iterator[str]:
    yield from _on_its_way(flip)
    yield f"The {flip.side.opposite.value} is closed all the same"


def _breakeven(position: PositionView, ahead: PreviewView) -> Iterator[str]:
    """Also when it would close at once, or change nothing yet."""
    then = next(each for each in ahead.modes if each.mode is StopMode.CYCLE_BREAKEVEN)
    for stop in position.stops:
        yield f"Stop now: {_whole(stop)} at {price(stop.trigger)}"
    if not position.stops:
        yield f"Stop now: none, liquidation at {price(position.liquidation)}"
    if not then.stops:
        yield "Nothing changes yet: stops begin with the first rung"
        yield "From then on: one stop for everything at the cycle's breakeven"
        return
    for stop in then.stops:
        yield f"Stop then: {_whole(stop)} at {price(stop.trigger)} ({stop.why})"
    if not then.at_once:
        yield f"Mark: {'unknown' if position.mark is None else price(position.mark)}"
        yield f"Worst case: {at_worst(ahead.worst_case)} → {at_worst(then.worst_case)}"
        return
    yield f"⚠️ The mark {price(ahead.mark or ZERO)} has passed it: everything is closed at market at once"
    for closed in ahead.reduces:
        yield f"That is {money(closed.result)} after the fee; the cycle ends with {money(closed.worst_case)}"


def _whole(stop: StopView) -> str:
    """What a stop closes, and whose it is when it is not the ladder's."""
    what = "everything" if stop.leg is None else f"leg {stop.leg}"
    return what if stop.ours else f"{what} ({stop.why})"


def _adopted(position: PositionView) -> Iterator[str]:
    yield (
        f"Entry {price(position.entry)}, {size(position.size)}, margin {amount(position.margin)} at "
        f"{size(position.leverage)}x"
    )
    yield f"Liquidation {price(position.liquidation)}"
    if position.unrealized_pnl is not None:
        yield f"Unrealised {money(position.unrealized_pnl)}"
    yield f"Not managed so far: {position.reason}"
    yield "The ladder may then add to it and places its stops"


def _released(position: PositionView) -> Iterator[str]:
    """Which stops are left, and that nobody looks after them."""
    yield "Ratchet does nothing to it any more: no rung, no stop moved, nothing closed"
    for stop in position.stops:
        then = "yours from then on" if stop.ours else "as now"
        yield f"Left on Bitget, {then}: the stop of {_whole(stop)} at {price(stop.trigger)}"
    if not position.stops:
        yield f"No stop rests: liquidation at {price(position.liquidation)} is the stop"
    if position.worst_case is not None:
        yield f"Worst case: {at_worst(position.worst_case)}, as now"
    yield "/adopt takes it under care again; until this position ends it is not taken by itself"


def _unpaused(position: PositionView) -> Iterator[str]:
    if position.reason:
        yield f"Paused: {position.reason}"
    rung = position.next_rung
    if rung is not None:
        yield f"Rung {rung.number} at {price(rung.trigger)} then adds {amount(rung.add_margin)} USDT margin"
    yield "The ladder may then add to it again"


def _resumed(snapshot: Snapshot) -> Iterator[str]:
    yield f"Halted {snapshot.engine.killed}" if snapshot.engine.killed else "It is not halted"
    for limit in snapshot.limits:
        if limit.hit:
            yield f"Limit reached: {limit.name}, {limit.now}, limit {limit.limit}"
    yield "The ladder may then add again"
