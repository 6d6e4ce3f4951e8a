"""Closing by us: reduce-only market orders outside the rungs, one at a time, until what should go is gone."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level, PlaceMarket
from engine.core.ids import close_id
from engine.core.instrument import ZERO
from engine.core.ledger import Parts, by_trader_first, parts_of
from engine.core.state import Cycle, Order, Stage
from engine.core.turn import Turn
from engine.core.words import name, size

RETRY_MS = 1000
"""How long a refused or unfinished close rests before the next one is sent."""


def close_parts(turn: Turn, cycle: Cycle, parts: Parts, why: str) -> Cycle:
    """Send a reduce-only market order for these parts, unless one is on its way; then the next turn tries
    again.
    """
    qty = sum((part for _, part in parts), ZERO)
    if cycle.close is not None or qty <= ZERO or turn.state.read_only:
        return cycle
    if not closable(turn, cycle, qty):
        return cycle
    made = cycle.closes_made + 1
    order = Order(close_id(cycle.id, made), qty, parts, Stage.SENT, sent=turn.at)
    cycle = replace(cycle, close=order, closes_made=made)
    turn.send(PlaceMarket(order.id, cycle.symbol, cycle.side, opens=False, qty=qty), cycle.id)
    turn.note("close", Level.MONEY, f"{name(cycle)}: closing {size(qty)} at market, {why}.", cycle)
    return cycle


def closable(turn: Turn, cycle: Cycle, qty: Decimal) -> bool:
    """A crumb below the exchange's minimum waits for the next reduce, unless it is all that is left."""
    return qty >= turn.instrument(cycle.symbol).min_qty or qty == cycle.held_qty


def close_fraction(turn: Turn, cycle: Cycle, fraction: Decimal, why: str) -> Cycle:
    """Close a fraction of the position, the trader's own legs first."""
    instrument = turn.instrument(cycle.symbol)
    qty = cycle.held_qty if fraction >= 1 else instrument.floor_qty(cycle.held_qty * fraction)
    return close_parts(turn, cycle, parts_of(cycle, qty, by_trader_first(cycle)), why)


def advance_close(turn: Turn, cycle: Cycle) -> Cycle:
    """Finish the close on its way; while the cycle is closing, send the next until nothing is held."""
    order = cycle.close
    if order is not None and is_over(order):
        wait = RETRY_MS if order.stage is Stage.REFUSED else 0
        cycle = replace(cycle, close=None, close_after=turn.at + wait)
    if cycle.closing and cycle.close is None and cycle.held_qty > ZERO and turn.at >= cycle.close_after:
        parts = parts_of(cycle, cycle.held_qty, by_trader_first(cycle))
        cycle = close_parts(turn, cycle, parts, cycle.closing)
    return cycle


def is_over(order: Order) -> bool:
    """Nothing more will come of this order: it was refused, or it ended and all it filled has been read."""
    return order.stage in (Stage.REFUSED, Stage.DONE)
