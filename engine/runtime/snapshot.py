"""From the state and the newest prices to what a client draws. Nothing here decides anything."""

from __future__ import annotations

from decimal import Decimal

from engine.core.cycle import Cycle, Leg, Rest, Stop, key_of
from engine.core.exchange import Tick
from engine.core.flipping import until
from engine.core.ids import is_ours
from engine.core.instrument import ZERO, Instrument, decimals
from engine.core.ladder import add_margin, after_rung, bank_parts
from engine.core.ledger import breakeven, liquidation_in_force, net_so_far, size_of
from engine.core.limits import day_result, week_result
from engine.core.margin import unrealised
from engine.core.settings import Rungs
from engine.core.shield import untold_because
from engine.core.state import Flipping, Knowledge, State, Unmanaged
from engine.core.stops import resting_stops, wanted_stops, worst_case
from engine.core.words import amount, percent, worse
from engine.protocol import (
    AccountView,
    ClosedView,
    EngineView,
    FlipView,
    LegView,
    LimitView,
    Mode,
    NextRungView,
    OrderView,
    PositionView,
    Snapshot,
    StopView,
    UnknownView,
)
from engine.runtime.approvals import approvals_of
from engine.runtime.drill import STRANGER, if_machine_dies
from engine.runtime.engine import Engine

STALE_MS = 10_000
"""A mark older than this is not a price any more."""


def snapshot_of(engine: Engine, mode: Mode) -> Snapshot:
    """Everything a screen draws, now."""
    state, at = engine.state, engine.now()
    ticks = {tick.symbol: tick for tick in engine.prices.newest()}
    positions = tuple(
        [_managed(state, cycle, ticks.get(cycle.symbol), at) for cycle in state.cycles.values()]
        + [_unmanaged(u, ticks.get(u.position.symbol), at, state) for u in state.unmanaged.values()]
    )
    account = _account_view(engine, positions)
    return Snapshot(
        version=engine.change,
        engine=_engine_view(engine, mode, at),
        links=engine.links.views(engine.venue),
        account=account,
        positions=positions,
        approvals=approvals_of(state),
        limits=_limits(state, account),
        unknown=_unknown(state),
        closed=tuple(_closed(cycle) for cycle in reversed(state.closed)),
        log=engine.log.lines(),
        flips=tuple(_flip(each) for each in state.flips.values()),
    )


def _engine_view(engine: Engine, mode: Mode, at: int) -> EngineView:
    state, kill = engine.state, engine.state.kill
    return EngineView(
        version=engine.version,
        account=state.settings.account,
        mode=mode,
        started=engine.started,
        now=at,
        market=engine.venue.market_ms(),
        reconciled=state.is_reconciled,
        unread=(*state.unread, "trades") if state.untold else state.unread,
        killed="" if kill is None else f"by {kill.by}{f': {kill.reason}' if kill.reason else ''}",
        killed_at=0 if kill is None else kill.at,
        flattening=kill is not None and any(c.closing == "flatten" for c in state.cycles.values()),
        read_only=state.read_only or engine.unrecorded,
        auto=state.settings.ladder.rungs is Rungs.AUTO,
        hindered=state.hindered,
        pending=len(state.pending),
        unwritten=engine.unwritten,
        unrecorded=bool(engine.unrecorded),
    )


def _account_view(engine: Engine, positions: tuple[PositionView, ...]) -> AccountView:
    """The account strip. The equity is the one last read, moved along with the marks since then."""
    state = engine.state
    balance, cycles = state.balance, list(state.cycles.values())
    drift = sum((p.side.d * p.size * engine.prices.moved(p.symbol) for p in positions), ZERO)
    equity = balance.equity + drift if balance else None
    day, week = day_result(state), week_result(state)
    day = None if day is None else day + drift
    week = None if week is None else week + drift
    margin = sum((p.margin for p in positions), ZERO)
    notional = sum((p.size * (p.mark or p.entry) for p in positions), ZERO)
    worst = [worse(p.worst_case) for p in positions if p.managed and p.worst_case is not None]
    return AccountView(
        equity=equity,
        free=balance.free if balance else None,
        day_pnl=day,
        day_return=_share(day, state.day.day_equity),
        week_pnl=week,
        week_return=_share(week, state.day.week_equity),
        worst_case=sum(worst, ZERO),
        deployed=_share(margin, equity),
        leverage=_share(notional, equity),
        funding=sum((c.funding for c in cycles), ZERO),
        cycles=len(cycles),
        max_cycles=state.settings.limits.max_cycles,
        risk_free=sum(1 for p in positions if p.risk_free),
    )


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


def _managed(state: State, cycle: Cycle, tick: Tick | None, at: int) -> PositionView:
    instrument = state.instruments[cycle.symbol]
    mark, age = _mark(tick, at)
    liquidation = liquidation_in_force(cycle, instrument)
    worst = worst_case(cycle, instrument, resting_stops(cycle)) if cycle.held_qty else ZERO
    gain = unrealised(cycle.side, cycle.held_qty, cycle.held_entry, mark) if mark is not None else None
    distance = abs(mark - liquidation) if mark is not None and liquidation else None
    return PositionView(
        key=key_of(cycle.symbol, cycle.side),
        cycle=cycle.id,
        managed=True,
        can_adopt=False,
        symbol=cycle.symbol,
        side=cycle.side,
        entry=cycle.held_entry,
        mark=mark,
        last=tick.last if tick is not None and mark is not None else None,
        mark_age_ms=age,
        size=cycle.held_qty,
        margin=cycle.held_margin,
        leverage=cycle.seen.leverage,
        unrealized_pnl=gain,
        unrealized_return=_share(gain, cycle.held_margin),
        liquidation=liquidation,
        distance=_share(distance, mark),
        distance_usdt=distance,
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
        stops=_stops(cycle),
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
    return LegView(
        number=leg.number,
        qty=leg.qty,
        entry=leg.entry,
        leverage=leg.leverage,
        margin=leg.margin * leg.qty / leg.opened_qty,
        stop=protecting.trigger if protecting else None,
        by=leg.by.value,
        locked=leg.locked,
    )


def _stops(cycle: Cycle) -> tuple[StopView, ...]:
    """What rests, ours and others', nearest first; `result` by the leg's own entry, for everything
    by the average.
    """
    views = [_stop(cycle, stop) for stop in cycle.stops if stop.state is not Rest.GONE]
    for order in cycle.foreign:
        if order.trigger is None:
            continue
        qty = cycle.held_qty if order.qty is None else order.qty
        result = cycle.side.d * qty * (order.trigger - cycle.held_entry)
        whose = "another Ratchet's" if is_ours(order.client_id) else "trader's"
        views.append(
            StopView(qty, order.trigger, f"{whose} {order.kind.value}", None, "resting", True, result, False)
        )
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


def _unmanaged(stranger: Unmanaged, tick: Tick | None, at: int, state: State) -> PositionView:
    position = stranger.position
    mark, age = _mark(tick, at)
    gain = unrealised(position.side, position.qty, position.entry, mark) if mark is not None else None
    distance = abs(mark - position.liquidation) if mark is not None and position.liquidation else None
    instrument = state.instruments.get(position.symbol)
    return PositionView(
        key=key_of(position.symbol, position.side),
        cycle="",
        managed=False,
        can_adopt=stranger.can_adopt,
        symbol=position.symbol,
        side=position.side,
        entry=position.entry,
        mark=mark,
        last=tick.last if tick is not None and mark is not None else None,
        mark_age_ms=age,
        size=position.qty,
        margin=position.margin,
        leverage=position.leverage,
        unrealized_pnl=gain,
        unrealized_return=_share(gain, position.margin),
        liquidation=position.liquidation,
        distance=_share(distance, mark),
        distance_usdt=distance,
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


def _limits(state: State, account: AccountView) -> tuple[LimitView, ...]:
    """The limits beside the same equity and result as the account strip shows."""
    limits, result, equity = state.settings.limits, account.day_pnl, account.equity
    loss = amount(max(ZERO, -result)) if result is not None else "unknown"
    floor = limits.kill_below * state.reference_equity
    daily = limits.daily_loss * state.day.day_equity
    return (
        LimitView(
            "daily loss",
            f"{amount(daily)} ({percent(limits.daily_loss)})",
            loss,
            state.day.limit_hit,
            left=f"{amount(max(ZERO, daily + min(result, ZERO)))} left today" if result is not None else "",
        ),
        LimitView(
            "kill below",
            amount(floor),
            amount(equity) if equity is not None else "unknown",
            state.kill is not None and state.kill.by == "limit",
            left=f"{amount(equity - floor)} above it" if equity is not None else "",
        ),
        LimitView(
            "cycles",
            str(limits.max_cycles),
            str(len(state.cycles)),
            len(state.cycles) > limits.max_cycles,
            left=f"{max(0, limits.max_cycles - len(state.cycles))} free",
        ),
    )


def _unknown(state: State) -> tuple[UnknownView, ...]:
    return tuple(
        UnknownView(p.work.id, type(p.work).__name__, getattr(p.work, "symbol", ""), p.first_sent, p.cause)
        for p in state.pending.values()
        if p.known is Knowledge.UNKNOWN
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


def _flip(flipping: Flipping) -> FlipView:
    command = flipping.command
    return FlipView(flipping.id, command.symbol, command.side, until(flipping), flipping.by)


def orders_of(state: State) -> tuple[OrderView, ...]:
    """Every order that rests, as far as it is known: our stops, the trader's own, working entries."""
    views = []
    for cycle in state.cycles.values():
        for stop in cycle.stops:
            views.append(
                OrderView(
                    cycle.symbol,
                    stop.kind.value,
                    cycle.side,
                    reduces=True,
                    qty=stop.qty,
                    trigger=stop.trigger,
                    price=None,
                    order_id=stop.order_id,
                    client_id=stop.client_id,
                    ours=True,
                    why=f"{stop.why.value}, {stop.state.value}{' and read back' if stop.confirmed else ''}",
                )
            )
    others = [o for c in state.cycles.values() for o in c.foreign] + list(state.working.values())
    for order in others:
        views.append(
            OrderView(
                order.symbol,
                order.kind.value,
                order.side,
                order.reduces,
                order.qty,
                order.trigger,
                order.price,
                order.order_id,
                order.client_id,
                ours=False,
                why="the trader's own",
            )
        )
    return tuple(views)
