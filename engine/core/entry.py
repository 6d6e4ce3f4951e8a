"""Entries and exits that the trader asks for: checked, sized, sent at market or at the touch, re-priced, and
ended.

What an entry opens is the trader's own: the ladder adopts it like any other position.
"""

from __future__ import annotations

from base64 import b32encode
from decimal import ROUND_CEILING, Decimal
from hashlib import blake2s
from typing import Final

from msgspec.structs import replace

from engine.core.actions import (
    CancelOrder,
    Level,
    LookUp,
    PlaceLimit,
    PlaceMarket,
    SetLeverage,
)
from engine.core.cycle import Cycle, Order, Stage, key_of
from engine.core.events import Enter, Exit
from engine.core.exchange import Accepted, Fill, OrderRow, OrderState, Refused, Tick
from engine.core.instrument import ONE, ZERO, Instrument, Side
from engine.core.limits import no_risk_because
from engine.core.refusal import CommandRefused
from engine.core.state import Entry, Step
from engine.core.turn import Turn
from engine.core.words import amount, percent, price, size

ENTRY_PREFIX: Final = "rte-"
CANCEL_MS: Final = 3000
"""How long a cancelled order may keep silent before it is looked up."""


def entry_id(command_id: str) -> str:
    """A short name made from the command's own id: the same command can never enter twice."""
    return b32encode(blake2s(command_id.encode(), digest_size=10).digest()).decode().lower()


def enter(turn: Turn, command: Enter, command_id: str, by: str) -> str:
    """Begin an entry. Raises CommandRefused with what stands against it."""
    state = turn.state
    if reason := no_risk_because(turn):
        raise CommandRefused(f"Not entered: {reason}.")
    instrument = _instrument(turn, command.symbol)
    tick = _fresh(turn, command.symbol)
    cycle = state.cycles.get(key_of(command.symbol, command.side))
    _no_conflict(turn, command, cycle)
    leverage = _leverage(turn, command, cycle, instrument)
    qty = _sized(turn, command, leverage, instrument, tick.mark)
    _check_price(command, tick.mark)
    step = Step.PLACING if cycle is not None else Step.LEVERAGE
    entry = Entry(
        entry_id(command_id),
        command.symbol,
        command.side,
        opens=True,
        want=qty,
        leverage=leverage,
        patient=command.patient,
        wait_ms=command.wait_s * 1000,
        tries=command.tries,
        stop=command.stop,
        by=by,
        step=step,
        since=turn.at,
    )
    _put(turn, entry)
    if step is Step.LEVERAGE:
        work = SetLeverage(f"{ENTRY_PREFIX}{entry.id}-lev", entry.symbol, entry.side, leverage)
        turn.send(work, _owner(entry))
    else:
        _place(turn, entry)
    text = f"{command.symbol} {command.side.value}: entering {size(qty)} at {size(leverage)}x"
    text += " at the touch." if command.patient else " at market."
    turn.note("entry", Level.MONEY, f"{text[:-1]}, asked by {by}.", cycle, qty=qty)
    return text


def leave(turn: Turn, command: Exit, command_id: str, by: str) -> str:
    """Begin an exit at the touch; what is left after its tries goes at market. Raises CommandRefused."""
    state = turn.state
    if state.read_only:
        raise CommandRefused(f"This engine is read-only: {state.read_only}.")
    cycle = state.cycles.get(key_of(command.symbol, command.side))
    if cycle is None:
        raise CommandRefused(f"{command.symbol} {command.side.value} is not a managed position.")
    if is_busy(turn, command.symbol):
        raise CommandRefused(f"{command.symbol}: another entry or exit is on its way.")
    entry = Entry(
        entry_id(command_id),
        command.symbol,
        command.side,
        opens=False,
        want=cycle.held_qty,
        leverage=cycle.seen.leverage,
        patient=True,
        wait_ms=command.wait_s * 1000,
        tries=command.tries,
        stop=None,
        by=by,
        step=Step.PLACING,
        since=turn.at,
    )
    _put(turn, entry)
    _place(turn, entry)
    turn.note("exit", Level.MONEY, f"{command.symbol}: leaving at the touch, asked by {by}.", cycle)
    return f"{command.symbol} {command.side.value}: leaving at the touch."


def is_busy(turn: Turn, symbol: str) -> bool:
    return any(e.symbol == symbol for e in turn.state.entries.values())


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


def _no_conflict(turn: Turn, command: Enter, cycle: Cycle | None) -> None:
    state, symbol = turn.state, command.symbol
    if is_busy(turn, symbol):
        raise CommandRefused(f"{symbol}: another entry or exit is on its way.")
    if key_of(symbol, command.side) in state.unmanaged:
        raise CommandRefused(
            f"{symbol} {command.side.value} is open and not managed; adopt it or close it first."
        )
    other = state.cycles.get(key_of(symbol, command.side.opposite))
    if other is not None and not other.seen.hedged:
        raise CommandRefused(
            f"{symbol} {other.side.value} is open: close it first; an entry here would reduce it."
        )
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
    if leverage is None or not leverage.is_finite() or not ONE <= leverage <= instrument.max_leverage:
        top = size(instrument.max_leverage)
        raise CommandRefused(f"{symbol}: leverage must be from 1x to {top}x, not {leverage}.")
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
        least = max(instrument.min_qty, instrument.min_notional / mark)
        raise CommandRefused(
            f"{command.symbol}: {size(qty)} is below Bitget's minimum of "
            f"{size(least.quantize(instrument.lot, ROUND_CEILING))}."
        )
    if qty > instrument.max_market_qty:
        raise CommandRefused(f"{command.symbol}: at most {size(instrument.max_market_qty)} in one order.")
    balance = turn.state.balance
    buffer = ONE + turn.state.settings.ladder.free_margin_buffer
    need = qty * mark / leverage * buffer + instrument.taker * qty * mark
    if balance is None or balance.free < need:
        free = amount(balance.free) if balance else "unknown"
        raise CommandRefused(f"The entry needs {amount(need)} USDT of free margin with fees; free is {free}.")
    return qty


def _check_price(command: Enter, mark: Decimal) -> None:
    given, stop, d = command.price, command.stop, command.side.d
    if given is not None and abs(mark - given) > given * command.deviation:
        gone = percent(abs(mark - given) / given)
        raise CommandRefused(f"{command.symbol}: the market is {gone} away from the signal's {price(given)}.")
    if stop is not None and (not stop.is_finite() or stop <= ZERO or (mark - stop) * d <= ZERO):
        where = "below" if command.side is Side.LONG else "above"
        raise CommandRefused(f"The stop of a {command.side.value} lies {where} the price, not at {stop}.")


def _owner(entry: Entry) -> str:
    return f"entry:{entry.id}"


def _put(turn: Turn, entry: Entry) -> None:
    turn.set(entries={**turn.state.entries, entry.id: entry})


def _end(turn: Turn, entry: Entry, text: str, level: Level = Level.MONEY) -> None:
    turn.set(entries={k: e for k, e in turn.state.entries.items() if k != entry.id})
    turn.note("entry" if entry.opens else "exit", level, f"{entry.symbol} {entry.side.value}: {text}")


def of_owner(turn: Turn, owner: str) -> Entry | None:
    """The entry that a pending action belongs to."""
    return turn.state.entries.get(owner.removeprefix("entry:")) if owner.startswith("entry:") else None


def _place(turn: Turn, entry: Entry) -> None:
    """The next attempt: at market, or a limit order at the touch."""
    instrument = turn.instrument(entry.symbol)
    left = entry.want - entry.done
    tick = turn.fresh_tick(entry.symbol)
    touch = tick.touch(buys=(entry.side is Side.LONG) is entry.opens) if tick is not None else None
    if entry.opens and (reason := no_risk_because(turn)):
        _end(turn, entry, f"not entered: {reason}.", Level.WARNING)
        return
    if left < instrument.min_qty:
        _end(turn, entry, f"filled {size(entry.done)}.")
        return
    if entry.patient and touch is None:
        # no price to wait at: the timer tries again, and gives up after the wait of one attempt
        if turn.at - entry.since > entry.wait_ms:
            _give_up(turn, entry, "there is no fresh price")
        else:
            _put(turn, replace(entry, step=Step.PLACING, order=None))
        return
    attempt = entry.attempt + 1
    name = f"{ENTRY_PREFIX}{entry.id}-{attempt}"
    order = Order(name, left, stage=Stage.SENT, sent=turn.at)
    limit = touch if entry.patient and touch is not None else ZERO
    _put(turn, replace(entry, step=Step.WORKING, order=order, attempt=attempt, since=turn.at, limit=limit))
    symbol, side, opens = entry.symbol, entry.side, entry.opens
    if entry.patient:
        turn.send(PlaceLimit(name, symbol, side, opens, left, limit, entry.stop), _owner(entry))
    else:
        turn.send(PlaceMarket(name, symbol, side, opens, left, entry.stop), _owner(entry))


def answered(turn: Turn, entry: Entry, action: str, outcome: Accepted | Refused) -> None:
    """The exchange's definite answer to one of the entry's requests."""
    if entry.step is Step.LEVERAGE:
        if isinstance(outcome, Refused):
            why = f"Bitget {outcome.code}: {outcome.message}"
            _end(turn, entry, f"not entered, the leverage was refused. {why}", Level.WARNING)
        else:
            _place(turn, entry)
    elif action.startswith("cancel:"):
        if isinstance(outcome, Refused):
            _look(turn, entry)
    elif entry.order is not None and action == entry.order.id:
        if isinstance(outcome, Refused):
            _give_up(turn, entry, f"Bitget {outcome.code}: {outcome.message}")
        else:
            _put(turn, replace(entry, order=replace(entry.order, order_id=outcome.order_id)))


def unheard(turn: Turn, entry: Entry) -> None:
    """No answer to a request that changes no position: the leverage was not set, or a cancel is asked for
    again.
    """
    if entry.step is Step.LEVERAGE:
        _end(turn, entry, "not entered: Bitget did not answer when the leverage was set.", Level.WARNING)
    else:
        _look(turn, entry)


def _give_up(turn: Turn, entry: Entry, why: str) -> None:
    if not entry.opens:
        _to_market(turn, entry, why)
    elif entry.done:
        _end(turn, entry, f"entered {size(entry.done)} of {size(entry.want)}; {why}.", Level.WARNING)
    else:
        _end(turn, entry, f"not entered: {why}.", Level.WARNING)


def _to_market(turn: Turn, entry: Entry, why: str) -> None:
    """What an exit could not sell at the touch goes at market, reduce-only."""
    cycle = turn.state.cycles.get(key_of(entry.symbol, entry.side))
    _end(turn, entry, f"left {size(entry.done)} at the touch; {why}." if entry.done else f"{why}.")
    if cycle is not None and cycle.held_qty > ZERO:
        turn.put(replace(cycle, closing=cycle.closing or f"exit by {entry.by}"))


def saw_fill(turn: Turn, fill: Fill) -> None:
    """A fill of a working attempt."""
    for entry in turn.state.entries.values():
        order = entry.order
        if order is not None and fill.client_id == order.id:
            filled = replace(order, filled=order.filled + fill.qty, order_id=order.order_id or fill.order_id)
            _settle(turn, replace(entry, order=filled))
            return


def saw_order(turn: Turn, row: OrderRow) -> None:
    """News of a working attempt: it may have ended."""
    for entry in turn.state.entries.values():
        order = entry.order
        if order is None or row.client_id != order.id:
            continue
        over = row.state in (OrderState.FILLED, OrderState.CANCELLED, OrderState.FAILED)
        final = row.filled if over else order.final
        told = replace(entry, order=replace(order, order_id=row.order_id, final=final))
        cancelled_in_vain = entry.step is Step.CANCELLING and not over
        if cancelled_in_vain and f"cancel:{row.order_id}" not in turn.state.pending:
            told = replace(told, step=Step.WORKING, since=entry.since - entry.wait_ms)
        _settle(turn, told)
        return


def _settle(turn: Turn, entry: Entry) -> None:
    """Keep the entry as it is now; when its attempt is over, go on or end."""
    order = entry.order
    if order is None:
        return
    over = order.final is not None and order.filled >= order.final
    if order.filled < order.qty and not over:
        _put(turn, entry)
        return
    entry = replace(entry, done=entry.done + order.filled, order=None, step=Step.PLACING)
    if entry.done >= entry.want:
        turn.forget(order.id)
        _end(turn, entry, f"{'entered' if entry.opens else 'left'} {size(entry.done)}.")
    elif not entry.patient or entry.attempt >= entry.tries:
        _give_up(turn, entry, f"{size(entry.want - entry.done)} was not filled in {entry.attempt} tries")
    else:
        _place(turn, entry)


def watch_entries(turn: Turn) -> None:
    """Once a second: re-price what waited long enough, look up what keeps silent, end what may not go on."""
    for entry in turn.state.entries.values():
        age = turn.at - entry.since
        halted = entry.opens and bool(no_risk_because(turn))
        if entry.step is Step.PLACING:
            _place(turn, entry)
        elif entry.step is Step.WORKING and entry.patient and (age >= entry.wait_ms or halted):
            _cancel(turn, entry)
        elif age >= CANCEL_MS and (entry.step is Step.CANCELLING or not entry.patient):
            _look(turn, entry)


def cancel_entries(turn: Turn) -> None:
    """Halt: working entries are taken back at once."""
    for entry in turn.state.entries.values():
        if entry.opens and entry.step is Step.WORKING and entry.patient:
            _cancel(turn, entry)


def _cancel(turn: Turn, entry: Entry) -> None:
    order = entry.order
    if order is None or not order.order_id:
        _look(turn, entry)
        return
    turn.send(CancelOrder(f"cancel:{order.order_id}", order.order_id, entry.symbol), _owner(entry))
    _put(turn, replace(entry, step=Step.CANCELLING, since=turn.at))


def _look(turn: Turn, entry: Entry) -> None:
    order = entry.order
    if order is not None and order.id not in turn.state.pending:
        turn.actions.append(LookUp(f"find:{order.id}", order.id, entry.symbol, False, 0))
        _put(turn, replace(entry, since=turn.at))
