"""A rung: armed, due, checked, carried out step by step, finished. Each step ends when its fill is read, not
when it is accepted.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level, PlaceMarket, Reading
from engine.core.arming import bank_order
from engine.core.asking import over_because, question, say
from engine.core.closing import closable, close_parts
from engine.core.cover import cover, is_covered, is_passed
from engine.core.cycle import Armed, Cycle, Order, Part, Rung, Stage
from engine.core.events import MarkReached
from engine.core.ids import add_id, bank_id
from engine.core.instrument import ONE, ZERO
from engine.core.ladder import (
    add_margin,
    add_qty,
    bank_parts,
    is_reached,
    next_leg,
    trigger_price,
)
from engine.core.ledger import Parts, lock, parts_of, size_of
from engine.core.preconditions import (
    add_block,
    blocked_because,
    leverage_block,
    no_add_because,
    unclear_because,
)
from engine.core.settings import Rungs, Sequence
from engine.core.stops import resting_stops, worst_case
from engine.core.turn import Turn
from engine.core.words import amount, at_worst, money, name, price, size

STEPS = {
    Sequence.BANK_FIRST: (Part.BANK, Part.COVER, Part.ADD, Part.FINAL),
    Sequence.ADD_FIRST: (Part.ADD, Part.BANK, Part.FINAL),
}

WAIT_MS: Final = 10_000
"""How long after its beginning a rung may wait for what its add has to know."""


def arm(turn: Turn, cycle: Cycle) -> Cycle:
    """Make the next rung ready, so that its crossing waits for nothing; nothing is armed for a leg that has
    fired. A price changes nothing of what is armed.
    """
    if cycle.armed is not None and isinstance(turn.event.body, MarkReached):
        return cycle
    if cycle.rung is not None or not cycle.legs or cycle.front.number <= cycle.fired:
        return replace(cycle, armed=None) if cycle.armed is not None and cycle.rung is None else cycle
    armed = _armed_for(turn, cycle, _names(cycle))
    if armed.trigger <= ZERO:
        # the fixed grid of a short ends above zero: there is no further rung
        return replace(cycle, armed=None) if cycle.armed is not None else cycle
    return cycle if armed == cycle.armed else replace(cycle, armed=armed)


def _armed_for(turn: Turn, cycle: Cycle, names: tuple[str, str]) -> Armed:
    """The next rung of a cycle with these legs."""
    ladder, instrument = turn.state.settings.ladder, turn.instrument(cycle.symbol)
    trigger, parts = trigger_price(cycle, ladder, instrument), bank_parts(cycle, ladder, instrument)
    return Armed(cycle.rungs + 1, cycle.front.number, trigger, *names, parts)


def _names(cycle: Cycle) -> tuple[str, str]:
    """The client ids of the next rung. Those that were armed for this leg stay, whoever made them up: an
    order may have been sent under them.
    """
    armed, front = cycle.armed, cycle.front.number
    if armed is not None and armed.front == front:
        return armed.bank_id, armed.add_id
    return bank_id(cycle.id, front), add_id(cycle.id, front)


def try_rung(turn: Turn, cycle: Cycle) -> Cycle:
    """Start the armed rung if the mark has reached it and nothing stands against it."""
    armed, tick = cycle.armed, turn.fresh_tick(cycle.symbol)
    if armed is None or tick is None or cycle.rung is not None or cycle.close is not None:
        return cycle
    if not is_reached(cycle, tick.mark, armed.trigger):
        return replace(cycle, blocked="") if cycle.blocked else cycle
    reason = blocked_because(turn, cycle, tick)
    if reason:
        return _block(turn, cycle, armed, reason)
    cycle = replace(cycle, blocked="") if cycle.blocked else cycle
    if turn.state.settings.ladder.rungs is Rungs.ASK:
        return _ask(turn, cycle, armed, tick.mark)
    return start(turn, cycle, tick.mark)


def _block(turn: Turn, cycle: Cycle, armed: Armed, reason: str) -> Cycle:
    if _in_words(reason) == _in_words(cycle.blocked):
        return cycle
    turn.note(
        "blocked",
        Level.WARNING,
        f"{name(cycle)}: rung {armed.number} at {price(armed.trigger)} is blocked: {reason}. It "
        "is ready again when "
        "that ends.",
        cycle,
        reason=reason,
    )
    return replace(cycle, blocked=reason)


def _in_words(reason: str) -> str:
    """A reason without its numbers, which move with the market."""
    return "".join(letter for letter in reason if not letter.isdigit() and letter not in ".,")


def _ask(turn: Turn, cycle: Cycle, armed: Armed, mark: Decimal) -> Cycle:
    if cycle.approval is not None:
        return cycle
    ladder, balance = turn.state.settings.ladder, turn.state.balance
    margin = add_margin(cycle, ladder, balance.equity if balance else None)
    text = (
        f"{name(cycle)}: rung {armed.number} asks. Bank {size(size_of(armed.bank))}, add {amount(margin)} "
        "USDT margin."
    )
    say(turn, text, id=cycle.id, symbol=cycle.symbol, asks="rung", cycle=cycle, rung=armed.number)
    around = (armed.trigger, mark)
    asked = question(turn, id=cycle.id, rung=armed.number, front=armed.front, around=around)
    return replace(cycle, approval=asked)


def expire(turn: Turn, cycle: Cycle) -> Cycle:
    """An asked rung that was not answered in time, or whose price left its band, is a no. One that was asked
    for another front leg than that of now is none any more.
    """
    approval = cycle.approval
    if approval is None:
        return cycle
    is_of_now = bool(cycle.legs) and cycle.front.number == approval.front
    why = over_because(turn, cycle.symbol, approval) if is_of_now else "the position has changed since"
    if not why:
        return cycle
    text = f"{name(cycle)}: rung {approval.rung} is not run: {why}."
    turn.note("approval", Level.WARNING, text, cycle, approval=cycle.id)
    fired = approval.front if is_of_now else cycle.fired
    return replace(cycle, approval=None, fired=fired, armed=None)


def begin(turn: Turn, cycle: Cycle, armed: Armed, mark: Decimal, share: Decimal = ONE) -> Cycle:
    """The armed rung as a plan under way, with nothing sent yet; it adds `share` of its margin."""
    ladder, instrument = turn.state.settings.ladder, turn.instrument(cycle.symbol)
    margin = share * add_margin(cycle, ladder, turn.state.balance.equity if turn.state.balance else None)
    rung = Rung(
        armed.number,
        armed.front,
        armed.trigger,
        turn.at,
        STEPS[ladder.sequence],
        bank=Order(armed.bank_id, size_of(armed.bank), armed.bank),
        add=Order(armed.add_id, add_qty(margin, cycle.seen.leverage, mark, instrument)),
        add_margin=margin,
        worst_before=worst_case(cycle, instrument, resting_stops(cycle)),
        leg=next_leg(cycle),
    )
    return replace(cycle, rung=rung, armed=None, approval=None, fired=armed.front, blocked="")


def recall(turn: Turn, cycle: Cycle, client_id: str, mark: Decimal) -> Cycle:
    """A fill of an armed order that we do not remember sending: the crossing was lost in a crash, its order
    was not.
    """
    armed = _armed_as(turn, cycle, client_id)
    if armed is None:
        return cycle
    begun = begin(turn, cycle, armed, mark)
    rung = begun.rung
    if rung is None:
        return cycle
    first = "bank" if client_id == armed.bank_id else "add"
    sent = replace(rung.bank if first == "bank" else rung.add, stage=Stage.SENT, sent=turn.at)
    return replace(begun, rung=replace(rung, **{first: sent}))


def _armed_as(turn: Turn, cycle: Cycle, client_id: str) -> Armed | None:
    """What was armed under the name of this order: now, or for an earlier leg, before one of the trader's was
    heard of.
    """
    armed = cycle.armed
    if armed is None or client_id in (armed.bank_id, armed.add_id):
        return armed
    for leg in cycle.legs:
        names = bank_id(cycle.id, leg.number), add_id(cycle.id, leg.number)
        if client_id in names and leg.number > cycle.fired:
            then = replace(cycle, legs=tuple(each for each in cycle.legs if each.number <= leg.number))
            return _armed_for(turn, then, names)
    return None


def start(turn: Turn, cycle: Cycle, mark: Decimal, share: Decimal = ONE) -> Cycle:
    """Fire: the rung is under way, adding `share` of its margin, and its first order goes out."""
    armed = cycle.armed
    if armed is None:
        return cycle
    turn.note(
        "rung",
        Level.MONEY,
        f"{name(cycle)}: mark {price(mark)} reached rung {armed.number} at {price(armed.trigger)}.",
        cycle,
        rung=armed.number,
        trigger=armed.trigger,
    )
    return advance(turn, begin(turn, cycle, armed, mark, share))


def advance(turn: Turn, cycle: Cycle) -> Cycle:
    """Take the rung as far as what is known allows."""
    while (rung := cycle.rung) is not None and rung.steps:
        before = cycle
        match rung.steps[0]:
            case Part.BANK:
                cycle = _bank(turn, cycle, rung)
            case Part.ADD:
                cycle = _add(turn, cycle, rung)
            case Part.COVER:
                cycle = _cover(turn, cycle, rung)
            case Part.FINAL:
                cycle = _finish(turn, cycle, rung)
            case Part.UNDO:
                cycle = _undo(turn, cycle, rung)
        if cycle == before or cycle.rung is None or cycle.rung.steps == rung.steps:
            return cycle
    return cycle


def _next(cycle: Cycle, rung: Rung) -> Cycle:
    return replace(cycle, rung=replace(rung, steps=rung.steps[1:]))


def _bank(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    order = rung.bank
    if order.stage is Stage.PLANNED:
        parts = _still_there(cycle, order.parts)
        work = bank_order(cycle, order.id, parts)
        if not work.qty:
            return _give_up(turn, cycle, rung, "the legs to bank are gone")
        turn.send(work, cycle.id)
        order = replace(order, stage=Stage.SENT, sent=turn.at, parts=parts, qty=work.qty)
        return replace(cycle, rung=replace(rung, bank=order))
    if order.stage in (Stage.DONE, Stage.REFUSED) and not order.filled:
        return _give_up(turn, cycle, rung, rung.reason or "the bank order was refused")
    if order.stage in (Stage.DONE, Stage.REFUSED):
        return _next(lock(cycle, but=rung.leg), rung)
    return cycle


def _still_there(cycle: Cycle, parts: Parts) -> Parts:
    legs = {leg.number: leg.qty for leg in cycle.legs}
    return tuple((n, min(qty, legs[n])) for n, qty in parts if n in legs)


def _cover(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    cycle = cover(turn, cycle)
    if not cycle.held_qty:
        return replace(cycle, rung=None)
    if cycle.hands_off:
        return _give_up(turn, cycle, rung, "the stops are in your hands")
    if _cannot_cover(turn, cycle):
        return _leave_bare(turn, cycle, rung)
    return _next(cycle, rung) if is_covered(turn, cycle) else cycle


def _add(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    order = rung.add
    if order.stage is Stage.PLANNED:
        if Part.BANK not in rung.steps and not is_covered(turn, cycle):
            # what is wanted has moved since: the trader traded, and the liquidation with it
            return replace(cycle, rung=replace(rung, steps=(Part.COVER, *rung.steps)))
        return _send_add(turn, cycle, rung)
    if order.stage is Stage.SENT:
        return cycle
    if order.filled:
        return _next(replace(cycle, rungs=cycle.rungs + 1), rung)
    late = f"it came late to Bitget, and closed {size(order.against)} of a {cycle.side.opposite.value}"
    return _without_add(turn, cycle, rung, rung.reason or (late if order.against else "the add was refused"))


def _send_add(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    instrument, tick = turn.instrument(cycle.symbol), turn.fresh_tick(cycle.symbol)
    if reason := no_add_because(turn, cycle):
        return _without_add(turn, cycle, rung, reason)
    unclear = unclear_because(turn, cycle)
    if tick is None or unclear:
        # the bank is done and covered; the add waits a little for what it has to know, never for long
        if turn.at - rung.at < WAIT_MS:
            return cycle
        return _without_add(turn, cycle, rung, unclear or "the market data is stale")
    qty = add_qty(rung.add_margin, cycle.seen.leverage, tick.mark, instrument)
    against = leverage_block(turn, cycle)
    if reason := against or add_block(turn, cycle, instrument, tick.mark, credit=_not_yet_read(turn, rung)):
        return _without_add(turn, cycle, rung, reason)
    order = replace(rung.add, qty=qty, stage=Stage.SENT, sent=turn.at)
    turn.send(PlaceMarket(order.id, cycle.symbol, cycle.side, opens=True, qty=qty), cycle.id)
    return replace(cycle, rung=replace(rung, add=order))


def _not_yet_read(turn: Turn, rung: Rung) -> Decimal:
    """What the bank gave back, as long as the balance that we know is older than it."""
    return rung.bank.released if turn.state.balance_at < rung.bank.done_at else ZERO


def _without_add(turn: Turn, cycle: Cycle, rung: Rung, reason: str) -> Cycle:
    kept = "Nothing is banked." if Part.BANK in rung.steps else "What was banked stays banked and covered."
    turn.note(
        "rung",
        Level.WARNING,
        f"{name(cycle)}: rung {rung.number} ends without its add: {reason}. {kept}",
        cycle,
        reason=reason,
    )
    steps = tuple(step for step in rung.steps if step is not Part.ADD)
    if Part.BANK in steps:
        return replace(cycle, rung=None)
    return replace(cycle, rung=replace(rung, steps=steps, reason=reason))


def begins_with(cycle: Cycle, client_id: str) -> bool:
    """Whether a rung is under way of which this bank is all that was sent."""
    rung = cycle.rung
    return rung is not None and client_id == rung.bank.id and not (rung.bank.filled or rung.add.filled)


def begin_again(turn: Turn, cycle: Cycle) -> Cycle:
    """No copy of its bank came to Bitget, so that nothing has happened: the rung is ready again."""
    rung = cycle.rung
    if rung is None:
        return cycle
    text = f"{name(cycle)}: rung {rung.number} has not begun: no copy of its order came to Bitget."
    turn.note("rung", Level.WARNING, f"{text} It is ready again.", cycle)
    return replace(cycle, rung=None, fired=rung.front - 1)


def _give_up(turn: Turn, cycle: Cycle, rung: Rung, reason: str) -> Cycle:
    turn.note(
        "rung",
        Level.URGENT,
        f"{name(cycle)}: rung {rung.number} is given up: {reason}.",
        cycle,
        reason=reason,
    )
    turn.ask(Reading.POSITIONS, Reading.ORDERS, Reading.FILLS)
    if rung.add.filled:
        return replace(lock(cycle, but=rung.leg), rung=replace(rung, steps=(Part.FINAL,), reason=reason))
    return replace(cycle, rung=None)


def _finish(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    cycle = cover(turn, cycle)
    if not cycle.held_qty or cycle.hands_off:
        return replace(cycle, rung=None)
    if is_covered(turn, cycle, confirmed=True):
        _tell(turn, cycle, rung)
        return replace(cycle, rung=None)
    return _leave_bare(turn, cycle, rung) if _cannot_cover(turn, cycle) else cycle


def _cannot_cover(turn: Turn, cycle: Cycle) -> bool:
    """Whether what is bare can only be closed, by an engine that trades nothing."""
    return bool(turn.state.read_only) and is_passed(turn, cycle)


def _leave_bare(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    text = f"{name(cycle)}: rung {rung.number} ends without its stop: the market has passed its place"
    turn.note("rung", Level.URGENT, f"{text}, and {turn.state.read_only}: nothing is closed.", cycle)
    return replace(lock(cycle, but=rung.leg), rung=None)


def undo_add(turn: Turn, cycle: Cycle, reason: str) -> Cycle:
    """The new leg's stop cannot be placed: the leg is closed again."""
    rung = cycle.rung
    if rung is None or not rung.add.filled or Part.UNDO in rung.steps:
        return cycle
    turn.note(
        "rung",
        Level.URGENT,
        f"{name(cycle)}: no stop could be placed for the new leg ({reason}); it is closed again.",
        cycle,
    )
    return replace(cycle, rung=replace(rung, steps=(Part.UNDO, Part.FINAL), reason=reason))


def _undo(turn: Turn, cycle: Cycle, rung: Rung) -> Cycle:
    leg = next((leg for leg in cycle.legs if leg.number == rung.leg), None)
    if leg is None:
        return _next(cycle, rung)
    if not closable(turn, cycle, leg.qty):
        # the crumb of a leg stays, and its stop is tried again
        return _next(cycle, rung)
    return close_parts(turn, cycle, parts_of(cycle, leg.qty, (leg.number,)), "its stop was refused")


def _tell(turn: Turn, cycle: Cycle, rung: Rung) -> None:
    instrument = turn.instrument(cycle.symbol)
    worst = worst_case(cycle, instrument, resting_stops(cycle))
    banked, added = rung.bank, rung.add
    text = f"{name(cycle)}: rung {rung.number} done. Banked {size(banked.filled)} @ {price(banked.price)}"
    profit = banked.released_profit
    text += (
        f": realised {money(profit)}, margin released {amount(banked.released_margin)}, cash "
        f"freed {money(banked.released)}."
    )
    if added.filled:
        gone = all(leg.number != rung.leg for leg in cycle.legs)
        text += f" Added {size(added.filled)} @ {price(added.price)}{', closed again since' if gone else ''}."
    text += f" Worst case {at_worst(rung.worst_before)} → {at_worst(worst)}."
    if worst >= ZERO:
        text += " RISK-FREE."
    turn.note(
        "rung done",
        Level.MONEY,
        text,
        cycle,
        rung=rung.number,
        realised=profit,
        released=banked.released_margin,
        freed=banked.released,
        added=added.filled,
        worst=worst,
    )
