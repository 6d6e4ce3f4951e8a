"""The ledger of legs, and beside it the exchange's own arithmetic for the one position that it knows.

Every function takes a cycle and returns the next one. Reducing realises at the exchange's average and
releases margin in proportion; the legs keep their own entries.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.cycle import Cycle, Hand, Leg, tally
from engine.core.exchange import Position
from engine.core.instrument import ZERO, Instrument
from engine.core.margin import initial_margin, liquidation_price
from engine.core.settings import StopMode

Parts = tuple[tuple[int, Decimal], ...]
"""Leg numbers and how much of each: what a reducing order takes."""

ROUNDING: Final = Decimal("1e-6")
"""How far the exchange's average entry may lie from ours only because digits were dropped."""


def size_of(parts: Parts) -> Decimal:
    """How much all parts together are."""
    return sum((qty for _, qty in parts), ZERO)


def begin(
    position: Position, *, cycle_id: str, at: int, equity: Decimal, fee: Decimal, mode: StopMode
) -> Cycle:
    """A cycle of one leg from a position as the exchange shows it. `equity` is the equity before its opening
    `fee`. What was added to its margin by hand is no part of the margin that a leg begins with.
    """
    leg = Leg(
        number=1,
        qty=position.qty,
        entry=position.entry,
        leverage=position.leverage,
        opened_qty=position.qty,
        opened=at,
        fees=fee,
    )
    return Cycle(
        id=cycle_id,
        symbol=position.symbol,
        side=position.side,
        opened=at,
        start_equity=equity,
        first_margin=min(position.margin, initial_margin(position.qty, position.entry, position.leverage)),
        mode=mode,
        legs=(leg,),
        held_qty=position.qty,
        held_entry=position.entry,
        held_margin=position.margin,
        seen=position,
        fees=fee,
        peak_qty=position.qty,
        first_entry=position.entry,
        first_leverage=position.leverage,
    )


def enlarge(
    cycle: Cycle,
    number: int,
    *,
    qty: Decimal,
    price: Decimal,
    fee: Decimal,
    leverage: Decimal,
    by: Hand,
    at: int,
) -> Cycle:
    """`qty` more at `price`, booked to leg `number`, which is made when it is new."""
    legs = {leg.number: leg for leg in cycle.legs}
    old = legs.get(number)
    if old is None:
        legs[number] = Leg(number, qty, price, leverage, qty, at, by, fees=fee)
    else:
        total = old.qty + qty
        legs[number] = replace(
            old,
            qty=total,
            entry=(old.qty * old.entry + qty * price) / total,
            opened_qty=old.opened_qty + qty,
            fees=old.fees + fee,
        )
    held = cycle.held_qty + qty
    return replace(
        cycle,
        legs=tuple(legs[n] for n in sorted(legs)),
        held_qty=held,
        held_entry=(cycle.held_qty * cycle.held_entry + qty * price) / held,
        held_margin=cycle.held_margin + initial_margin(qty, price, leverage),
        fees=cycle.fees + fee,
        peak_qty=max(cycle.peak_qty, held),
    )


def reduce(
    cycle: Cycle, parts: Parts, *, price: Decimal, fee: Decimal, profit: Decimal | None = None
) -> Cycle:
    """Close `parts` at `price`. `profit` is what the exchange says it realised; without it the average entry
    decides.

    Legs that reach zero leave the ledger.
    """
    d, total = cycle.side.d, size_of(parts)
    if total == ZERO:
        return cycle
    taken = dict(parts)
    legs = []
    own = ZERO
    for leg in cycle.legs:
        qty = taken.get(leg.number, ZERO)
        gain = d * qty * (price - leg.entry)
        own += gain
        if leg.qty > qty:
            legs.append(
                replace(
                    leg,
                    qty=leg.qty - qty,
                    fees=leg.fees + fee * qty / total,
                    realised=leg.realised + gain,
                )
            )
    held = cycle.held_qty - total
    return replace(
        cycle,
        legs=tuple(legs),
        held_qty=held,
        held_margin=cycle.held_margin * held / cycle.held_qty,
        realised=cycle.realised + (d * total * (price - cycle.held_entry) if profit is None else profit),
        own_realised=cycle.own_realised + own,
        fees=cycle.fees + fee,
    )


def parts_of(cycle: Cycle, qty: Decimal, order: tuple[int, ...]) -> Parts:
    """`qty` taken from the legs in this `order` of numbers, as far as they reach."""
    legs = {leg.number: leg.qty for leg in cycle.legs}
    parts = []
    for number in order:
        take = min(legs.get(number, ZERO), qty)
        if take > ZERO:
            parts.append((number, take))
            qty -= take
    return tuple(parts)


def unfilled(cycle: Cycle, parts: Parts, filled: Decimal) -> Parts:
    """What is left of `parts` after the first `filled` of them, as far as the legs still hold it."""
    legs, left = {leg.number: leg.qty for leg in cycle.legs}, []
    for number, part in parts:
        done = min(part, filled)
        filled -= done
        rest = min(part - done, legs.get(number, ZERO))
        if rest > ZERO:
            left.append((number, rest))
    return tuple(left)


def newest_first(cycle: Cycle) -> tuple[int, ...]:
    return tuple(leg.number for leg in reversed(cycle.legs))


def by_trader_first(cycle: Cycle) -> tuple[int, ...]:
    """The order in which a close by the trader's hand empties legs: the trader's newest adds first, then the
    newest leg.
    """
    own = [leg.number for leg in reversed(cycle.legs) if leg.by is Hand.TRADER and leg.number > 1]
    return tuple(own) + tuple(n for n in newest_first(cycle) if n not in own)


def lock(cycle: Cycle, *, but: int = 0) -> Cycle:
    """A rung has passed every leg that is open now, but for the one that it opened itself."""
    return replace(
        cycle, legs=tuple(replace(leg, locked=leg.locked or leg.number != but) for leg in cycle.legs)
    )


def fund(cycle: Cycle, amount: Decimal) -> Cycle:
    """Book a funding payment (signed, + received) to the cycle and its legs by size.

    The margin that it was taken from is the exchange's to tell: counted here too, it would be counted twice.
    """
    total = tally(cycle.legs)
    legs = tuple(
        replace(leg, funding=leg.funding + (amount * leg.qty / total if total else ZERO))
        for leg in cycle.legs
    )
    return replace(cycle, legs=legs, funding=cycle.funding + amount)


def left_over(cycle: Cycle, amount: Decimal) -> Cycle:
    """What a liquidation leaves of the margin goes to the risk fund: it is part of that cycle's result."""
    return replace(cycle, realised=cycle.realised + amount)


def liquidation_of(cycle: Cycle, instrument: Instrument) -> Decimal:
    """The liquidation price by our own arithmetic, 0 when there is none."""
    qty, entry = cycle.held_qty, cycle.held_entry
    rate = instrument.maintenance(qty * entry)
    return liquidation_price(cycle.side, qty, entry, cycle.held_margin, rate, instrument.taker)


def liquidation_in_force(cycle: Cycle, instrument: Instrument) -> Decimal:
    """The exchange's own number while its row describes the position that we hold; ours until it does."""
    if cycle.seen.qty == cycle.held_qty and cycle.seen.margin == cycle.held_margin:
        return cycle.seen.liquidation
    return liquidation_of(cycle, instrument)


def has_grown(cycle: Cycle) -> bool:
    """Whether the exchange's row tells of an add that is not booked: what reduces leaves the average as it
    is.
    """
    return abs(cycle.seen.entry - cycle.held_entry) > ROUNDING * cycle.held_entry


def net_so_far(cycle: Cycle) -> Decimal:
    """What the cycle has booked: realised − fees + funding."""
    return cycle.realised - cycle.fees + cycle.funding


def breakeven(cycle: Cycle, instrument: Instrument) -> Decimal:
    """The price at which closing everything, fees and funding included, returns the equity the cycle began
    with.
    """
    d, t, qty = cycle.side.d, instrument.taker, cycle.held_qty
    return (d * qty * cycle.held_entry - net_so_far(cycle)) / (qty * (d - t))
