"""An entry in numbers, before it is sent: what it costs, what it makes of the position, what it can lose."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec.structs import replace

from engine.core.cycle import Cycle, Hand
from engine.core.exchange import Position, Tick
from engine.core.instrument import ZERO, Instrument, Side
from engine.core.ladder import next_leg
from engine.core.ledger import begin, enlarge, liquidation_of
from engine.core.margin import initial_margin, liquidation_price
from engine.core.settings import Ladder
from engine.core.stops import resting_stops, wanted_stops, worst_case


class Ticket(msgspec.Struct, frozen=True):
    """What an entry of `qty` at `price` comes to. `fee` is the opening one; `*_after` and `liquidation` are
    of the position that it makes or enlarges, `worst_before` and `worst_after` what that can lose, USDT.
    """

    price: Decimal
    qty: Decimal
    leverage: Decimal
    margin: Decimal
    fee: Decimal
    size_after: Decimal
    entry_after: Decimal
    liquidation: Decimal
    worst_before: Decimal
    worst_after: Decimal


def fill_price(tick: Tick, side: Side) -> Decimal:
    """Where an entry would be filled: at the touch, also as a limit order, which is placed there."""
    touch = tick.touch(buys=side is Side.LONG)
    return touch if touch is not None else tick.last


def weigh(
    before: Cycle | Position | None,
    instrument: Instrument,
    ladder: Ladder,
    *,
    side: Side,
    qty: Decimal,
    price: Decimal,
    leverage: Decimal,
    equity: Decimal,
    stop: Decimal | None = None,
) -> Ticket:
    """The ticket of an entry on top of `before`: a cycle, a position that is not managed, or nothing."""
    fee = instrument.taker * qty * price
    after = _after(before, instrument, ladder, side, qty, price, leverage, fee, equity)
    now = worst_case(before, instrument, resting_stops(before)) if isinstance(before, Cycle) else ZERO
    return Ticket(
        price=price,
        qty=qty,
        leverage=leverage,
        margin=initial_margin(qty, price, leverage),
        fee=fee,
        size_after=after.held_qty,
        entry_after=after.held_entry,
        liquidation=liquidation_of(after, instrument),
        worst_before=now,
        worst_after=_worst(after, instrument, ladder, stop),
    )


def _after(
    before: Cycle | Position | None,
    instrument: Instrument,
    ladder: Ladder,
    side: Side,
    qty: Decimal,
    price: Decimal,
    leverage: Decimal,
    fee: Decimal,
    equity: Decimal,
) -> Cycle:
    """The position as the fill would leave it."""
    if isinstance(before, Position):
        before = begin(before, cycle_id="", at=0, equity=equity, fee=ZERO, mode=ladder.stops)
    if before is not None:
        number, at = next_leg(before), before.opened
        return enlarge(
            before, number, qty=qty, price=price, fee=fee, leverage=leverage, by=Hand.TRADER, at=at
        )
    margin = initial_margin(qty, price, leverage)
    rate = instrument.maintenance(qty * price)
    held = Position(
        instrument.symbol,
        side,
        qty,
        price,
        margin,
        leverage,
        liquidation=liquidation_price(side, qty, price, margin, rate, instrument.taker),
        isolated=True,
        auto_margin=False,
        hedged=False,
        opened=0,
    )
    return begin(held, cycle_id="", at=0, equity=equity, fee=fee, mode=ladder.stops)


def _worst(after: Cycle, instrument: Instrument, ladder: Ladder, stop: Decimal | None) -> Decimal:
    """The worst case with the ladder's stops, the trader's own, and the one that comes with the entry."""
    wanted = wanted_stops(after, instrument, guard=ladder.guard, hard_stop=ladder.hard_stop)
    own = [] if stop is None else [(stop, None)]
    resting = [*((each.trigger, each.qty) for each in wanted), *own]
    return worst_case(after, instrument, [*resting, *resting_stops(replace(after, stops=()))])
