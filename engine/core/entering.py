"""Whether an entry may begin, and how large it is: every check, made when it is asked for and again when it
is approved.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.core.cycle import Cycle, key_of
from engine.core.events import Enter
from engine.core.exchange import Tick
from engine.core.instrument import ONE, ZERO, Instrument, Side, ceil_to
from engine.core.limits import no_risk_because
from engine.core.refusal import CommandRefused
from engine.core.state import State, Step
from engine.core.ticket import Ticket, fill_price, weigh
from engine.core.turn import Turn
from engine.core.words import amount, percent, price, size


class Fit(NamedTuple):
    """An entry that may begin: its size (base coin) at this leverage, onto `cycle` when there is one."""

    qty: Decimal
    leverage: Decimal
    cycle: Cycle | None
    tick: Tick


def fit(turn: Turn, command: Enter, *, but: str = "") -> Fit:
    """Check an entry; `but` is its own id when it is known already. Raises CommandRefused with what stands
    against it.
    """
    if reason := no_risk_because(turn):
        raise CommandRefused(f"Not entered: {reason}.")
    instrument = _instrument(turn, command.symbol)
    tick = _fresh(turn, command.symbol)
    cycle = turn.state.cycles.get(key_of(command.symbol, command.side))
    _no_conflict(turn, command, cycle, but)
    leverage = _leverage(turn, command, cycle, instrument)
    qty = _sized(turn, command, leverage, instrument, tick.mark)
    _check_price(command, tick.mark)
    return Fit(qty, leverage, cycle, tick)


def ticket_of(turn: Turn, command: Enter, fit: Fit) -> Ticket:
    """What the entry comes to at the prices of now."""
    state = turn.state
    return weigh(
        fit.cycle,
        turn.instrument(command.symbol),
        state.settings.ladder,
        side=command.side,
        qty=fit.qty,
        price=fill_price(fit.tick, command.side),
        leverage=fit.leverage,
        equity=state.balance.equity if state.balance else ZERO,
        stop=command.stop,
    )


def is_busy(state: State, symbol: str, *, but: str = "") -> bool:
    """Whether an entry or exit (`but` this one) is on its way; one that asks is not."""
    entries = state.entries.values()
    return any(e.symbol == symbol and e.step is not Step.ASKING and e.id != but for e in entries)


def reduced_instead(state: State, symbol: str, side: Side) -> str:
    """Which position an order that should open this side would reduce, in one-way mode; empty when none. It
    need not be under care.
    """
    other = key_of(symbol, side.opposite)
    cycle, stranger = state.cycles.get(other), state.unmanaged.get(other)
    seen = cycle.seen if cycle is not None else stranger.position if stranger is not None else None
    return f"{symbol} {side.opposite.value} is open" if seen is not None and not seen.hedged else ""


def _instrument(turn: Turn, symbol: str) -> Instrument:
    instrument = turn.state.instruments.get(symbol)
    if instrument is None:
        known = ", ".join(turn.state.instruments) or "none"
        raise CommandRefused(f"{symbol} is not a managed symbol ({known}). Add it to the configuration.")
    if instrument.status != "normal":
        raise CommandRefused(f"{symbol} is '{instrument.status}' on Bitget: no entries now.")
    return instrument


def _fresh(turn: Turn, symbol: str) -> Tick:
    tick = turn.fresh_tick(symbol)
    if tick is None:
        raise CommandRefused(f"{symbol}: there is no fresh price on which mark and last agree; try again.")
    return tick


def _no_conflict(turn: Turn, command: Enter, cycle: Cycle | None, but: str) -> None:
    state, symbol = turn.state, command.symbol
    if is_busy(state, symbol, but=but):
        raise CommandRefused(f"{symbol}: another entry or exit is on its way.")
    if any(e.symbol == symbol and e.step is Step.ASKING and e.id != but for e in state.entries.values()):
        raise CommandRefused(f"{symbol}: another entry waits for your answer; approve or deny it first.")
    if key_of(symbol, command.side) in state.unmanaged:
        raise CommandRefused(
            f"{symbol} {command.side.value} is open and not managed; adopt it or close it first."
        )
    if against := reduced_instead(state, symbol, command.side):
        raise CommandRefused(f"{against}: close it first; an entry here would reduce it.")
    if cycle is not None:
        if cycle.rung is not None or cycle.close is not None or cycle.closing:
            raise CommandRefused(f"{symbol}: a rung or a close is under way; try again when it is done.")
        return
    if len(state.cycles) >= state.settings.limits.max_cycles:
        raise CommandRefused(
            f"{state.settings.limits.max_cycles} positions are open, the limit (max_cycles)."
        )


def _leverage(turn: Turn, command: Enter, cycle: Cycle | None, instrument: Instrument) -> Decimal:
    symbol = command.symbol
    if cycle is not None:
        held = cycle.seen.leverage
        if command.leverage is not None and command.leverage != held:
            raise CommandRefused(
                f"{symbol} is held at {size(held)}x; an add cannot be at {size(command.leverage)}x."
            )
        return held
    leverage = command.leverage or turn.state.settings.leverage_of(symbol)
    is_whole = leverage is not None and leverage.is_finite() and leverage == leverage.to_integral_value()
    if leverage is None or not is_whole or not ONE <= leverage <= instrument.max_leverage:
        top = size(instrument.max_leverage)
        raise CommandRefused(f"{symbol}: leverage must be whole, from 1x to {top}x, not {leverage}.")
    return leverage


def _sized(turn: Turn, command: Enter, leverage: Decimal, instrument: Instrument, mark: Decimal) -> Decimal:
    """The size in lots, held against the exchange's minimum and maximum and the free margin."""
    margin, given = command.margin, command.qty
    if (margin is None) is (given is None):
        raise CommandRefused("An entry takes either a margin or a size.")
    asked = given if given is not None else (margin or ZERO) * leverage / mark
    if not asked.is_finite() or asked <= ZERO:
        raise CommandRefused(f"An entry needs a positive size, not {margin if given is None else given}.")
    qty = instrument.floor_qty(asked)
    if not instrument.is_tradable(qty, mark):
        raise CommandRefused(f"{command.symbol}: {size(qty)} is below {least(instrument, mark)}.")
    if qty > instrument.max_market_qty:
        raise CommandRefused(f"{command.symbol}: at most {size(instrument.max_market_qty)} in one order.")
    balance = turn.state.balance
    buffer = ONE + turn.state.settings.ladder.free_margin_buffer
    need = qty * mark / leverage * buffer + instrument.taker * qty * mark
    if balance is None or balance.free < need:
        free = amount(balance.free) if balance else "unknown"
        raise CommandRefused(f"The entry needs {amount(need)} USDT of free margin with fees; free is {free}.")
    return qty


def least(instrument: Instrument, mark: Decimal) -> str:
    """`Bitget's minimum of 0.001`."""
    qty = max(instrument.min_qty, instrument.min_notional / mark)
    return f"Bitget's minimum of {size(ceil_to(qty, instrument.lot))}"


def _check_price(command: Enter, mark: Decimal) -> None:
    given, stop, d = command.price, command.stop, command.side.d
    if given is not None and abs(mark - given) > given * command.deviation:
        gone = percent(abs(mark - given) / given)
        raise CommandRefused(f"{command.symbol}: the market is {gone} away from the signal's {price(given)}.")
    if stop is not None and (not stop.is_finite() or stop <= ZERO or (mark - stop) * d <= ZERO):
        where = "below" if command.side is Side.LONG else "above"
        raise CommandRefused(f"The stop of a {command.side.value} lies {where} the price, not at {stop}.")
