"""Why a rung may not run: everything that is checked before risk is added, and once more before the add."""

from __future__ import annotations

from decimal import Decimal

from engine.core.cycle import Cycle, Rung, key_of
from engine.core.entering import is_busy
from engine.core.exchange import Tick
from engine.core.instrument import ONE, ZERO, Instrument
from engine.core.ladder import add_margin, add_qty, after_rung, bank_parts, first_of, is_reached
from engine.core.ledger import size_of
from engine.core.limits import no_risk_because, oversized
from engine.core.settings import Sequence
from engine.core.shield import untold_because
from engine.core.stops import is_beyond, wanted_stops
from engine.core.turn import Turn
from engine.core.words import amount, price, size


def blocked_because(turn: Turn, cycle: Cycle, tick: Tick, share: Decimal = ONE) -> str:
    """Why the next rung may not run now, with `share` of its add; empty when it may."""
    state, ladder = turn.state, turn.state.settings.ladder
    if reason := no_add_because(turn, cycle) or unclear_because(turn, cycle):
        return reason
    if any(p.cycle == cycle.id and p.cause for p in state.pending.values()):
        return "the outcome of an earlier request is unknown"
    if cycle.rungs >= ladder.max_rungs:
        return f"max_rungs = {ladder.max_rungs} is reached"
    instrument = turn.instrument(cycle.symbol)
    if instrument.status != "normal":
        return f"{cycle.symbol} is '{instrument.status}' on Bitget"
    return _size_block(turn, cycle, instrument, tick.mark, share)


def no_add_because(turn: Turn, cycle: Cycle) -> str:
    """Why nothing is added to this cycle, whatever the price: the account, its own state, or the trader, who
    is entering or leaving.
    """
    against = cycle.paused or cycle.barred or cycle.closing or cycle.error
    if reason := no_risk_because(turn) or against:
        return reason
    return "an entry or exit of yours is under way" if is_busy(turn.state, cycle.symbol) else ""


def unclear_because(turn: Turn, cycle: Cycle) -> str:
    """What is not known of the position to which a leg would be added; a reading mostly tells it soon."""
    if turn.state.untold:
        return "the trades that the stream may have missed are not read yet"
    if cycle.is_untold:
        return untold_because(cycle)
    if cycle.doubt is not None:
        return "the ledger and Bitget differ"
    if not cycle.seen.hedged and key_of(cycle.symbol, cycle.side.opposite) in turn.state.cycles:
        return "the end of the opposite position is not booked yet"
    return ""


def leverage_block(turn: Turn, cycle: Cycle) -> str:
    """Why no leg may be opened at the leverage on the exchange: it is neither the configured one nor the one
    that the cycle began with. A larger one would make the next leg larger than it was planned.
    """
    configured, first = turn.state.settings.leverage_of(cycle.symbol), first_of(cycle)[1]
    if cycle.seen.leverage in (configured, first):
        return ""
    return f"the leverage on Bitget is {size(cycle.seen.leverage)}x, expected {size(first)}x"


def _size_block(turn: Turn, cycle: Cycle, instrument: Instrument, mark: Decimal, share: Decimal) -> str:
    ladder = turn.state.settings.ladder
    if reason := leverage_block(turn, cycle):
        return reason
    banked = size_of(bank_parts(cycle, ladder, instrument))
    if not instrument.is_tradable(banked, mark):
        return f"half of the leg ({size(banked)}) is below Bitget's minimum"
    if ladder.sequence is Sequence.ADD_FIRST:
        return add_block(turn, cycle, instrument, mark, share=share)
    # what the bank gives back before the add: its margin, its profit, less its fee
    released = cycle.held_margin * banked / cycle.held_qty
    profit = cycle.side.d * banked * (mark - cycle.held_entry) - instrument.taker * banked * mark
    credit = released + profit
    return add_block(turn, cycle, instrument, mark, credit=credit, released=released, share=share)


def add_block(
    turn: Turn,
    cycle: Cycle,
    instrument: Instrument,
    mark: Decimal,
    *,
    credit: Decimal = ZERO,
    released: Decimal = ZERO,
    share: Decimal = ONE,
) -> str:
    """Why the next leg may not be opened at `mark`; `credit` is free margin that will have come back by then,
    and `released` the part of it that is in the position now. A rung under way has settled its margin.
    """
    state, ladder = turn.state, turn.state.settings.ladder
    balance = state.balance
    if balance is None:
        return "the balance is unknown"
    planned = share * add_margin(cycle, ladder, balance.equity)
    margin = cycle.rung.add_margin if cycle.rung is not None else planned
    leverage = cycle.seen.leverage
    qty = add_qty(margin, leverage, mark, instrument)
    if not instrument.is_tradable(qty, mark):
        return f"the next leg ({size(qty)}) is below Bitget's minimum"
    if qty > instrument.max_market_qty or leverage > instrument.max_leverage:
        return f"the next leg ({size(qty)} at {size(leverage)}x) is above Bitget's maximum"
    if oversized(qty * mark, margin * leverage, turn):
        return "the next leg would be larger than planned"
    need = margin * (ONE + ladder.free_margin_buffer) + instrument.taker * qty * mark
    if balance.free + credit < need:
        return (
            f"free margin {amount(balance.free + credit)} is below the {amount(need)} USDT that the add needs"
        )
    if cycle.held_margin - released + margin > ladder.max_cycle_margin * balance.equity:
        return f"the cycle's margin would pass {amount(ladder.max_cycle_margin * balance.equity)} USDT"
    return _stops_block(turn, cycle, mark, share)


def _stops_block(turn: Turn, cycle: Cycle, mark: Decimal, share: Decimal) -> str:
    """A rung whose stops would be passed at once would only buy a loss."""
    if cycle.rung is not None:
        left = has_gone_back(turn, cycle, cycle.rung, mark)
        return f"the market has gone back to {price(mark)}, behind the trigger" if left else ""
    after, ladder = preview(turn, cycle, mark, share), turn.state.settings.ladder
    for stop in wanted_stops(after, turn.instrument(cycle.symbol), guard=ladder.guard):
        if is_beyond(cycle.side, mark, stop.trigger):
            return f"the stop at {price(stop.trigger)} would be passed at once"
    return ""


def has_gone_back(turn: Turn, cycle: Cycle, rung: Rung, mark: Decimal) -> bool:
    """Whether the market has left the trigger of a rung under way by more than the band of an approval."""
    band = turn.state.settings.ladder.approval_band
    return not is_reached(cycle, mark, rung.trigger * (ONE - cycle.side.d * band))


def preview(turn: Turn, cycle: Cycle, mark: Decimal, share: Decimal = ONE) -> Cycle:
    """The cycle as the next rung, filled at `mark` with `share` of its add, would leave it."""
    balance = turn.state.balance
    return after_rung(
        cycle,
        turn.state.settings.ladder,
        turn.instrument(cycle.symbol),
        price=mark,
        leverage=cycle.seen.leverage,
        equity=balance.equity if balance else None,
        share=share,
    )
