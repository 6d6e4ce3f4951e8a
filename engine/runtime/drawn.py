"""Positions as a client draws them, open and ended: what no price moves is worked out once for each value of
a cycle.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.brought import whose
from engine.core.cycle import Cycle, Leg, Rest, Stop, key_of
from engine.core.exchange import OrderKind, Tick
from engine.core.instrument import ZERO, Instrument, decimals
from engine.core.ladder import add_margin, after_rung, bank_parts
from engine.core.ledger import breakeven, liquidation_in_force, net_so_far, size_of
from engine.core.margin import unrealised
from engine.core.shield import untold_because
from engine.core.state import State, Unmanaged
from engine.core.stops import foreign_stops, resting_stops, wanted_stops, worst_case
from engine.protocol import ClosedView, LegView, NextRungView, PositionView, StopView
from engine.runtime.drill import STRANGER, if_machine_dies

WORD = {
    OrderKind.POS_LOSS: "stop",
    OrderKind.LOSS_PLAN: "stop",
    OrderKind.POS_PROFIT: "take-profit",
    OrderKind.PROFIT_PLAN: "take-profit",
    OrderKind.MOVING_PLAN: "trailing-stop",
    OrderKind.TRACK_PLAN: "trailing-stop",
}
"""What the kinds of others' orders are to the trader."""
STALE_MS = 10_000
"""A mark older than this is not a price any more."""


def share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


class Still:
    """The positions under care without their prices, and the ended ones, as they were drawn last."""

    def __init__(self) -> None:
        self._ended: tuple[tuple[Cycle, ...], tuple[ClosedView, ...]] = ((), ())
        self._drawn: dict[str, tuple[tuple[object, ...], PositionView]] = {}

    def __repr__(self) -> str:
        return f"<Still {len(self._drawn)} positions>"

    def views(self, state: State) -> dict[str, PositionView]:
        """Each cycle's view, by its key in the state. Everything that a view is made of is frozen: as long
        as it is the same, so is the view.
        """
        before, self._drawn = self._drawn, {}
        for key, cycle in state.cycles.items():
            placed = state.brought.get(key)
            of = (cycle, state.instruments[cycle.symbol], state.settings.ladder, state.balance, placed)
            known = before.get(key)
            is_same = known is not None and all(new is old for new, old in zip(of, known[0], strict=True))
            self._drawn[key] = known if known is not None and is_same else (of, _still(state, cycle))
        return {key: view for key, (_, view) in self._drawn.items()}

    def closed(self, state: State) -> tuple[ClosedView, ...]:
        """The cycles that ended, newest first."""
        if self._ended[0] is not state.closed:
            self._ended = state.closed, tuple(_closed(cycle) for cycle in reversed(state.closed))
        return self._ended[1]


def priced(still: PositionView, tick: Tick | None, at: int) -> PositionView:
    """A position with what the price says of it."""
    mark, age = _mark(tick, at)
    gain = unrealised(still.side, still.size, still.entry, mark) if mark is not None else None
    distance = abs(mark - still.liquidation) if mark is not None and still.liquidation else None
    return replace(
        still,
        mark=mark,
        last=tick.last if tick is not None and mark is not None else None,
        mark_age_ms=age,
        unrealized_pnl=gain,
        unrealized_return=share(gain, still.margin),
        distance=share(distance, mark),
        distance_usdt=distance,
    )


def _still(state: State, cycle: Cycle) -> PositionView:
    instrument = state.instruments[cycle.symbol]
    liquidation = liquidation_in_force(cycle, instrument)
    worst = worst_case(cycle, instrument, resting_stops(cycle)) if cycle.held_qty else ZERO
    return PositionView(
        key=key_of(cycle.symbol, cycle.side),
        cycle=cycle.id,
        managed=True,
        can_adopt=False,
        symbol=cycle.symbol,
        side=cycle.side,
        entry=cycle.held_entry,
        mark=None,
        last=None,
        mark_age_ms=None,
        size=cycle.held_qty,
        margin=cycle.held_margin,
        leverage=cycle.seen.leverage,
        unrealized_pnl=None,
        unrealized_return=None,
        liquidation=liquidation,
        distance=None,
        distance_usdt=None,
        status=cycle.status,
        reason=cycle.reason,
        blocked=untold_because(cycle) if cycle.is_untold else cycle.blocked or _spent(cycle),
        rungs=cycle.rungs,
        next_rung=_next_rung(state, cycle, instrument),
        worst_case=worst,
        risk_free=bool(cycle.held_qty) and worst >= ZERO,
        funding=cycle.funding,
        fees=cycle.fees,
        realized=cycle.realised,
        breakeven=instrument.stop_price(breakeven(cycle, instrument), cycle.side) if cycle.held_qty else None,
        stop_mode=cycle.mode,
        legs=tuple(_leg(cycle, leg) for leg in cycle.legs),
        stops=_stops(state, cycle),
        opened=cycle.opened,
        if_machine_dies=if_machine_dies(state, cycle, worst),
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )


def _mark(tick: Tick | None, at: int) -> tuple[Decimal | None, int | None]:
    if tick is None:
        return None, None
    age = max(at - tick.arrived, 0)
    return (tick.mark if age <= STALE_MS else None), age


def _leg(cycle: Cycle, leg: Leg) -> LegView:
    protecting = next(
        (s for s in cycle.stops if s.leg in (leg.number, None) and s.state in (Rest.RESTING, Rest.MOVING)),
        None,
    )
    others = [trigger for trigger, order in foreign_stops(cycle) if order.qty is None]
    return LegView(
        number=leg.number,
        qty=leg.qty,
        entry=leg.entry,
        leverage=leg.leverage,
        margin=leg.margin * leg.qty / leg.opened_qty,
        stop=protecting.trigger if protecting else next(iter(others), None),
        by=leg.by.value,
        locked=leg.locked,
    )


def _stops(state: State, cycle: Cycle) -> tuple[StopView, ...]:
    """What rests, ours and others', nearest first; `result` by the leg's own entry, for everything
    by the average.
    """
    views = [_stop(cycle, stop) for stop in cycle.stops if stop.state is not Rest.GONE]
    for order in cycle.foreign:
        if order.trigger is None:
            continue
        qty = cycle.held_qty if order.qty is None else order.qty
        result = cycle.side.d * qty * (order.trigger - cycle.held_entry)
        why = f"{whose(state, order)} {WORD.get(order.kind, 'plan')}"
        views.append(StopView(qty, order.trigger, why, None, "resting", True, result, ours=False))
    return tuple(sorted(views, key=lambda view: -cycle.side.d * view.trigger))


def _stop(cycle: Cycle, stop: Stop) -> StopView:
    leg = next((leg for leg in cycle.legs if leg.number == stop.leg), None)
    qty = cycle.held_qty if stop.qty is None else stop.qty
    entry = leg.entry if leg else cycle.held_entry
    result = cycle.side.d * qty * (stop.trigger - entry)
    return StopView(
        qty, stop.trigger, stop.why.value, stop.leg, stop.state.value, stop.confirmed, result, ours=True
    )


def _spent(cycle: Cycle) -> str:
    """Why nothing is armed after a rung that was not run or added nothing; empty while there is another
    reason or none.
    """
    idle = cycle.rung is None and cycle.approval is None and cycle.close is None
    if not cycle.legs or not idle or cycle.front.number > cycle.fired:
        return ""
    return f"leg {cycle.front.number} had its rung; the next needs a leg of yours"


def _next_rung(state: State, cycle: Cycle, instrument: Instrument) -> NextRungView | None:
    """What the armed rung would do if it filled exactly at its trigger."""
    armed, ladder = cycle.armed, state.settings.ladder
    if armed is None or not cycle.legs:
        return None
    equity = state.balance.equity if state.balance else None
    after = after_rung(
        cycle, ladder, instrument, price=armed.trigger, leverage=cycle.seen.leverage, equity=equity
    )
    stops = wanted_stops(after, instrument, guard=ladder.guard)
    return NextRungView(
        armed.number,
        armed.trigger,
        size_of(bank_parts(cycle, ladder, instrument)),
        add_margin(cycle, ladder, equity),
        worst_case(after, instrument, [(s.trigger, s.qty) for s in stops]),
    )


def unmanaged(stranger: Unmanaged, state: State) -> PositionView:
    """A position that is not under care, without its price."""
    position = stranger.position
    instrument = state.instruments.get(position.symbol)
    return PositionView(
        key=key_of(position.symbol, position.side),
        cycle="",
        managed=False,
        can_adopt=stranger.can_adopt,
        symbol=position.symbol,
        side=position.side,
        entry=position.entry,
        mark=None,
        last=None,
        mark_age_ms=None,
        size=position.qty,
        margin=position.margin,
        leverage=position.leverage,
        unrealized_pnl=None,
        unrealized_return=None,
        liquidation=position.liquidation,
        distance=None,
        distance_usdt=None,
        status=None,
        reason=stranger.reason,
        blocked="",
        rungs=0,
        next_rung=None,
        worst_case=None,
        risk_free=False,
        funding=ZERO,
        fees=ZERO,
        realized=ZERO,
        breakeven=None,
        stop_mode=None,
        legs=(),
        stops=(),
        opened=position.opened,
        if_machine_dies=STRANGER,
        price_decimals=decimals(instrument.tick) if instrument else 4,
        qty_decimals=decimals(instrument.lot) if instrument else 4,
    )


def _closed(cycle: Cycle) -> ClosedView:
    return ClosedView(
        cycle.id,
        cycle.symbol,
        cycle.side,
        cycle.opened,
        cycle.closed,
        cycle.closed_reason,
        cycle.rungs,
        net_so_far(cycle),
        cycle.fees,
        cycle.funding,
        cycle.exit_price,
    )
