"""Orders that rest on the exchange, as it lists them: ours read back, the trader's own respected, strangers
reported.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import CancelStop, Level, Reading
from engine.core.another import given, known_cycles, met
from engine.core.cover import drop_stop, is_covered, put_stop, rests, trader_moved
from engine.core.cycle import Cycle, Rest, Stop, Why, key_of
from engine.core.events import OrdersRead, StopSeen
from engine.core.exchange import OrderRow, OrderState, RestingOrder
from engine.core.ids import cycle_in, is_ours
from engine.core.shield import is_awaited
from engine.core.state import State
from engine.core.stops import is_nearer
from engine.core.sweep import sweep_read
from engine.core.turn import Turn
from engine.core.words import name, price

LIVE = (OrderState.LIVE, OrderState.PARTIAL)

THEIRS = 8
"""How many of the orders are remembered that stops of the trader became."""


def orders_read(turn: Turn, read: OrdersRead) -> None:
    """Hold all four lists of resting orders against the stops that we believe in."""
    by_client = {o.client_id: o for o in read.orders if o.client_id}
    by_order = {o.order_id: o for o in read.orders}
    for cycle in turn.state.cycles.values():
        found = cycle
        for stop in cycle.stops:
            order = by_client.get(stop.client_id) or by_order.get(stop.order_id)
            found = _held_against(turn, found, stop, order, read.asked)
        turn.put(replace(found, foreign=foreign_of(turn.state, cycle, read.orders)))
    turn.set(
        working={o.order_id: o for o in read.orders if not o.reduces and o.symbol in turn.state.instruments}
    )
    _strangers(turn, read)
    sweep_read(turn, read)


def foreign_of(state: State, cycle: Cycle, orders: tuple[RestingOrder, ...]) -> tuple[RestingOrder, ...]:
    """The orders that would reduce this cycle and are not this engine's: the trader's own, and those of
    another Ratchet.
    """
    known = known_cycles(state) - set(cycle.given)
    mine = {s.client_id for s in cycle.stops} | {s.order_id for s in cycle.stops if s.order_id}
    return tuple(
        o
        for o in orders
        if (o.symbol, o.side) == (cycle.symbol, cycle.side)
        and o.reduces
        and o.client_id not in mine
        and o.order_id not in mine
        and (not is_ours(o.client_id) or cycle_in(o.client_id) not in known)
    )


def _held_against(turn: Turn, cycle: Cycle, stop: Stop, order: RestingOrder | None, asked: int) -> Cycle:
    if order is not None:
        return _read_back(turn, cycle, stop, order, asked)
    changing = stop.state in (Rest.PLACING, Rest.TRIGGERED, Rest.GONE)
    if changing or stop.since >= asked:
        return cycle
    if stop.state is Rest.CANCELLING:
        return drop_stop(cycle, stop)
    # not in any list: it triggered, or somebody took it away; its own row tells which
    turn.look_up(stop.client_id, cycle.symbol, stop=True, after_ms=0)
    return put_stop(cycle, replace(stop, missing=True, confirmed=False))


def _read_back(turn: Turn, cycle: Cycle, stop: Stop, order: RestingOrder, asked: int) -> Cycle:
    """A stop of ours as it really read. Ours decides while our own change is younger than the reading."""
    if stop.since >= asked and stop.state is not Rest.PLACING:
        return cycle
    trigger = order.trigger if order.trigger is not None else stop.trigger
    read = replace(
        stop, state=Rest.RESTING, order_id=order.order_id, confirmed=True, missing=False, read_at=asked
    )
    if stop.state is Rest.TRIGGERED:
        return cycle
    if stop.state is Rest.CANCELLING:
        # cancelled, and it still rests: the request was lost; while an answer is due nobody knows
        due = f"{stop.client_id}/off" in turn.state.pending
        return cycle if due else put_stop(cycle, replace(read, since=turn.at))
    if stop.state is not Rest.RESTING or not stop.order_id:
        turn.forget(stop.client_id)
        return put_stop(cycle, replace(read, trigger=trigger, qty=order.qty, since=turn.at))
    if trigger == stop.trigger or trigger in stop.asked:
        # a move of ours that was lost, or that arrived late: the next cover brings it where it belongs
        return put_stop(cycle, replace(read, trigger=trigger, qty=order.qty))
    return _moved_by_hand(turn, put_stop(cycle, replace(read, trigger=trigger, qty=order.qty)), stop, trigger)


def _moved_by_hand(turn: Turn, cycle: Cycle, stop: Stop, trigger: Decimal) -> Cycle:
    if is_nearer(cycle.side, trigger, stop.trigger):
        turn.note(
            "trader",
            Level.MONEY,
            f"{name(cycle)}: you tightened the stop {price(stop.trigger)} → {price(trigger)}; it "
            "is kept as a floor.",
            cycle,
        )
        stops = tuple(replace(s, why=Why.TRADER) if s.client_id == stop.client_id else s for s in cycle.stops)
        return replace(cycle, stops=stops)
    return trader_moved(turn, cycle, f"the stop at {price(stop.trigger)} was loosened to {price(trigger)}")


def stop_seen(turn: Turn, seen: StopSeen) -> None:
    """The stream tells of a plan or TP/SL order."""
    order, row = seen.order, seen.row
    for cycle in turn.state.cycles.values():
        stop = find_stop(cycle, order.client_id, order.order_id)
        if stop is not None:
            if row.state in LIVE:
                turn.put(_read_live(turn, cycle, stop, order))
            else:
                turn.put(stop_ended(turn, cycle, stop, row))
            return
    if row.state in LIVE and not is_ours(order.client_id):
        for cycle in turn.state.cycles.values():
            if (order.symbol, order.side) == (cycle.symbol, cycle.side) and order.reduces:
                others = tuple(o for o in cycle.foreign if o.order_id != order.order_id)
                turn.put(replace(cycle, foreign=(*others, order)))
    elif row.state not in LIVE:
        for cycle in turn.state.cycles.values():
            if any(o.order_id == order.order_id for o in cycle.foreign):
                turn.put(
                    replace(cycle, foreign=tuple(o for o in cycle.foreign if o.order_id != order.order_id))
                )
    if row.child and not is_ours(order.client_id):
        hit = turn.state.cycles.get(key_of(order.symbol, order.side))
        if hit is not None and row.child not in hit.theirs:
            turn.put(replace(hit, theirs=(*hit.theirs, row.child)[-THEIRS:]))


def _read_live(turn: Turn, cycle: Cycle, stop: Stop, order: RestingOrder) -> Cycle:
    if stop.state is Rest.PLACING:
        turn.forget(stop.client_id)
        return rests(turn, cycle, replace(stop, state=Rest.RESTING, order_id=order.order_id, since=turn.at))
    if stop.state is not Rest.RESTING or order.trigger is None or order.trigger == stop.trigger:
        return cycle
    if order.trigger in stop.asked:
        turn.ask(Reading.ORDERS)
        return cycle
    moved = put_stop(cycle, replace(stop, trigger=order.trigger, qty=order.qty))
    return _moved_by_hand(turn, moved, stop, order.trigger)


def find_stop(cycle: Cycle, client_id: str, order_id: str) -> Stop | None:
    for stop in cycle.stops:
        if stop.client_id == client_id or (order_id and stop.order_id == order_id):
            return stop
    return None


def stop_ended(turn: Turn, cycle: Cycle, stop: Stop, row: OrderRow) -> Cycle:
    """A stop of ours that no longer rests: carried out, cancelled by us, or taken away."""
    turn.forget(stop.client_id)
    if row.state is OrderState.FILLED:
        if stop.state is Rest.TRIGGERED:
            return cycle
        return put_stop(cycle, replace(stop, state=Rest.TRIGGERED, child=row.child, since=turn.at))
    if stop.state is Rest.CANCELLING:
        return drop_stop(cycle, stop)
    if row.state is OrderState.FAILED:
        turn.note(
            "stop",
            Level.URGENT,
            f"{name(cycle)}: Bitget could not carry out the stop at {price(stop.trigger)}.",
            cycle,
        )
        return drop_stop(cycle, stop)
    if stop.state is Rest.GONE:
        return cycle
    return put_stop(cycle, replace(stop, state=Rest.GONE, since=turn.at))


def _strangers(turn: Turn, read: OrdersRead) -> None:
    """Orders in our id space that we did not send: left over from a cycle that ended, or another engine's."""
    known, theirs = known_cycles(turn.state), given(turn.state)
    unknown: list[str] = []
    for order in read.orders:
        owner = cycle_in(order.client_id)
        if turn.cycle(owner) is not None:
            _orphan(turn, order, read.asked)
        elif not owner or owner in theirs:
            continue
        elif owner in known or turn.state.take_over:
            _left_over(turn, order)
        else:
            unknown.append(order.client_id)
    if unknown:
        met(turn, unknown)


def _left_over(turn: Turn, order: RestingOrder) -> None:
    """A stop of a cycle that ended."""
    if order.trigger is not None and not turn.state.read_only and not is_awaited(turn.state, order):
        _take_off(turn, order)


def _take_off(turn: Turn, order: RestingOrder) -> None:
    off = f"{order.client_id}/off"
    if off not in turn.state.pending:
        work = CancelStop(off, order.order_id, order.client_id, order.symbol, order.kind)
        turn.send(work, cycle_in(order.client_id))


def _orphan(turn: Turn, order: RestingOrder, asked: int) -> None:
    """A stop of an open cycle that the cycle does not know: it arrived late, or its end was misread. It is in
    nobody's plan: once everything that is rests, it is cancelled.
    """
    cycle = turn.cycle(cycle_in(order.client_id))
    if cycle is None or order.trigger is None or turn.state.read_only:
        return
    known = find_stop(cycle, order.client_id, order.order_id) is not None
    young = cycle.moved >= asked or any(stop.since >= asked for stop in cycle.stops)
    if not (known or young or order.client_id in turn.state.pending) and is_covered(turn, cycle):
        _take_off(turn, order)
