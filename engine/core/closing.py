"""Closing by us: reduce-only market orders outside the rungs, one at a time, until what should go is gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level, PlaceMarket
from engine.core.another import still_obeys
from engine.core.cycle import Cycle, Order, Stage
from engine.core.ids import close_id
from engine.core.instrument import ZERO
from engine.core.ledger import Parts, by_trader_first, parts_of, size_of, unfilled
from engine.core.turn import Turn
from engine.core.words import money, name, price, size

RETRY_MS = 1000
"""How long a refused or unfinished close rests before the next one; twice as long each time nothing fills."""
LONGEST_RETRY = 8
DUST: Final = frozenset({"45110", "45111", "43006"})
"""Bitget refuses an order because it is smaller than its minimum (WIRE §8)."""


def close_parts(turn: Turn, cycle: Cycle, parts: Parts, why: str) -> Cycle:
    """Send a reduce-only market order for these parts, unless one is on its way or has just failed; then a
    later turn tries again. An engine that may not trade sends none.
    """
    return cycle if turn.state.read_only else _send(turn, cycle, parts, why)


def close_by_hand(turn: Turn, cycle: Cycle, parts: Parts, why: str, *, asked: str = "") -> Cycle:
    """As `close_parts`, by the trader's order: also beside another engine. What one that was `asked` for
    leaves is sent after it.
    """
    return _send(turn, cycle, parts, why, asked) if still_obeys(turn.state) else cycle


def _send(turn: Turn, cycle: Cycle, parts: Parts, why: str, asked: str = "") -> Cycle:
    qty = size_of(parts)
    if cycle.close is not None or turn.at < cycle.close_after or not closable(turn, cycle, qty):
        return cycle
    made = cycle.closes_made + 1
    order = Order(close_id(cycle.id, made), qty, parts, Stage.SENT, sent=turn.at, asked=asked)
    cycle = replace(cycle, close=order, closes_made=made)
    turn.send(PlaceMarket(order.id, cycle.symbol, cycle.side, opens=False, qty=qty), cycle.id)
    turn.note("close", Level.MONEY, f"{name(cycle)}: closing {size(qty)} at market, {why}.", cycle)
    return cycle


def closable(turn: Turn, cycle: Cycle, qty: Decimal) -> bool:
    """A crumb below the exchange's minimum waits for the next reduce, unless it is all that is left."""
    if qty <= ZERO:
        return False
    price = turn.mark(cycle.symbol) or cycle.held_entry
    return qty == cycle.held_qty or turn.instrument(cycle.symbol).is_tradable(qty, price)


def close_fraction(turn: Turn, cycle: Cycle, fraction: Decimal, why: str) -> Cycle:
    """Close a fraction of the position, the trader's own legs first."""
    instrument = turn.instrument(cycle.symbol)
    qty = cycle.held_qty if fraction >= 1 else instrument.floor_qty(cycle.held_qty * fraction)
    return close_by_hand(turn, cycle, parts_of(cycle, qty, by_trader_first(cycle)), why, asked=why)


def advance_close(turn: Turn, cycle: Cycle) -> Cycle:
    """Finish the close on its way, and send what it left; while the cycle is closing, send the next until
    nothing is held.
    """
    order = cycle.close
    if order is not None and is_over(order):
        cycle = _ended(turn, cycle, order)
    rest = cycle.close
    if rest is not None and rest.stage is Stage.PLANNED and (cycle.closing or turn.at >= cycle.close_after):
        parts = unfilled(cycle, rest.parts, ZERO)
        cycle = replace(cycle, close=None)
        if not cycle.closing:
            cycle = close_by_hand(turn, cycle, parts, f"{rest.asked}, the rest", asked=rest.asked)
    if cycle.closing and cycle.close is None and cycle.held_qty > ZERO:
        parts = parts_of(cycle, cycle.held_qty, by_trader_first(cycle))
        cycle = close_by_hand(turn, cycle, parts, cycle.closing)
    return cycle


def _ended(turn: Turn, cycle: Cycle, order: Order) -> Cycle:
    """A close that did less than it should is told, and the next one waits. What is left of one that the
    trader asked for is planned: a refused one was told, and is the trader's to repeat. What is left of any
    other is a leg that needs its stop: where the market is beyond that, the next cover closes it, too.
    """
    if order.filled >= order.qty:
        _tell_result(turn, cycle, order)
        return replace(cycle, close=None, close_after=0, closes_empty=0)
    empty = 0 if order.filled else cycle.closes_empty + 1
    wait = RETRY_MS * min(2 ** max(empty - 1, 0), LONGEST_RETRY)
    rest = unfilled(cycle, order.parts, order.filled)
    again = order.stage is Stage.DONE and closable(turn, cycle, size_of(rest))
    if order.stage is Stage.DONE:
        then = "the rest is too little for an order and stays"
        if again:
            is_asked = order.asked or cycle.closing
            then = "the rest is tried again" if is_asked else "the rest is closed or gets its stop next"
        text = f"{name(cycle)}: closing {size(order.qty)} filled {size(order.filled)} only; {then}."
        turn.note("close", Level.URGENT, text, cycle)
    planned = Order(order.id, size_of(rest), rest, asked=order.asked) if again and order.asked else None
    return replace(cycle, close=planned, close_after=turn.at + wait, closes_empty=empty)


def _tell_result(turn: Turn, cycle: Cycle, order: Order) -> None:
    """What a part came to that the trader asked to close; of a whole position the end of its cycle tells."""
    if order.asked and cycle.held_qty:
        gain = f"{money(order.released_profit)} before fees"
        text = f"closed {size(order.filled)} @ {price(order.price)} ({gain}), {order.asked}"
        turn.note("reduced", Level.MONEY, f"{name(cycle)}: {text}.", cycle)


def give_up_dust(turn: Turn, cycle: Cycle, order: Order) -> Cycle:
    """Bitget takes no order as small as the last crumb: the cycle ends, and the crumb is the trader's."""
    instrument, price = turn.instrument(cycle.symbol), turn.mark(cycle.symbol) or cycle.held_entry
    crumb = order.qty < 2 * instrument.lot or not instrument.is_tradable(order.qty, price)
    if order.qty < cycle.held_qty or not crumb:
        return cycle
    turn.note(
        "close",
        Level.WARNING,
        f"{name(cycle)}: {size(cycle.held_qty)} is left, too little for an order on Bitget. It is not "
        "managed any more.",
        cycle,
    )
    return replace(cycle, close=None, legs=(), held_qty=ZERO, held_margin=ZERO, last_cause="dust")


def is_over(order: Order) -> bool:
    """Nothing more will come of this order: it was refused, or it ended and all it filled has been read."""
    return order.stage in (Stage.REFUSED, Stage.DONE)
