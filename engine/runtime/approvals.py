"""What waits for the trader's yes, as every client shows it: a rung, an entry, an adoption, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.core.asking import share_of
from engine.core.cycle import Approval, Cycle
from engine.core.entering import least
from engine.core.instrument import ONE, ZERO, Instrument, decimals
from engine.core.ladder import add_margin, add_qty, after_rung, bank_parts
from engine.core.ledger import begin, liquidation_of, size_of
from engine.core.state import Entry, State, Unmanaged
from engine.core.stops import resting_stops, wanted_stops, worst_case
from engine.core.ticket import Ticket, weigh
from engine.core.words import size
from engine.protocol import ApprovalView, Asks, HalfView


def approvals_of(state: State) -> tuple[ApprovalView, ...]:
    """Every question, rungs first."""
    return tuple(_all(state))


def _all(state: State) -> Iterator[ApprovalView]:
    for cycle in state.cycles.values():
        if cycle.approval is not None:
            yield _rung(state, cycle, cycle.approval)
    for entry in state.entries.values():
        is_known = entry.symbol in state.instruments
        if entry.approval is not None and entry.ticket is not None and is_known:
            yield _entry(state, entry, entry.approval, entry.ticket)
    for stranger in state.unmanaged.values():
        if stranger.approval is not None and stranger.position.symbol in state.instruments:
            yield _adoption(state, stranger, stranger.approval)


def _rung(state: State, cycle: Cycle, approval: Approval) -> ApprovalView:
    """The rung as it would fill exactly at its trigger."""
    instrument, armed = state.instruments[cycle.symbol], cycle.armed
    ladder, equity = state.settings.ladder, state.balance.equity if state.balance else None
    margin, leverage = add_margin(cycle, ladder, equity), cycle.seen.leverage
    banked = size_of(bank_parts(cycle, ladder, instrument))
    after = _after_rung(state, cycle, armed.trigger, ONE) if armed else None
    return ApprovalView(
        cycle=cycle.id,
        rung=approval.rung,
        symbol=cycle.symbol,
        side=cycle.side,
        add_margin=margin,
        bank_qty=banked,
        low=approval.low,
        high=approval.high,
        expires=approval.expires,
        worst_case=worst_case(cycle, instrument, resting_stops(cycle)),
        worst_case_after=_worst_of(state, after) if after else None,
        qty=add_qty(margin, leverage, armed.trigger, instrument) if armed else None,
        leverage=leverage,
        price=armed.trigger if armed else None,
        liquidation=liquidation_of(after, instrument) if after else None,
        half=_half_rung(state, cycle, armed.trigger, margin) if armed else None,
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )


def _after_rung(state: State, cycle: Cycle, price: Decimal, share: Decimal) -> Cycle:
    return after_rung(
        cycle,
        state.settings.ladder,
        state.instruments[cycle.symbol],
        price=price,
        leverage=cycle.seen.leverage,
        equity=state.balance.equity if state.balance else None,
        share=share,
    )


def _worst_of(state: State, cycle: Cycle) -> Decimal:
    """The worst case once the ladder's stops rest, as the desk shows it for the next rung."""
    instrument = state.instruments[cycle.symbol]
    stops = wanted_stops(cycle, instrument, guard=state.settings.ladder.guard)
    return worst_case(cycle, instrument, [(stop.trigger, stop.qty) for stop in stops])


def _half_rung(state: State, cycle: Cycle, price: Decimal, margin: Decimal) -> HalfView:
    share, instrument = share_of(half=True), state.instruments[cycle.symbol]
    qty = add_qty(margin * share, cycle.seen.leverage, price, instrument)
    if not instrument.is_tradable(qty, price):
        return _too_small(margin * share, qty, instrument, price)
    after = _after_rung(state, cycle, price, share)
    return HalfView(margin * share, qty, _worst_of(state, after))


def _too_small(margin: Decimal, qty: Decimal, instrument: Instrument, price: Decimal) -> HalfView:
    return HalfView(margin, qty, refused=f"{size(qty)} is below {least(instrument, price)}")


def _entry(state: State, entry: Entry, approval: Approval, ticket: Ticket) -> ApprovalView:
    """The numbers with which it was asked."""
    instrument = state.instruments[entry.symbol]
    return ApprovalView(
        cycle=entry.id,
        rung=0,
        symbol=entry.symbol,
        side=entry.side,
        add_margin=ticket.margin,
        bank_qty=ZERO,
        low=approval.low,
        high=approval.high,
        expires=approval.expires,
        worst_case=ticket.worst_before,
        worst_case_after=ticket.worst_after,
        asks=Asks.ENTRY,
        qty=ticket.qty,
        leverage=ticket.leverage,
        price=ticket.price,
        liquidation=ticket.liquidation,
        fee=ticket.fee,
        stop=entry.stop,
        by=entry.by,
        half=_half_entry(state, entry, ticket),
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )


def _half_entry(state: State, entry: Entry, ticket: Ticket) -> HalfView:
    instrument = state.instruments[entry.symbol]
    qty = instrument.floor_qty(entry.want * share_of(half=True))
    margin = qty * ticket.price / ticket.leverage
    if not instrument.is_tradable(qty, ticket.price):
        return _too_small(margin, qty, instrument, ticket.price)
    half = weigh(
        next((cycle for cycle in state.cycles.values() if cycle.id == entry.onto), None),
        instrument,
        state.settings.ladder,
        side=entry.side,
        qty=qty,
        price=ticket.price,
        leverage=ticket.leverage,
        equity=state.balance.equity if state.balance else ZERO,
        stop=entry.stop,
    )
    return HalfView(margin, qty, half.worst_after)


def _adoption(state: State, stranger: Unmanaged, approval: Approval) -> ApprovalView:
    """What is there already: a yes adds nothing by itself."""
    position, ladder = stranger.position, state.settings.ladder
    instrument = state.instruments[position.symbol]
    equity = state.balance.equity if state.balance else ZERO
    after = begin(position, cycle_id="", at=0, equity=equity, fee=ZERO, mode=ladder.stops)
    stops = wanted_stops(after, instrument, guard=ladder.guard, hard_stop=ladder.hard_stop)
    return ApprovalView(
        cycle=approval.id,
        rung=0,
        symbol=position.symbol,
        side=position.side,
        add_margin=position.margin,
        bank_qty=ZERO,
        low=approval.low,
        high=approval.high,
        expires=approval.expires,
        worst_case=None,
        worst_case_after=worst_case(after, instrument, [(stop.trigger, stop.qty) for stop in stops]),
        asks=Asks.ADOPTION,
        qty=position.qty,
        leverage=position.leverage,
        price=position.entry,
        liquidation=position.liquidation,
        price_decimals=decimals(instrument.tick),
        qty_decimals=decimals(instrument.lot),
    )
