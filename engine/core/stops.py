"""Where stops belong, and what the market can do at worst with the stops that really rest."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

import msgspec
from msgspec.structs import replace

from engine.core.cycle import Cycle, Leg, Rest, Why
from engine.core.exchange import OrderKind, RestingOrder
from engine.core.instrument import ONE, ZERO, Instrument, Side
from engine.core.ledger import breakeven, liquidation_in_force, net_so_far
from engine.core.margin import leg_limit
from engine.core.settings import StopMode
from engine.core.words import name, price, stops_rest


class Wanted(msgspec.Struct, frozen=True):
    """A stop that should rest: for `leg` with `qty`, or for the whole position (both None)."""

    leg: int | None
    qty: Decimal | None
    trigger: Decimal
    why: Why


def is_nearer(side: Side, one: Decimal, other: Decimal) -> bool:
    """Whether a stop at `one` fires before a stop at `other`, and so loses less."""
    return one > other if side is Side.LONG else one < other


def is_beyond(side: Side, mark: Decimal, trigger: Decimal) -> bool:
    """Whether the mark has reached a stop's trigger."""
    return mark <= trigger if side is Side.LONG else mark >= trigger


def guard_price(side: Side, liquidation: Decimal, guard: Decimal) -> Decimal | None:
    """The farthest place for a stop: `guard` (a fraction) of the liquidation price on the near side of it."""
    return liquidation * (ONE + side.d * guard) if liquidation > ZERO else None


def wanted_stops(
    cycle: Cycle, instrument: Instrument, *, guard: Decimal, hard_stop: bool = False
) -> tuple[Wanted, ...]:
    """The stops that the cycle's mode asks for now, nearest first, on the tick and never beyond the guard.

    Before the first rung there are none: liquidation is the stop by design, unless `hard_stop` puts one in
    front of it.
    """
    is_young = not cycle.rungs and not any(leg.locked for leg in cycle.legs)
    if not cycle.legs or (is_young and not hard_stop):
        return ()
    limit = guard_price(cycle.side, liquidation_in_force(cycle, instrument), guard)
    if is_young:
        bare = [] if limit is None else [Wanted(None, None, limit, Why.HARD)]
    else:
        bare = [_guarded(cycle.side, limit, wanted) for wanted in _by_mode(cycle, instrument)]
    wanted = [replace(w, trigger=instrument.stop_price(w.trigger, cycle.side)) for w in bare]
    wanted.sort(key=lambda w: (-cycle.side.d * w.trigger, w.leg or 0))
    return tuple(wanted)


def _guarded(side: Side, limit: Decimal | None, wanted: Wanted) -> Wanted:
    """`wanted`, never beyond the `limit` of the guard."""
    if limit is None or not is_nearer(side, limit, wanted.trigger):
        return wanted
    return replace(wanted, trigger=limit, why=Why.GUARD)


def _by_mode(cycle: Cycle, instrument: Instrument) -> Iterable[Wanted]:
    match cycle.mode:
        case StopMode.LEG_ENTRY | StopMode.LEG_NET:
            net = cycle.mode is StopMode.LEG_NET
            return [_for_leg(cycle, leg, instrument, net=net) for leg in cycle.legs]
        case StopMode.CYCLE_BREAKEVEN:
            return [Wanted(None, None, breakeven(cycle, instrument), Why.CYCLE)]
        case StopMode.PREVIOUS_ENTRY:
            return [Wanted(None, None, cycle.legs[max(-2, -len(cycle.legs))].entry, Why.PREVIOUS)]
        case _:
            assert_never(cycle.mode)


def _for_leg(cycle: Cycle, leg: Leg, instrument: Instrument, *, net: bool) -> Wanted:
    if not leg.locked:
        rate = instrument.maintenance(cycle.held_qty * cycle.held_entry)
        price = leg_limit(cycle.side, leg.entry, leg.leverage, rate, instrument.taker)
        return Wanted(leg.number, leg.qty, price, Why.OWN_MARGIN)
    if net:
        return Wanted(leg.number, leg.qty, leg_net_price(cycle.side, leg, instrument.taker), Why.NET)
    return Wanted(leg.number, leg.qty, leg.entry, Why.ENTRY)


def leg_net_price(side: Side, leg: Leg, taker: Decimal) -> Decimal:
    """Where closing the rest of a leg pays its own opening and closing fee and its funding:
    (d·q·E + t·q·E − funding) / (q·(d − t))."""
    notional = leg.qty * leg.entry
    return (side.d * notional + taker * notional - leg.funding) / (leg.qty * (side.d - taker))


def worst_case(
    cycle: Cycle, instrument: Instrument, resting: Iterable[tuple[Decimal, Decimal | None]]
) -> Decimal:
    """The cycle's net result in USDT if the market reverses through every stop, fees included, without
    slippage.

    `resting` holds (trigger, size; None for the whole position). What liquidation reaches first loses its
    margin.
    """
    d, t = cycle.side.d, instrument.taker
    qty, entry, margin = cycle.held_qty, cycle.held_entry, cycle.held_margin
    liquidation = liquidation_in_force(cycle, instrument)
    net = net_so_far(cycle)
    for trigger, size in sorted(resting, key=lambda stop: -d * stop[0]):
        if qty <= ZERO or (liquidation > ZERO and is_nearer(cycle.side, liquidation, trigger)):
            break
        close = qty if size is None else min(size, qty)
        net += d * close * (trigger - entry) - t * close * trigger
        margin -= margin * close / qty
        qty -= close
    return net - margin if qty > ZERO else net


def resting_stops(cycle: Cycle) -> list[tuple[Decimal, Decimal | None]]:
    """What rests on the exchange for this cycle, ours and the trader's own, as `worst_case` takes it."""
    ours = [(s.trigger, s.qty) for s in cycle.stops if s.state in (Rest.RESTING, Rest.MOVING, Rest.TRIGGERED)]
    return ours + [(trigger, order.qty) for trigger, order in foreign_stops(cycle)]


def what_protects(cycles: Iterable[Cycle]) -> str:
    """What holds without this machine, as a sentence; empty while nothing is under care."""
    held = [cycle for cycle in cycles if cycle.held_qty]
    number = sum(len(resting_stops(cycle)) for cycle in held)
    bare = [name(cycle) for cycle in held if not resting_stops(cycle)]
    if not number:
        return "No stop rests: liquidation is the stop." if held else ""
    without = f"; {', '.join(bare)}: no stop, liquidation is the stop" if bare else ""
    return f"{stops_rest(number)}{without}."


def foreign_stops(cycle: Cycle) -> list[tuple[Decimal, RestingOrder]]:
    """What rests for this cycle and is not this engine's, and ends a loss at market; with its trigger. A take
    profit lies ahead of the market, and where a trailing order or a plan lies is not told by its trigger.
    """
    return [
        (o.trigger, o)
        for o in cycle.foreign
        if o.trigger is not None and o.price is None and o.kind in (OrderKind.LOSS_PLAN, OrderKind.POS_LOSS)
    ]


def position_stop(cycle: Cycle) -> Decimal | None:
    """Where the one stop lies that Bitget keeps for the whole position, when that is not this engine's."""
    orders = (o for o in cycle.foreign if o.kind is OrderKind.POS_LOSS)
    return next((o.trigger for o in orders), None)


def presets(cycle: Cycle | None, stop: Decimal) -> bool:
    """Whether an order onto this cycle may bring its own stop: it moves the one of the position, whosever
    that is, and may not move it away from the market.
    """
    if cycle is None:
        return True
    ours = (s for s in cycle.stops if s.kind is OrderKind.POS_LOSS and s.state in (Rest.RESTING, Rest.MOVING))
    rests = [position_stop(cycle), *(s.trigger for s in ours)]
    return not any(trigger is not None and is_nearer(cycle.side, trigger, stop) for trigger in rests)


def left_alone(cycle: Cycle) -> str:
    """What is said of that one where another is placed beside it."""
    theirs = position_stop(cycle)
    at = f" at {price(theirs)}" if theirs is not None else ""
    return f" The position stop that is set on Bitget{at} is left alone."


def nearest_rest(cycle: Cycle) -> str:
    """What ends all of it first, as it rests now: `the stop at 97,000.0`, or `liquidation`."""
    whole = [trigger for trigger, qty in resting_stops(cycle) if qty is None or qty >= cycle.held_qty]
    first = max(whole, key=lambda trigger: cycle.side.d * trigger, default=None)
    return f"the stop at {price(first)}" if first is not None else "liquidation"
