"""What a choice would do to a position under care, before it is made. Computed by the core's own arithmetic;
nothing is decided or sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.api.port import NothingThere
from engine.core.cycle import Cycle, key_of
from engine.core.instrument import ZERO, Instrument, Side
from engine.core.ledger import by_trader_first, liquidation_of, parts_of, reduce
from engine.core.settings import Ladder, StopMode
from engine.core.state import State
from engine.core.stops import Wanted, is_beyond, resting_stops, wanted_stops, worst_case
from engine.core.words import size
from engine.protocol import ModeView, PreviewView, ReduceView, StopView
from engine.runtime.engine import Engine

PARTS: Final = (Decimal("0.25"), Decimal("0.5"), Decimal("0.75"), Decimal(1))
"""The fractions that are previewed when the client names none."""


def preview_of(engine: Engine, symbol: str, side: Side, parts: tuple[Decimal, ...] = PARTS) -> PreviewView:
    """Every stop mode and every reduce of one cycle, with its worst case. Raises NothingThere."""
    state = engine.state
    cycle = state.cycles.get(key_of(symbol, side))
    if cycle is None or not cycle.held_qty:
        raise NothingThere(
            f"{symbol} {side.value} is not a managed position: the list of positions tells which are"
        )
    tick = engine.prices.of(symbol)
    mark = tick.mark if tick is not None else None
    instrument = state.instruments[symbol]
    return PreviewView(
        symbol=symbol,
        side=side,
        cycle=cycle.id,
        mark=mark,
        mode=cycle.mode,
        worst_case=worst_case(cycle, instrument, resting_stops(cycle)),
        modes=tuple(_mode(state, cycle, instrument, mode, mark) for mode in StopMode),
        reduces=tuple(_reduced(state, cycle, instrument, part, mark) for part in parts or PARTS)
        if mark
        else (),
    )


def _mode(
    state: State, cycle: Cycle, instrument: Instrument, mode: StopMode, mark: Decimal | None
) -> ModeView:
    after = replace(cycle, mode=mode)
    wanted = stops_wanted(after, instrument, state.settings.ladder)
    return ModeView(
        mode=mode,
        worst_case=worst_with(after, instrument, wanted),
        stops=tuple(_stop(after, stop) for stop in wanted),
        at_once=mark is not None and any(is_beyond(cycle.side, mark, stop.trigger) for stop in wanted),
    )


def stops_wanted(cycle: Cycle, instrument: Instrument, ladder: Ladder) -> tuple[Wanted, ...]:
    """Where the stops of this cycle belong."""
    return wanted_stops(cycle, instrument, guard=ladder.guard, hard_stop=ladder.hard_stop)


def worst_with(cycle: Cycle, instrument: Instrument, wanted: tuple[Wanted, ...]) -> Decimal:
    """The worst case once these stops rest, beside the trader's own that rest already."""
    foreign = resting_stops(replace(cycle, stops=()))
    return worst_case(cycle, instrument, [*((stop.trigger, stop.qty) for stop in wanted), *foreign])


def _stop(cycle: Cycle, stop: Wanted) -> StopView:
    leg = next((leg for leg in cycle.legs if leg.number == stop.leg), None)
    qty = cycle.held_qty if stop.qty is None else stop.qty
    result = cycle.side.d * qty * (stop.trigger - (leg.entry if leg else cycle.held_entry))
    return StopView(qty, stop.trigger, stop.why.value, stop.leg, "wanted", False, result, ours=True)


def _reduced(state: State, cycle: Cycle, instrument: Instrument, part: Decimal, mark: Decimal) -> ReduceView:
    """The cycle after `part` of it was closed at the mark, as the core would take it from the legs."""
    qty = cycle.held_qty if part >= 1 else instrument.floor_qty(cycle.held_qty * part)
    fee = instrument.taker * qty * mark
    after = reduce(cycle, parts_of(cycle, qty, by_trader_first(cycle)), price=mark, fee=fee)
    is_flat = not after.held_qty
    refused = ""
    if not is_flat and qty < instrument.min_qty:
        refused = f"{size(qty)} is below Bitget's minimum of {size(instrument.min_qty)}"
    wanted = () if is_flat else stops_wanted(after, instrument, state.settings.ladder)
    return ReduceView(
        fraction=part,
        qty=qty,
        left=after.held_qty,
        result=after.realised - cycle.realised - fee,
        freed=cycle.held_margin - after.held_margin,
        liquidation=ZERO if is_flat else liquidation_of(after, instrument),
        worst_case=(
            after.realised - after.fees + after.funding if is_flat else worst_with(after, instrument, wanted)
        ),
        refused=refused,
    )
