"""What a command would do, in numbers, before it is done. The engine checks everything again when it is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from engine.core.words import amount, at_worst, money, percent, price, size
from engine.notify.layout import Told
from engine.protocol import (
    Adopt,
    AnyCommand,
    Breakeven,
    PositionView,
    Reduce,
    Release,
    Resume,
    Snapshot,
    Unpause,
)


def effect(command: AnyCommand, snapshot: Snapshot, position: PositionView | None) -> Told:
    """The card that asks before it acts; `position` is the one that the command names."""
    name = f"{position.side.value.upper()} {position.symbol}" if position is not None else ""
    match command:
        case Reduce(_, _, fraction) if position is not None:
            whole = fraction == 1
            return Told(
                f"{name}: close {'everything' if whole else percent(fraction)}?",
                tuple(_reduced(position, fraction)),
            )
        case Breakeven() if position is not None:
            return Told(f"{name}: one stop at breakeven?", tuple(_breakeven(position)))
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


def _reduced(position: PositionView, fraction: Decimal) -> Iterator[str]:
    qty = position.size * fraction
    whole_lots = qty.quantize(Decimal(1).scaleb(-position.qty_decimals), ROUND_DOWN)
    yield f"Closes about {size(whole_lots)} at market, reduce-only"
    if position.mark is None:
        yield "The mark is unknown right now: no result can be named"
        return
    gain = position.side.d * qty * (position.mark - position.entry)
    yield (
        f"At the mark {price(position.mark)}: {money(gain)} realised before fees, "
        f"about {amount(position.margin * fraction)} margin released"
    )
    if position.worst_case is not None:
        yield f"Worst case now: {at_worst(position.worst_case)}"


def _breakeven(position: PositionView) -> Iterator[str]:
    for stop in position.stops:
        if stop.ours:
            what = "everything" if stop.leg is None else f"leg {stop.leg}"
            yield f"Stop now: {what} at {price(stop.trigger)}"
    if not position.stops:
        yield f"Stop now: none, liquidation at {price(position.liquidation)}"
    if position.breakeven is not None:
        yield f"Stop then: everything at about {price(position.breakeven)}, the cycle's breakeven"
    if position.mark is not None:
        yield f"Mark: {price(position.mark)}"
    if position.rungs == 0:
        yield "Stops begin with the first rung; until then nothing changes"
    if position.worst_case is not None:
        yield f"Worst case now: {at_worst(position.worst_case)}; then about +0.00"


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
    ours = [stop for stop in position.stops if stop.ours]
    for stop in ours:
        what = "everything" if stop.leg is None else f"leg {stop.leg}"
        yield f"Left on Bitget, yours from then on: the stop of {what} at {price(stop.trigger)}"
    if not ours:
        yield f"No stop of ours rests: liquidation at {price(position.liquidation)} is the stop"
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
