"""From the state and the newest prices to what a client draws. Nothing here decides anything."""

from __future__ import annotations

from engine.core.brought import is_brought
from engine.core.exchange import RestingOrder
from engine.core.flipping import until
from engine.core.ids import is_entry
from engine.core.instrument import ZERO, decimals
from engine.core.limits import day_result, week_result
from engine.core.readings import overdue
from engine.core.settings import Rungs
from engine.core.state import Entry, Flipping, Knowledge, State, Step
from engine.core.words import amount, percent, worse
from engine.protocol import (
    AccountView,
    EngineView,
    EntryView,
    FlipView,
    LimitView,
    Mode,
    OrderView,
    PositionView,
    Snapshot,
    UnknownView,
)
from engine.runtime.approvals import approvals_of
from engine.runtime.drawn import Still, priced, share, unmanaged
from engine.runtime.engine import Engine


def snapshot_of(engine: Engine, mode: Mode, still: Still | None = None) -> Snapshot:
    """Everything a screen draws, now. Who asks often keeps `still`."""
    state, at, still = engine.state, engine.now(), still or Still()
    ticks = {tick.symbol: tick for tick in engine.prices.newest()}
    views = *still.views(state).values(), *(unmanaged(u, state) for u in state.unmanaged.values())
    positions = tuple(priced(view, ticks.get(view.symbol), at) for view in views)
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
        closed=still.closed(state),
        log=engine.log.lines(),
        flips=tuple(_flip(each) for each in state.flips.values()),
        entries=entries_of(state),
    )


def _engine_view(engine: Engine, mode: Mode, at: int) -> EngineView:
    state, kill = engine.state, engine.state.kill
    late = overdue(state, at)
    return EngineView(
        version=engine.version,
        account=state.settings.account,
        mode=mode,
        started=engine.started,
        now=at,
        market=engine.venue.market_ms(),
        reconciled=state.is_reconciled and not late,
        unread=(*state.unread, *late, *(("trades",) if state.untold else ())),
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
        day_return=share(day, state.day.day_equity),
        week_pnl=week,
        week_return=share(week, state.day.week_equity),
        worst_case=sum(worst, ZERO),
        deployed=share(margin, equity),
        leverage=share(notional, equity),
        funding=sum((c.funding for c in cycles), ZERO),
        cycles=len(cycles),
        max_cycles=state.settings.limits.max_cycles,
        risk_free=sum(1 for p in positions if p.risk_free),
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


def _flip(flipping: Flipping) -> FlipView:
    command = flipping.command
    at = command.symbol, command.side
    asks = command.entering.ask
    return FlipView(flipping.id, *at, flipping.by, until(flipping), command.share, asks)


def entries_of(state: State) -> tuple[EntryView, ...]:
    """Every entry and exit that has begun and is not over."""
    begun = (e for e in state.entries.values() if e.step is not Step.ASKING)
    return tuple(_entry(state, each) for each in begun)


def _entry(state: State, entry: Entry) -> EntryView:
    """What its attempts filled, and where the one that the exchange has taken rests."""
    order, instrument = entry.order, state.instruments.get(entry.symbol)
    rests = entry.patient and order is not None and bool(order.order_id)
    return EntryView(
        id=entry.id,
        symbol=entry.symbol,
        side=entry.side,
        by=entry.by,
        want=entry.want,
        filled=entry.done + (order.filled if order is not None else ZERO),
        price=entry.limit if rests else None,
        since=entry.since,
        attempt=entry.attempt,
        tries=entry.tries,
        step=entry.step,
        patient=entry.patient,
        opens=entry.opens,
        taken_back=entry.taken_back,
        closes=entry.closes,
        price_decimals=decimals(instrument.tick) if instrument is not None else 2,
    )


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
        by = _asked_by(state, order)
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
                ours=bool(by),
                why=by or "the trader's own",
            )
        )
    return tuple(views)


def _asked_by(state: State, order: RestingOrder) -> str:
    """Through what the entry or exit was asked for that this order works on or came with; empty for the
    trader's own.
    """
    if is_brought(state, order):
        return "brought by the entry"
    if not is_entry(order.client_id):
        return ""
    under_way = (e for e in state.entries.values() if e.order is not None and e.order.id == order.client_id)
    return f"asked for by {next((entry.by for entry in under_way), 'an earlier command')}"
