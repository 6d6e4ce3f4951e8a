"""Cover: bring the stops that rest to where they belong. Stops are placed and modified, never cancelled and
placed.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import CancelStop, Level, MoveStop, PlaceStop, Reading
from engine.core.closing import closable, close_parts
from engine.core.cycle import Cycle, Rest, Stop, Why
from engine.core.doubt import with_untold
from engine.core.exchange import OrderKind
from engine.core.ids import stop_id
from engine.core.in_order import is_linking
from engine.core.instrument import ZERO
from engine.core.ledger import has_grown, newest_first, parts_of, size_of
from engine.core.shield import is_shown, shield_due, shield_of, told_once
from engine.core.state import ANOTHER_ENGINE
from engine.core.stops import Wanted, is_beyond, is_nearer, left_alone, position_stop, wanted_stops
from engine.core.turn import Turn
from engine.core.words import name, price, size

BEYOND_MS = 5000
"""How long a price may stay beyond a stop that has not triggered before we close that part ourselves."""
PARTIAL_MS = 3000
"""How long a stop may stay half filled before the rest is closed at market."""
GONE_MS = 1000
"""How long a stop that vanished may be explained by its position closing before it is put back."""

ASKED = 8
"""How many of the triggers that were asked for are remembered."""

REBIRTH_MS = 5000
"""How long after a stop vanished the exchange may take to show that its position was closed and reopened."""

UNREAD_MS = 2000
"""How long an accepted stop may wait to be read back before it is asked for again."""

IN_FORCE = (Rest.PLACING, Rest.RESTING, Rest.MOVING)


def cover(turn: Turn, cycle: Cycle) -> Cycle:
    """Place what is missing, move what lies wrong, cancel what protects nothing, and close what the market
    has passed.
    """
    if not may_cover(turn, cycle):
        return cycle
    if cycle.is_untold:
        return _shield(turn, cycle)
    for wanted in wanted_now(turn, cycle):
        cycle = _bring(turn, cycle, wanted)
    return _cancel_spare(turn, cycle)


def may_cover(turn: Turn, cycle: Cycle) -> bool:
    """Whether stops may be sent. An engine that meets another one in the middle of a rung still covers what
    that rung has left bare.
    """
    read_only = turn.state.read_only
    finishing = read_only == ANOTHER_ENGINE and cycle.rung is not None
    return not (
        (read_only and not finishing)
        or cycle.hands_off
        or cycle.closed
        or "orders" in turn.state.unread
        or turn.at < cycle.stops_retry
    )


def wanted_now(turn: Turn, cycle: Cycle) -> tuple[Wanted, ...]:
    ladder, instrument = turn.state.settings.ladder, turn.instrument(cycle.symbol)
    cycle = with_untold(turn, cycle)
    stops = wanted_stops(cycle, instrument, guard=ladder.guard, hard_stop=ladder.hard_stop)
    return tuple(_sized(cycle, wanted) for wanted in stops)


def _sized(cycle: Cycle, wanted: Wanted) -> Wanted:
    """Bitget keeps one stop for the whole position. Where the trader has set it, or an entry has brought it,
    ours for everything has a size, and that one is left alone.
    """
    if wanted.leg is not None:
        return wanted
    stop = stop_for(cycle, None)
    is_taken = position_stop(cycle) is not None if stop is None else stop.kind is not OrderKind.POS_LOSS
    return replace(wanted, qty=_everything(cycle)) if is_taken else wanted


def _everything(cycle: Cycle) -> Decimal:
    return cycle.seen.qty if cycle.is_untold else cycle.held_qty


def is_covered(turn: Turn, cycle: Cycle, *, confirmed: bool = False) -> bool:
    """Whether every stop that the mode asks for rests (and was read back, when `confirmed`)."""
    return not cycle.is_untold and _all_rest(cycle, wanted_now(turn, cycle), confirmed=confirmed)


def _all_rest(cycle: Cycle, stops: tuple[Wanted, ...], *, confirmed: bool = False) -> bool:
    for wanted in stops:
        stop = stop_for(cycle, wanted.leg)
        if stop is None or stop.state is not Rest.RESTING or stop.qty != wanted.qty or stop.missing:
            return False
        if is_nearer(cycle.side, wanted.trigger, stop.trigger) or (confirmed and not stop.confirmed):
            return False
    return True


def is_passed(turn: Turn, cycle: Cycle) -> bool:
    """Whether the market has passed the place of a stop that is wanted: only closing would do its work."""
    mark = turn.mark(cycle.symbol)
    wanted = wanted_now(turn, cycle)
    return mark is not None and any(is_beyond(cycle.side, mark, stop.trigger) for stop in wanted)


def stop_for(cycle: Cycle, leg: int | None) -> Stop | None:
    in_force = (s for s in cycle.stops if s.leg == leg and s.state in IN_FORCE)
    return next((s for s in in_force if not is_of_the_past(cycle, s)), None)


def is_ending(cycle: Cycle, leg: int | None) -> bool:
    """Whether a stop for this leg has just triggered or vanished: its fills, or its fate, come first."""
    ending = (
        s for s in cycle.stops if s.state in (Rest.TRIGGERED, Rest.GONE) and not is_of_the_past(cycle, s)
    )
    return any(s.leg in (leg, None) for s in ending)


def is_of_the_past(cycle: Cycle, stop: Stop) -> bool:
    """Whether it died with a position of which the trades have not told yet."""
    return cycle.is_untold and stop.client_id != cycle.shield


def put_stop(cycle: Cycle, stop: Stop) -> Cycle:
    """`stop` in place of the one with its client id."""
    return replace(cycle, stops=tuple(stop if s.client_id == stop.client_id else s for s in cycle.stops))


def rests(turn: Turn, cycle: Cycle, stop: Stop) -> Cycle:
    """The exchange has `stop` now; when it was the last one on its way, all of them are read back."""
    cycle = put_stop(cycle, stop)
    if not any(s.state in (Rest.PLACING, Rest.MOVING) for s in cycle.stops):
        turn.ask(Reading.ORDERS)
    return cycle


def drop_stop(cycle: Cycle, stop: Stop) -> Cycle:
    return replace(cycle, stops=tuple(s for s in cycle.stops if s.client_id != stop.client_id))


def protected_qty(cycle: Cycle, stop: Stop) -> Decimal:
    return cycle.held_qty if stop.qty is None else stop.qty


def _bring(turn: Turn, cycle: Cycle, wanted: Wanted) -> Cycle:
    stop = stop_for(cycle, wanted.leg)
    trigger, why = wanted.trigger, wanted.why
    if is_ending(cycle, wanted.leg):
        return cycle
    if stop is not None and (stop.state is not Rest.RESTING or stop.missing):
        return cycle
    if stop is not None and not cycle.loosen and not is_nearer(cycle.side, trigger, stop.trigger):
        trigger, why = stop.trigger, stop.why
    if stop is not None and (stop.trigger, stop.qty) == (trigger, wanted.qty):
        return cycle
    mark = turn.mark(cycle.symbol)
    if mark is not None and is_beyond(cycle.side, mark, trigger):
        return cycle if cycle.is_untold else _close_passed(turn, cycle, wanted, trigger)
    if stop is None:
        return _place(turn, cycle, wanted)
    work = MoveStop(
        f"{stop.client_id}/{turn.at}",
        stop.order_id,
        stop.client_id,
        cycle.symbol,
        cycle.side,
        wanted.qty,
        trigger,
    )
    turn.send(work, cycle.id)
    moved = replace(
        stop,
        state=Rest.MOVING,
        trigger=trigger,
        qty=wanted.qty,
        why=why,
        since=turn.at,
        confirmed=False,
        asked=(*stop.asked[1 - ASKED :], trigger),
    )
    if trigger != stop.trigger:
        turn.note(
            "stop",
            Level.MONEY,
            f"{name(cycle)}: stop {_what(wanted)} {price(stop.trigger)} → {price(trigger)} ({why.value}).",
            cycle,
            **_facts(wanted, trigger, why),
            was=stop.trigger,
        )
    return put_stop(cycle, moved)


def _shield(turn: Turn, cycle: Cycle) -> Cycle:
    """Nothing is placed for legs that may be gone, and nothing is closed: one stop, for what Bitget shows."""
    if not shield_due(turn, cycle):
        return cycle
    wanted, made = shield_of(turn, cycle), cycle.stops_made
    if wanted is not None:
        cycle = _bring(turn, cycle, _sized(cycle, wanted))
    if cycle.stops_made > made:
        cycle = replace(cycle, shield=cycle.stops[-1].client_id)
    stop = stop_for(cycle, None)
    return told_once(turn, cycle, price(stop.trigger) if stop is not None else "")


def place_beside(turn: Turn, cycle: Cycle, refused: Stop) -> Cycle:
    """The stop for everything was refused, for Bitget has one already, of which no reading has told yet."""
    turn.ask(Reading.ORDERS)
    wanted = Wanted(refused.leg, _everything(cycle), refused.trigger, refused.why)
    placed = _place(turn, cycle, wanted)
    return replace(placed, shield=placed.stops[-1].client_id) if cycle.is_untold else placed


def _place(turn: Turn, cycle: Cycle, wanted: Wanted) -> Cycle:
    made = cycle.stops_made + 1
    kind = OrderKind.POS_LOSS if wanted.qty is None else OrderKind.LOSS_PLAN
    is_beside = wanted.leg is None and kind is OrderKind.LOSS_PLAN
    stop = Stop(
        stop_id(cycle.id, made),
        wanted.leg,
        wanted.qty,
        wanted.trigger,
        wanted.why,
        Rest.PLACING,
        kind=kind,
        since=turn.at,
        asked=(wanted.trigger,),
    )
    work = PlaceStop(stop.client_id, cycle.symbol, cycle.side, wanted.qty, wanted.trigger)
    turn.send(work, cycle.id)
    turn.note(
        "stop",
        Level.MONEY,
        f"{name(cycle)}: stop {_what(wanted)} at {price(wanted.trigger)} ({wanted.why.value})."
        + (beside := left_alone(cycle) if is_beside else ""),
        cycle,
        **_facts(wanted, wanted.trigger, wanted.why),
        beside=beside,
    )
    return replace(cycle, stops=(*cycle.stops, stop), stops_made=made)


def _facts(wanted: Wanted, trigger: Decimal, why: Why) -> dict[str, str]:
    """What a stop protects (empty: everything), where it lies and why."""
    return {"leg": str(wanted.leg or ""), "trigger": str(trigger), "why": why.value}


def _what(wanted: Wanted) -> str:
    sized = f", {size(wanted.qty)}," if wanted.qty is not None else ""
    return f"for everything{sized}" if wanted.leg is None else f"leg {wanted.leg}{sized}"


def _close_passed(turn: Turn, cycle: Cycle, wanted: Wanted, trigger: Decimal) -> Cycle:
    """The market has already passed the place of a stop: that part is closed at market instead."""
    legs = (wanted.leg,) if wanted.leg is not None else newest_first(cycle)
    parts = parts_of(cycle, cycle.held_qty if wanted.qty is None else wanted.qty, legs)
    return close_parts(turn, cycle, parts, f"the market has passed its stop at {price(trigger)}")


def _cancel_spare(turn: Turn, cycle: Cycle) -> Cycle:
    """Cancel stops of legs that are gone, and those of another mode: not before everything that is wanted
    rests, nor in a rung: a leg may be on its way that has no other stop yet, also of the rung right after. A
    stop for everything holds also what Bitget shows beyond the ledger, and stays until that is explained.
    """
    stops = wanted_now(turn, cycle)
    wanted = {w.leg for w in stops}
    ready = cycle.rung is None and not cycle.is_untold and _all_rest(cycle, stops)
    if ready and cycle.loosen:
        cycle = replace(cycle, loosen=False)
    legs = {leg.number for leg in cycle.legs} | wanted
    for stop in cycle.stops:
        protects_nothing = stop.leg is not None and stop.leg not in legs
        is_meant = bool(wanted) or (stop.client_id == cycle.shield and stop.why is not Why.TRADER)
        is_spare = protects_nothing or (is_meant and stop.leg not in wanted)
        holds_more = stop.leg is None and cycle.doubt is not None and cycle.seen.qty > cycle.held_qty
        if stop.state is Rest.RESTING and ready and is_spare and not holds_more:
            work = CancelStop(f"{stop.client_id}/off", stop.order_id, stop.client_id, cycle.symbol, stop.kind)
            turn.send(work, cycle.id)
            cycle = put_stop(cycle, replace(stop, state=Rest.CANCELLING, since=turn.at))
    return cycle


def watch_stops(turn: Turn, cycle: Cycle) -> Cycle:
    """What only time tells: a stop that the price has passed without filling, one that filled in part, one
    that vanished.
    """
    mark = turn.mark(cycle.symbol)
    for stop in cycle.stops:
        if stop.state is Rest.RESTING and not stop.confirmed and turn.at - stop.since >= UNREAD_MS:
            turn.ask(Reading.ORDERS)
        if stop.state is Rest.RESTING and mark is not None:
            cycle = _watch_beyond(turn, cycle, stop, mark)
        elif is_of_the_past(cycle, stop):
            continue
        elif stop.state is Rest.TRIGGERED and turn.at - stop.since >= PARTIAL_MS:
            cycle = _close_rest(turn, cycle, stop)
        elif stop.state is Rest.GONE and not stop.outlived:
            turn.ask(Reading.POSITIONS)
        elif stop.state is Rest.GONE and turn.at - stop.since >= GONE_MS and not is_linking(cycle):
            cycle = _answer_gone(turn, cycle, stop)
    return cycle


def _close_rest(turn: Turn, cycle: Cycle, stop: Stop) -> Cycle:
    """What a stop that was carried out did not close goes at market; what it may have closed unheard does
    not.
    """
    qty = _left_of(turn, cycle, stop)
    if qty <= ZERO:
        turn.ask(Reading.POSITIONS, Reading.FILLS)
        return cycle
    legs = (stop.leg,) if stop.leg is not None else newest_first(cycle)
    parts = parts_of(cycle, qty, legs)
    if not parts:
        return drop_stop(cycle, stop)
    if cycle.close is not None:
        return cycle
    text = f"{name(cycle)}: the stop at {price(stop.trigger)} filled only in part."
    turn.note("stop", Level.URGENT, text, cycle)
    return close_parts(turn, drop_stop(cycle, stop), parts, "the rest of a stop that filled in part")


def _left_of(turn: Turn, cycle: Cycle, stop: Stop) -> Decimal:
    """How much of it is not closed: all that is not booked when every trade is told, else what Bitget has
    shown since more than the stops that were carried out should leave. What the trader may have added
    meanwhile is not.
    """
    whole = protected_qty(cycle, stop)
    if not turn.state.untold and cycle.doubt is None:
        return whole
    if not stop.outlived or not is_shown(cycle) or has_grown(cycle):
        return ZERO
    done = sum((protected_qty(cycle, s) for s in cycle.stops if s.state is Rest.TRIGGERED), ZERO)
    return min(whole, cycle.seen.qty - max(ZERO, cycle.held_qty - done))


def _watch_beyond(turn: Turn, cycle: Cycle, stop: Stop, mark: Decimal) -> Cycle:
    if not is_beyond(cycle.side, mark, stop.trigger):
        return put_stop(cycle, replace(stop, beyond_since=0)) if stop.beyond_since else cycle
    if not stop.beyond_since:
        turn.ask(Reading.POSITIONS, Reading.ORDERS, Reading.FILLS)
        return put_stop(cycle, replace(stop, beyond_since=turn.at))
    waited = turn.at - stop.beyond_since
    if waited < BEYOND_MS or cycle.close is not None:
        return cycle
    if stop.read_at <= stop.beyond_since:
        # it may have done its work unseen: only a reading from after the crossing shows that it still rests
        turn.ask(Reading.ORDERS, Reading.FILLS)
        return cycle
    legs = (stop.leg,) if stop.leg is not None else newest_first(cycle)
    parts = parts_of(cycle, protected_qty(cycle, stop), legs)
    if not closable(turn, cycle, size_of(parts)):
        return cycle
    turn.note(
        "stop",
        Level.URGENT,
        f"{name(cycle)}: the price is beyond the stop at {price(stop.trigger)} and Bitget has not "
        "triggered it.",
        cycle,
    )
    return close_parts(turn, cycle, parts, "its stop did not trigger")


def outlive(cycle: Cycle, asked: int) -> Cycle:
    """A stop dies with its position: a reading that was `asked` for after its end, and shows the position,
    tells that somebody took it away, or what it has left.
    """
    ended = [s for s in cycle.stops if s.state in (Rest.GONE, Rest.TRIGGERED) and s.since < asked]
    for stop in ended:
        cycle = put_stop(cycle, replace(stop, outlived=True))
    return cycle


def _answer_gone(turn: Turn, cycle: Cycle, stop: Stop) -> Cycle:
    """The trader took a stop away: it is put back once; the second time the cycle is the trader's."""
    cycle = drop_stop(cycle, stop)
    leg_is_open = stop.leg is None or any(leg.number == stop.leg for leg in cycle.legs)
    died_with_its_position = cycle.reborn and cycle.reborn >= stop.since - REBIRTH_MS
    explained = (cycle.doubt is not None or died_with_its_position) and stop.client_id != cycle.shield
    if not leg_is_open or not cycle.held_qty or explained:
        return cycle
    return trader_moved(turn, cycle, f"the stop at {price(stop.trigger)} was taken away")


def trader_moved(turn: Turn, cycle: Cycle, what: str) -> Cycle:
    """One answer to a stop loosened or taken away by hand: put back once, then hands off."""
    if cycle.put_back == 0:
        turn.note("stop", Level.URGENT, f"{name(cycle)}: {what}; it is put back once.", cycle)
        return replace(cycle, put_back=1)
    turn.note(
        "stop",
        Level.URGENT,
        f"{name(cycle)}: {what} again. Ratchet leaves the stops to you and stops scaling; unpause "
        "gives them back.",
        cycle,
    )
    return replace(cycle, paused="trader moved the stop", hands_off=True)
