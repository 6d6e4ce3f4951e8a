"""What an entry would do to the account, before it is asked for: its price, margin, fees, liquidation, worst
case and the limits it touches.

Whether it would be refused is asked of `decide` itself, on a state that is thrown away.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core.actions import Level
from engine.core.cycle import key_of
from engine.core.decide import decide
from engine.core.events import Commanded, Enter, Event
from engine.core.exchange import Tick
from engine.core.instrument import ZERO, Instrument, decimals
from engine.core.limits import day_result
from engine.core.state import State
from engine.core.ticket import fill_price, weigh
from engine.core.words import amount, percent
from engine.protocol import LimitView, TicketView
from engine.runtime.engine import Engine


def ticket_of(engine: Engine, enter: Enter) -> TicketView:
    """The entry as the engine sees it now. What cannot be computed is None; `refused` says why not."""
    state = engine.state
    instrument, tick = state.instruments.get(enter.symbol), engine.prices.of(enter.symbol)
    refused, warnings = _heard(engine, enter)
    if instrument is None or tick is None:
        missing = "its contract is not read" if instrument is None else "no price has come yet"
        return TicketView(enter.symbol, enter.side, refused=refused or f"{enter.symbol}: {missing}.")
    leverage = enter.leverage or _leverage(state, enter)
    price = fill_price(tick, enter.side)
    if leverage is None:
        return TicketView(enter.symbol, enter.side, price, refused=refused or "choose a leverage")
    qty = instrument.floor_qty(_qty(enter, leverage, price))
    if qty <= ZERO:
        return TicketView(
            enter.symbol, enter.side, price, leverage=leverage, refused=refused or "nothing to buy with that"
        )
    return _weighed(state, enter, instrument, tick, price, qty, leverage, refused, warnings)


def _heard(engine: Engine, enter: Enter) -> tuple[str, tuple[str, ...]]:
    """What the core would say to it: the refusal, or the warnings."""
    asked = Commanded("preview", "preview", enter)
    event = Event(engine.now(), engine.venue.market_ms(), asked, engine.prices.newest())
    decision = decide(engine.state, event)
    loud = tuple(note.text for note in decision.notes if note.level in (Level.WARNING, Level.URGENT))
    return decision.refused, loud


def _leverage(state: State, enter: Enter) -> Decimal | None:
    """What a position shows to be set on the exchange, else what the configuration means to use."""
    key = key_of(enter.symbol, enter.side)
    if (cycle := state.cycles.get(key)) is not None:
        return cycle.seen.leverage
    if (stranger := state.unmanaged.get(key)) is not None:
        return stranger.position.leverage
    return state.settings.leverage_of(enter.symbol)


def _qty(enter: Enter, leverage: Decimal, price: Decimal) -> Decimal:
    if enter.qty is not None:
        return enter.qty
    return enter.margin * leverage / price if enter.margin is not None else ZERO


def _weighed(
    state: State,
    enter: Enter,
    instrument: Instrument,
    tick: Tick,
    price: Decimal,
    qty: Decimal,
    leverage: Decimal,
    refused: str,
    warnings: tuple[str, ...],
) -> TicketView:
    key = key_of(enter.symbol, enter.side)
    before = state.cycles.get(key)
    stranger = state.unmanaged.get(key) if before is None else None
    ticket = weigh(
        before if stranger is None else stranger.position,
        instrument,
        state.settings.ladder,
        side=enter.side,
        qty=qty,
        price=price,
        leverage=leverage,
        equity=state.balance.equity if state.balance else ZERO,
        stop=enter.stop,
    )
    margin, risk = ticket.margin, ticket.worst_after - ticket.worst_before
    return TicketView(
        symbol=enter.symbol,
        side=enter.side,
        price=price,
        qty=qty,
        notional=qty * price,
        margin=margin,
        leverage=leverage,
        fee=ticket.fee,
        size_after=ticket.size_after,
        entry_after=ticket.entry_after,
        liquidation=ticket.liquidation,
        distance=abs(tick.mark - ticket.liquidation) / tick.mark if ticket.liquidation else None,
        worst_case=ticket.worst_after,
        worst_before=ticket.worst_before,
        free_after=None if state.balance is None else state.balance.free - margin - ticket.fee,
        limits=_limits(state, enter, margin, risk),
        warnings=warnings,
        refused=refused,
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )


def _limits(state: State, enter: Enter, margin: Decimal, risk: Decimal) -> tuple[LimitView, ...]:
    """Every limit that this entry comes near, with where it would stand after it."""
    limits, balance = state.settings.limits, state.balance
    if balance is None:
        return ()
    used, most = margin, limits.entry_margin * balance.equity
    count = len(state.cycles) + (key_of(enter.symbol, enter.side) not in state.cycles)
    held = state.cycles.get(key_of(enter.symbol, enter.side))
    cycle_margin = margin + (held.held_margin if held else ZERO)
    cycle_most = state.settings.ladder.max_cycle_margin * balance.equity
    floor = limits.kill_below * state.reference_equity
    at_worst = balance.equity + min(risk, ZERO)
    result = day_result(state) or ZERO
    day_most = limits.daily_loss * state.day.day_equity
    day_worst = max(ZERO, -(result + min(risk, ZERO)))
    return (
        LimitView(
            "entry margin", f"{amount(most)} ({percent(limits.entry_margin)})", amount(used), used > most
        ),
        LimitView("cycle margin", amount(cycle_most), amount(cycle_margin), cycle_margin > cycle_most),
        LimitView("cycles", str(limits.max_cycles), str(count), count > limits.max_cycles),
        LimitView("daily loss at worst", amount(day_most), amount(day_worst), day_worst >= day_most > ZERO),
        LimitView("kill below, at worst", amount(floor), amount(at_worst), at_worst < floor),
    )
