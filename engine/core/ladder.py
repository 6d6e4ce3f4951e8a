"""The ladder itself: where the next rung is, what it banks, what it adds, and what the account looks like
afterwards.
"""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from engine.core.cycle import Cycle, Hand, Leg
from engine.core.instrument import ONE, ZERO, Instrument, floor_to
from engine.core.ledger import Parts, enlarge, lock, reduce, size_of
from engine.core.settings import Add, Bank, Basis, Ladder, Sequence


def trigger_price(cycle: Cycle, ladder: Ladder, instrument: Instrument) -> Decimal:
    """The mark at which the next rung fires: E_front·(1 + d·roe/L), or E_1·(1 + d·k·roe/L) on a fixed grid.

    With `net` the return counts after both taker fees: E·(d + t + roe/L) / (d − t).
    """
    d = cycle.side.d
    entry, move = cycle.front.entry, ladder.roe / cycle.front.leverage
    if ladder.basis is Basis.FIXED_GRID:
        entry, leverage = first_of(cycle)
        move = ladder.roe / leverage
        move *= _line(cycle, entry, move)
    if ladder.net:
        t = instrument.taker
        return entry * (d + t + move) / (d - t)
    return entry * (ONE + d * move)


def first_of(cycle: Cycle) -> tuple[Decimal, Decimal]:
    """Entry and leverage that the cycle began with, also when its first leg is gone."""
    first = cycle.legs[0]
    return cycle.first_entry or first.entry, cycle.first_leverage or first.leverage


def _line(cycle: Cycle, entry: Decimal, move: Decimal) -> Decimal:
    """Which line of the grid is next: beyond the newest leg, for a gap over several lines makes one rung."""
    passed = cycle.side.d * (cycle.front.entry / entry - ONE) / move
    return max(Decimal(cycle.rungs), floor_to(passed, ONE)) + ONE


def is_reached(cycle: Cycle, mark: Decimal, trigger: Decimal) -> bool:
    """Whether the mark is at or past the trigger, in favour of the position."""
    return (mark - trigger) * cycle.side.d >= ZERO


def bank_parts(cycle: Cycle, ladder: Ladder, instrument: Instrument) -> Parts:
    """What a rung closes: the fraction of each banked leg, floored to the lot."""
    legs: tuple[Leg, ...]
    match ladder.bank:
        case Bank.FRONT:
            legs = (cycle.front,)
        case Bank.ALL:
            legs = cycle.legs
        case Bank.ORIGINAL:
            legs = cycle.legs[:1]
        case _:
            assert_never(ladder.bank)
    parts = ((leg.number, instrument.floor_qty(leg.qty * ladder.bank_fraction)) for leg in legs)
    return tuple((number, qty) for number, qty in parts if qty > ZERO)


def add_margin(cycle: Cycle, ladder: Ladder, equity: Decimal | None) -> Decimal:
    """The margin of the next leg, USDT: that of the first leg as the account really held it, or a share of
    equity.
    """
    if ladder.add is Add.FIRST_MARGIN or equity is None:
        return cycle.first_margin
    return equity * ladder.add_fraction


def add_qty(margin: Decimal, leverage: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """margin · L / price, floored to the lot."""
    return instrument.floor_qty(margin * leverage / price)


def next_leg(cycle: Cycle) -> int:
    """The number of the leg that would be opened next: never one that was used before."""
    reserved = cycle.rung.leg if cycle.rung else 0
    return max([cycle.fired, reserved, *(leg.number for leg in cycle.legs)]) + 1


def after_rung(
    cycle: Cycle,
    ladder: Ladder,
    instrument: Instrument,
    *,
    price: Decimal,
    leverage: Decimal,
    equity: Decimal | None = None,
    share: Decimal = ONE,
) -> Cycle:
    """The cycle as a whole rung filled at exactly `price` would leave it, with `share` of its add: the
    preview, and the worked examples.
    """
    parts = bank_parts(cycle, ladder, instrument)
    banked = size_of(parts)
    added = add_qty(share * add_margin(cycle, ladder, equity), leverage, price, instrument)
    number = next_leg(cycle)

    def bank(before: Cycle) -> Cycle:
        return reduce(before, parts, price=price, fee=instrument.taker * banked * price)

    def add(before: Cycle) -> Cycle:
        fee = instrument.taker * added * price
        return enlarge(
            before,
            number,
            qty=added,
            price=price,
            fee=fee,
            leverage=leverage,
            by=Hand.LADDER,
            at=cycle.opened,
        )

    passed = lock(cycle)
    done = add(bank(passed)) if ladder.sequence is Sequence.BANK_FIRST else bank(add(passed))
    return replace(done, rungs=cycle.rungs + 1, fired=cycle.front.number)
