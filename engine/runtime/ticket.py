"""What an entry would do to the account, before it is asked for: its price, margin, fees, liquidation, worst
case and the limits it touches.

Whether it would be refused is asked of `decide` itself, on a state that is thrown away.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.cycle import Cycle, Hand, key_of
from engine.core.decide import decide
from engine.core.events import Commanded, Enter, Event
from engine.core.exchange import Position, Tick
from engine.core.instrument import ZERO, Instrument, Side
from engine.core.ladder import next_leg
from engine.core.ledger import begin, enlarge, liquidation_of
from engine.core.limits import day_result
from engine.core.margin import initial_margin, liquidation_price
from engine.core.state import State
from engine.core.stops import resting_stops, worst_case
from engine.core.words import amount, percent
from engine.protocol import LimitView, TicketView
from engine.runtime.engine import Engine
from engine.runtime.preview import stops_wanted
from engine.runtime.snapshot import decimals


def ticket_of(engine: Engine, enter: Enter) -> TicketView:
    """The entry as the engine sees it now. What cannot be computed is None; `refused` says why not."""
    state = engine.state
    instrument, tick = state.instruments.get(enter.symbol), engine.prices.of(enter.symbol)
    refused, warnings = _heard(engine, enter)
    if instrument is None or tick is None:
        missing = "its contract is not read" if instrument is None else "no price has come yet"
        return TicketView(enter.symbol, enter.side, refused=refused or f"{enter.symbol}: {missing}.")
    leverage = enter.leverage or _leverage(state, enter)
    price = _price(enter, tick)
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


def _price(enter: Enter, tick: Tick) -> Decimal:
    """Where it would be filled: at its own touch when patient, else at the other side's."""
    buys = enter.side is Side.LONG
    touch = tick.touch(buys=buys is not enter.patient)
    return touch if touch is not None else tick.last


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
    fee = qty * price * (instrument.maker if enter.patient else instrument.taker)
    margin = initial_margin(qty, price, leverage)
    before = state.cycles.get(key_of(enter.symbol, enter.side))
    after = _after(state, enter, instrument, qty, price, leverage, fee)
    liquidation = liquidation_of(after, instrument)
    before_worst = worst_case(before, instrument, resting_stops(before)) if before is not None else ZERO
    after_worst = _worst(state, after, instrument, enter.stop)
    return TicketView(
        symbol=enter.symbol,
        side=enter.side,
        price=price,
        qty=qty,
        notional=qty * price,
        margin=margin,
        leverage=leverage,
        fee=fee,
        size_after=after.held_qty,
        entry_after=after.held_entry,
        liquidation=liquidation,
        distance=abs(tick.mark - liquidation) / tick.mark if liquidation else None,
        worst_case=after_worst,
        worst_before=before_worst,
        free_after=None if state.balance is None else state.balance.free - margin - fee,
        limits=_limits(state, enter, margin, after_worst - before_worst),
        warnings=warnings,
        refused=refused,
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )


def _after(
    state: State,
    enter: Enter,
    instrument: Instrument,
    qty: Decimal,
    price: Decimal,
    leverage: Decimal,
    fee: Decimal,
) -> Cycle:
    """The position as the fill would leave it, one that is shown and not managed included."""
    before = state.cycles.get(key_of(enter.symbol, enter.side))
    equity = state.balance.equity if state.balance else ZERO
    if before is None and (stranger := state.unmanaged.get(key_of(enter.symbol, enter.side))) is not None:
        mode = state.settings.ladder.stops
        before = begin(stranger.position, cycle_id="", at=0, equity=equity, fee=ZERO, mode=mode)
    if before is not None:
        number = next_leg(before)
        return enlarge(
            before, number, qty=qty, price=price, fee=fee, leverage=leverage, by=Hand.TRADER, at=before.opened
        )
    margin = initial_margin(qty, price, leverage)
    held = Position(
        enter.symbol,
        enter.side,
        qty,
        price,
        margin,
        leverage,
        liquidation=liquidation_price(
            enter.side, qty, price, margin, instrument.maintenance(qty * price), instrument.taker
        ),
        isolated=True,
        auto_margin=False,
        hedged=False,
        opened=0,
    )
    return begin(held, cycle_id="", at=0, equity=equity, fee=fee, mode=state.settings.ladder.stops)


def _worst(state: State, after: Cycle, instrument: Instrument, stop: Decimal | None) -> Decimal:
    """The worst case with the ladder's stops, the trader's own, and the one that comes with the entry."""
    wanted = [(w.trigger, w.qty) for w in stops_wanted(after, instrument, state.settings.ladder)]
    own = [] if stop is None else [(stop, None)]
    return worst_case(after, instrument, [*wanted, *own, *resting_stops(replace(after, stops=()))])


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
