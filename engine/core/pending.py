"""Requests and their answers. Only a definite business code is a refusal; everything else is Unknown until
evidence ends it.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import (
    CancelOrder,
    CancelStop,
    Level,
    MoveStop,
    PlaceLimit,
    PlaceMarket,
    PlaceStop,
    Reading,
    SetLeverage,
    Work,
)
from engine.core.closing import DUST, closable, close_parts, give_up_dust
from engine.core.cover import drop_stop, place_beside, put_stop, rests
from engine.core.cycle import Cycle, Order, Rest, Stage, Stop
from engine.core.entry import answered as entry_answered
from engine.core.entry import may_begin_again, of_owner, saw_order
from engine.core.entry import unheard as entry_unheard
from engine.core.events import Answered, LookedUp
from engine.core.exchange import ABSENT, Accepted, OrderKind, OrderRow, OrderState, Refused, Unknown
from engine.core.fills import settle, update_order
from engine.core.in_order import reads_from
from engine.core.ledger import newest_first, parts_of, size_of
from engine.core.limits import hold, no_risk_because
from engine.core.preconditions import has_gone_back, no_add_because, unclear_because
from engine.core.readings import reading_answered
from engine.core.resting import find_stop, stop_ended
from engine.core.rung import begin_again, begins_with, undo_add
from engine.core.state import Knowledge, Pending
from engine.core.turn import Turn
from engine.core.words import name, price, refusal, size

DUPLICATE: Final = frozenset({"40786", "40708", "43118", "45034"})
"""Bitget has seen this client id before: the first copy arrived."""
PASSED: Final = frozenset(
    {"40917", "45122", "40830", "40832", "40834", "40836", "43013", "43014", "43015", "43016"}
)
"""A stop's trigger is on the wrong side of the market: the market has passed it (WIRE §6)."""
NO_POSITION: Final = frozenset({"22002", "40757", "40837", "40838", "43023", "45006", "40773"})
"""There is nothing to close or to protect."""
TAKEN: Final = "43031"
"""The position has its one stop for everything already."""
NO_ORDER: Final = frozenset({"43025", "43020", "40768", "40109", "43001"})
"""The order to move or cancel is not there."""

REQUEST_LIFE_MS: Final = 30_000
"""A signed request can be accepted this long after it was made: only then is `not there` a proof."""
ANSWER_MS: Final = 10_000
"""How long an answer may take before it counts as lost."""
ADD_AGAIN_MS: Final = 10_000
"""How long a lost order that adds risk may be sent again under the same id."""
LOOK_BACK_MS: Final = 3_600_000
"""How far back trades and bills are read again although all of them have been told: some are booked late."""
STOP_TRIES: Final = 3
STOP_RETRY_MS: Final = 2000


def answered(turn: Turn, event: Answered) -> None:
    """Take in the answer to an action."""
    pending = turn.state.pending.get(event.id)
    if pending is None:
        _read_up_to(turn, event)
        return
    match event.outcome:
        case Accepted() as accepted:
            turn.forget(event.id)
            _accepted(turn, pending, accepted)
        case Refused() as refused if refused.code in DUPLICATE or _may_have_arrived(pending):
            # a reject that answers a re-send says nothing about the earlier copy
            known = refused.code if refused.code not in DUPLICATE else ""
            _unknown(turn, replace(pending, refused=known), f"refused a repeat ({refused.code})")
        case Refused() as refused:
            turn.forget(event.id)
            _refused(turn, pending, refused)
        case Unknown() as unknown:
            _unknown(turn, pending, unknown.cause)


def _may_have_arrived(pending: Pending) -> bool:
    """Whether an earlier copy may have done what the newest may not. Nothing hangs on that of a leverage."""
    return pending.sends > 1 and not isinstance(pending.work, SetLeverage)


def _read_up_to(turn: Turn, event: Answered) -> None:
    """A reading is over; after a whole one of trades or bills the next begins a while before its moment."""
    parts = event.id.split(":")
    if parts[0] == "read":
        reading_answered(turn, parts[1], event)
    if not isinstance(event.outcome, Accepted) or parts[0] != "read" or not turn.event.market:
        return
    since = min(int(parts[2]), turn.event.market) - LOOK_BACK_MS
    if parts[1] == Reading.FILLS:
        turn.set(fills_since=max(turn.state.fills_since, reads_from(turn.state, since)))
    elif parts[1] == Reading.BILLS:
        asked = max(turn.state.bills_at, int(parts[3]))
        turn.set(bills_since=max(turn.state.bills_since, since), bills_at=asked)
        hold(turn)


def _backoff(lookups: int) -> int:
    return int(min(250 * 2 ** min(lookups, 8), 8000))


def _unknown(turn: Turn, pending: Pending, cause: str) -> None:
    """Nobody knows: ask for evidence, soon and then less often."""
    work = pending.work
    if isinstance(work, (MoveStop, CancelStop)):
        turn.forget(work.id)
        turn.ask(Reading.ORDERS)
        return
    if isinstance(work, CancelOrder):
        turn.forget(work.id)
        if entry := of_owner(turn, pending.cycle):
            entry_unheard(turn, entry)
        else:
            turn.ask(Reading.ORDERS)
        return
    sets = isinstance(work, SetLeverage)
    if not pending.cause and not (sets and pending.sends > 1):
        then = "It is set again" if sets else "It is looked up at Bitget"
        turn.note(
            "unknown",
            Level.WARNING,
            f"{_what(work)}: no certain answer ({cause}). {then} until it is certain.",
            turn.cycle(pending.cycle),
        )
    wait = _backoff(pending.lookups)
    asked = replace(
        pending, known=Knowledge.UNKNOWN, cause=cause, lookups=pending.lookups + 1, asked=turn.at + wait
    )
    turn.set(pending={**turn.state.pending, work.id: asked})
    if isinstance(work, (PlaceMarket, PlaceLimit, PlaceStop)):
        turn.look_up(work.id, work.symbol, stop=isinstance(work, PlaceStop), after_ms=wait)


def _what(work: Work) -> str:
    match work:
        case PlaceMarket():
            verb = "opening" if work.opens else "closing"
            return f"{work.symbol}: {verb} {size(work.qty)}"
        case PlaceStop():
            return f"{work.symbol}: placing the stop at {price(work.trigger)}"
        case SetLeverage():
            return f"{work.symbol}: setting {size(work.leverage)}x"
        case _:
            return work.id


def _accepted(turn: Turn, pending: Pending, accepted: Accepted) -> None:
    if entry := of_owner(turn, pending.cycle):
        entry_answered(turn, entry, pending.work.id, accepted)
    cycle = turn.cycle(pending.cycle)
    if cycle is None:
        return
    work = pending.work
    match work:
        case PlaceMarket():
            turn.put(_on_order(turn, cycle, work.id, order_id=accepted.order_id))
        case PlaceStop():
            stop = find_stop(cycle, work.id, accepted.order_id)
            if stop is not None and stop.state is Rest.PLACING:
                placed = replace(stop, state=Rest.RESTING, order_id=accepted.order_id, since=turn.at)
                turn.put(replace(rests(turn, cycle, placed), stops_refused=0))
        case MoveStop():
            stop = find_stop(cycle, work.client_id, work.order_id)
            if stop is not None and stop.state is Rest.MOVING:
                moved = replace(stop, state=Rest.RESTING, since=turn.at)
                turn.put(replace(rests(turn, cycle, moved), stops_refused=0))
        case CancelStop():
            stop = find_stop(cycle, work.client_id, work.order_id)
            if stop is not None:
                turn.put(drop_stop(cycle, stop))
        case _:
            pass


def _on_order(turn: Turn, cycle: Cycle, client_id: str, *, order_id: str = "", refused: str = "") -> Cycle:
    """Tell the order of ours with this client id its number, or that it was refused."""

    def told(order: Order) -> Order:
        if refused:
            return replace(order, stage=Stage.REFUSED)
        return settle(turn, replace(order, order_id=order_id or order.order_id))

    rung = cycle.rung
    if rung is not None and client_id == rung.bank.id:
        return replace(cycle, rung=replace(rung, bank=told(rung.bank), reason=refused or rung.reason))
    if rung is not None and client_id == rung.add.id:
        return replace(cycle, rung=replace(rung, add=told(rung.add), reason=refused or rung.reason))
    if cycle.close is not None and client_id == cycle.close.id:
        return replace(cycle, close=told(cycle.close))
    return cycle


def _refused(turn: Turn, pending: Pending, refused: Refused) -> None:
    """A definite no: nothing happened, and the plan goes another way."""
    if entry := of_owner(turn, pending.cycle):
        entry_answered(turn, entry, pending.work.id, refused)
    cycle = turn.cycle(pending.cycle)
    if cycle is None:
        return
    work, reason = pending.work, refusal(refused)
    match work:
        case PlaceMarket() if refused.code == ABSENT and begins_with(cycle, work.id):
            turn.put(begin_again(turn, cycle))
        case PlaceMarket():
            turn.note(
                "refused", Level.URGENT, f"{_what(work)} was refused. {reason}", cycle, code=refused.code
            )
            turn.ask(Reading.POSITIONS, Reading.BALANCE, Reading.FILLS)
            cycle = _on_order(turn, cycle, work.id, refused=reason)
            if cycle.close is not None and cycle.close.id == work.id and refused.code in DUST:
                cycle = give_up_dust(turn, cycle, cycle.close)
            turn.put(cycle)
        case PlaceStop():
            stop = find_stop(cycle, work.id, "")
            if stop is not None:
                turn.put(_stop_refused(turn, drop_stop(cycle, stop), stop, refused, reason))
        case MoveStop():
            stop = find_stop(cycle, work.client_id, work.order_id)
            if stop is not None:
                turn.put(_move_refused(turn, cycle, stop, refused, reason))
        case CancelStop():
            turn.ask(Reading.ORDERS)
            stop = find_stop(cycle, work.client_id, work.order_id)
            if stop is not None and stop.state is Rest.CANCELLING:
                turn.put(put_stop(cycle, replace(stop, state=Rest.RESTING)))
        case _:
            pass


def _stop_refused(turn: Turn, cycle: Cycle, stop: Stop, refused: Refused, reason: str) -> Cycle:
    if refused.code in NO_POSITION and cycle.stops_refused < STOP_TRIES - 1:
        # either the position has just gone, which a reading shows, or Bitget is wrong: then it is a refusal
        turn.ask(Reading.POSITIONS, Reading.FILLS)
        tried = cycle.stops_refused + 1
        return replace(cycle, stops_refused=tried, stops_retry=turn.at + STOP_RETRY_MS)
    if refused.code == TAKEN and stop.qty is None:
        return place_beside(turn, cycle, stop)
    legs = (stop.leg,) if stop.leg is not None else newest_first(cycle)
    parts = parts_of(cycle, cycle.held_qty if stop.qty is None else stop.qty, legs)
    if refused.code in PASSED and cycle.is_untold:
        return replace(cycle, stops_retry=turn.at + STOP_RETRY_MS)
    if refused.code in PASSED:
        later = replace(cycle, stops_retry=turn.at + STOP_RETRY_MS) if turn.at < cycle.close_after else cycle
        return close_parts(turn, later, parts, f"the market has passed its stop at {price(stop.trigger)}")
    is_new = cycle.rung is not None and stop.leg == cycle.rung.leg
    if is_new and closable(turn, cycle, size_of(parts)):
        return undo_add(turn, cycle, reason)
    tries = cycle.stops_refused + 1
    turn.note(
        "stop refused",
        Level.URGENT,
        f"{name(cycle)}: the stop at {price(stop.trigger)} was refused. {reason}"
        + (" It is tried again." if tries < STOP_TRIES else " Place it by hand: Ratchet stops scaling here."),
        cycle,
        code=refused.code,
    )
    error = "" if tries < STOP_TRIES else "a stop was refused"
    return replace(
        cycle,
        stops_refused=tries,
        stops_retry=turn.at + STOP_RETRY_MS * (1 if tries < STOP_TRIES else 15),
        error=cycle.error or error,
    )


def _move_refused(turn: Turn, cycle: Cycle, stop: Stop, refused: Refused, reason: str) -> Cycle:
    turn.ask(Reading.ORDERS)
    legs = (stop.leg,) if stop.leg is not None else newest_first(cycle)
    if refused.code in PASSED and not cycle.is_untold:
        parts = parts_of(cycle, cycle.held_qty if stop.qty is None else stop.qty, legs)
        return close_parts(turn, cycle, parts, f"the market has passed its stop at {price(stop.trigger)}")
    if refused.code in NO_ORDER | NO_POSITION:
        turn.look_up(stop.client_id, cycle.symbol, stop=True, after_ms=0)
        return cycle
    turn.note("stop refused", Level.URGENT, f"{name(cycle)}: moving a stop was refused. {reason}", cycle)
    return replace(cycle, stops_retry=turn.at + STOP_RETRY_MS)


def looked_up(turn: Turn, event: LookedUp) -> None:
    """Evidence: the exchange knows the order, or does not."""
    pending = turn.state.pending.get(event.client_id)
    if event.row is not None:
        turn.forget(event.client_id)
        _found(turn, event.client_id, event.row, pending)
    elif pending is not None and pending.known is Knowledge.UNKNOWN:
        _not_there(turn, pending)
    else:
        _vanished(turn, event.client_id)


def _found(turn: Turn, client_id: str, row: OrderRow, pending: Pending | None) -> None:
    saw_order(turn, row)
    for cycle in turn.state.cycles.values():
        stop = find_stop(cycle, client_id, row.order_id)
        if stop is None:
            turn.put(update_order(turn, cycle, row))
        elif row.state in (OrderState.LIVE, OrderState.PARTIAL):
            if stop.state is Rest.PLACING:
                turn.put(
                    put_stop(cycle, replace(stop, state=Rest.RESTING, order_id=row.order_id, since=turn.at))
                )
        else:
            turn.put(stop_ended(turn, cycle, stop, row))
    if row.filled:
        turn.ask(Reading.FILLS, Reading.POSITIONS)
    if pending is not None and row.kind not in (OrderKind.MARKET, OrderKind.LIMIT):
        turn.ask(Reading.ORDERS)


def _not_there(turn: Turn, pending: Pending) -> None:
    """The exchange does not know the id (yet). The same id may be sent again; it is proven absent when no
    copy can arrive any more: the window of each is over, or it was refused itself.
    """
    work, age = pending.work, turn.at - pending.sent
    if turn.at - (pending.unsure if pending.refused else pending.sent) > REQUEST_LIFE_MS + ANSWER_MS:
        turn.forget(work.id)
        _refused(turn, pending, Refused(pending.refused or ABSENT, "no copy of the request arrived"))
        return
    if isinstance(work, PlaceStop) and pending.refused in PASSED:
        _close_what_it_protects(turn, pending, work)
        return
    if _is_late_bank(turn, pending) or not _is_wanted(turn, pending):
        _unknown(turn, pending, pending.cause)
        return
    if age >= _backoff(pending.sends):
        turn.send(work, pending.cycle)
    else:
        _unknown(turn, pending, pending.cause)


def _is_wanted(turn: Turn, pending: Pending) -> bool:
    """Whether a lost request may be sent again: not that of an entry which was taken back meanwhile."""
    work, entry = pending.work, of_owner(turn, pending.cycle)
    if entry is not None and entry.taken_back:
        return False
    adds = work if isinstance(work, (PlaceMarket, PlaceLimit)) and work.opens else None
    return adds is None or _may_add_again(turn, pending, adds.symbol)


def _may_add_again(turn: Turn, pending: Pending, symbol: str) -> bool:
    """Whether an order that adds risk may be sent again: soon, at a fresh price that is still that of its
    rung, with nothing against it.
    """
    is_late, tick = turn.at - pending.first_sent > ADD_AGAIN_MS, turn.fresh_tick(symbol)
    if is_late or tick is None or no_risk_because(turn):
        return False
    cycle = turn.cycle(pending.cycle)
    if cycle is None or cycle.rung is None or cycle.rung.add.id != pending.work.id:
        return True
    against = no_add_because(turn, cycle) or unclear_because(turn, cycle)
    return not (against or has_gone_back(turn, cycle, cycle.rung, tick.mark))


def _is_late_bank(turn: Turn, pending: Pending) -> bool:
    """Whether it is the bank of a rung whose price is gone, or not known: what takes a profit would book a
    loss. After a long time away the market is another.
    """
    cycle = turn.cycle(pending.cycle)
    if cycle is None or cycle.rung is None or cycle.rung.bank.id != pending.work.id:
        return False
    tick = turn.fresh_tick(cycle.symbol)
    return tick is None or has_gone_back(turn, cycle, cycle.rung, tick.mark)


def _close_what_it_protects(turn: Turn, pending: Pending, stop: PlaceStop) -> None:
    """The market has passed a stop whose first copy may still arrive: what it should protect is closed now,
    and the stop is not sent again.
    """
    _unknown(turn, pending, pending.cause)
    cycle = turn.cycle(pending.cycle)
    known = find_stop(cycle, stop.id, "") if cycle is not None else None
    if cycle is not None and known is not None and not cycle.is_untold:
        legs = (known.leg,) if known.leg is not None else newest_first(cycle)
        parts = parts_of(cycle, cycle.held_qty if stop.qty is None else stop.qty, legs)
        why = f"the market has passed its stop at {price(stop.trigger)}"
        turn.put(close_parts(turn, cycle, parts, why))


def _vanished(turn: Turn, client_id: str) -> None:
    """A stop that was resting is in no list and no history: somebody took it away."""
    for cycle in turn.state.cycles.values():
        stop = find_stop(cycle, client_id, "")
        if stop is not None and stop.state in (Rest.RESTING, Rest.MOVING):
            turn.put(put_stop(cycle, replace(stop, state=Rest.GONE, since=turn.at)))


def watch(turn: Turn) -> None:
    """An answer that does not come, and a look-up that was lost, are asked for again."""
    for pending in turn.state.pending.values():
        if pending.known is Knowledge.SENT and turn.at - pending.sent >= ANSWER_MS:
            _unknown(turn, pending, "no answer")
        elif isinstance(pending.work, SetLeverage):
            _set_again(turn, pending)
        elif pending.known is Knowledge.UNKNOWN and turn.at - pending.asked >= ANSWER_MS:
            _unknown(turn, pending, pending.cause)
    for cycle in turn.state.cycles.values():
        for order in (cycle.rung.bank, cycle.rung.add) if cycle.rung else ():
            _watch_order(turn, cycle, order)
        if cycle.close is not None:
            _watch_order(turn, cycle, cycle.close)


def _set_again(turn: Turn, pending: Pending) -> None:
    """The same leverage set twice is the same: it needs no evidence, only an entry that may still begin."""
    if pending.known is not Knowledge.UNKNOWN or turn.at < pending.asked:
        return
    entry, until = of_owner(turn, pending.cycle), pending.first_sent + ADD_AGAIN_MS
    if entry is not None and may_begin_again(turn, entry, pending.cause, until):
        turn.send(pending.work, pending.cycle)
    elif of_owner(turn, pending.cycle) is None:
        turn.forget(pending.work.id)


def _watch_order(turn: Turn, cycle: Cycle, order: Order) -> None:
    """Accepted, but its fills do not come: the stream may have lost them."""
    late = order.stage is Stage.SENT and order.id not in turn.state.pending
    if late and turn.at - order.sent >= 2000 and (turn.at - order.sent) // 1000 % 2 == 0:
        turn.look_up(order.id, cycle.symbol, stop=False, after_ms=0)
        turn.ask(Reading.FILLS, Reading.POSITIONS)


def restart(turn: Turn) -> None:
    """After a start nothing that was on its way is certain any more, and how long it has been is not known
    either: the time in which a request can still arrive begins anew.
    """
    for pending in turn.state.pending.values():
        lost = replace(
            pending,
            cause="",
            lookups=0,
            sent=turn.at,
            first_sent=pending.first_sent - ADD_AGAIN_MS,
            refused="",
            unsure=turn.at,
        )
        _unknown(turn, lost, "the engine was restarted")
