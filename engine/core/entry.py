"""Entries and exits that the trader asks for: checked, sized, sent at market or at the touch, re-priced, and
ended.

What an entry opens is the trader's own: the ladder adopts it like any other position.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2s
from typing import Final

from msgspec.structs import replace

from engine.core.actions import (
    CancelOrder,
    Level,
    LookUp,
    PlaceLimit,
    PlaceMarket,
    SetLeverage,
)
from engine.core.another import still_obeys
from engine.core.asking import question, say
from engine.core.brought import bring
from engine.core.cycle import Order, Stage, key_of
from engine.core.entering import Fit, reduced_instead, ticket_of
from engine.core.entering import fit as fitting
from engine.core.events import Enter, Exit
from engine.core.exchange import ABSENT, Accepted, Fill, OrderRow, OrderState, Refused
from engine.core.ids import ENTRY_PREFIX
from engine.core.instrument import ZERO, Side
from engine.core.limits import no_risk_because
from engine.core.refusal import CommandRefused
from engine.core.state import Entry, Step
from engine.core.stops import presets
from engine.core.ticket import Ticket
from engine.core.turn import Turn
from engine.core.words import amount, at_worst, price, refusal, size

CANCEL_MS: Final = 3000
"""How long a cancelled order may keep silent before it is looked up."""


def entry_id(command_id: str) -> str:
    """A short name made from the command's own id: the same command can never enter twice."""
    return b32encode(blake2s(command_id.encode(), digest_size=10).digest()).decode().lower()


def enter(turn: Turn, command: Enter, command_id: str, by: str, *, until: int = 0) -> str:
    """Begin an entry, or ask for it; it may begin `until` then also after a crash. Raises CommandRefused with
    what stands against it.
    """
    fit = fitting(turn, command)
    entry = Entry(
        entry_id(command_id),
        command.symbol,
        command.side,
        opens=True,
        want=fit.qty,
        leverage=fit.leverage,
        patient=command.patient,
        wait_ms=command.wait_s * 1000,
        tries=command.tries,
        stop=command.stop,
        by=by,
        step=Step.ASKING if command.ask else Step.PLACING,
        since=turn.at,
        onto=fit.cycle.id if fit.cycle is not None else "",
        command=command,
        until=until,
    )
    return _ask(turn, entry, command, fit) if command.ask else begin(turn, entry)


def begin(turn: Turn, entry: Entry) -> str:
    """The first request of an entry goes out."""
    cycle = turn.state.cycles.get(key_of(entry.symbol, entry.side))
    step = Step.PLACING if cycle is not None else Step.LEVERAGE
    entry = replace(entry, step=step, since=turn.at, approval=None)
    _put(turn, entry)
    if step is Step.LEVERAGE:
        work = SetLeverage(_leverage_id(entry), entry.symbol, entry.side, entry.leverage)
        turn.send(work, _owner(entry))
    else:
        _place(turn, entry)
    text = f"{entry.symbol} {entry.side.value}: entering {size(entry.want)} at {size(entry.leverage)}x"
    text += " at the touch" if entry.patient else " at market"
    told = f"{text}, asked by {entry.by}."
    turn.note("entry", Level.MONEY, told, cycle, symbol=entry.symbol, qty=entry.want)
    return f"{text}."


def _ask(turn: Turn, entry: Entry, command: Enter, fit: Fit) -> str:
    """The entry waits for the trader's yes, with its numbers as they are now."""
    ticket = ticket_of(turn, command, fit)
    approval = question(turn, id=entry.id, around=(fit.tick.mark,))
    _put(turn, replace(entry, approval=approval, ticket=ticket))
    text = (
        f"{entry.symbol} {entry.side.value}: an entry asks, by {entry.by}. {size(ticket.qty)} at "
        f"{size(ticket.leverage)}x, margin {amount(ticket.margin)}, about {price(ticket.price)}; liquidation "
        f"then {price(ticket.liquidation)}, worst case {at_worst(ticket.worst_after)}."
    )
    facts = {name: getattr(ticket, name) for name in Ticket.__struct_fields__}
    say(turn, text, id=entry.id, symbol=entry.symbol, asks="entry", cycle=fit.cycle, **facts)
    return f"{entry.symbol} {entry.side.value}: {size(ticket.qty)} waits for your yes."


def leave(turn: Turn, command: Exit, command_id: str, by: str) -> str:
    """Begin an exit at the touch; what is left after its tries goes at market. Raises CommandRefused."""
    state = turn.state
    if not still_obeys(state):
        raise CommandRefused(f"This engine is read-only: {state.read_only}.")
    cycle = state.cycles.get(key_of(command.symbol, command.side))
    if take_back(turn, command.symbol, command.side, by):
        if cycle is not None:
            turn.put(replace(cycle, closing=cycle.closing or f"exit by {by}", approval=None))
        held = ", and what is held goes at market" if cycle is not None else ""
        return f"{command.symbol} {command.side.value}: the entry is taken back{held}."
    if cycle is None:
        raise CommandRefused(f"{command.symbol} {command.side.value} is not a managed position.")
    if any((e.symbol, e.side) == (cycle.symbol, cycle.side) and not e.opens for e in state.entries.values()):
        raise CommandRefused(f"{command.symbol} {command.side.value} is being left already.")
    entry = Entry(
        entry_id(command_id),
        command.symbol,
        command.side,
        opens=False,
        want=cycle.held_qty,
        leverage=cycle.seen.leverage,
        patient=True,
        wait_ms=command.wait_s * 1000,
        tries=command.tries,
        stop=None,
        by=by,
        step=Step.PLACING,
        since=turn.at,
    )
    turn.put(replace(cycle, leaving=f"exit by {by}"))
    _put(turn, entry)
    _place(turn, entry)
    turn.note("exit", Level.MONEY, f"{command.symbol}: leaving at the touch, asked by {by}.", cycle)
    return f"{command.symbol} {command.side.value}: leaving at the touch."


def take_back(turn: Turn, symbol: str, side: Side, by: str) -> bool:
    """Whether an entry of this side was on its way. It goes no further: its order is cancelled, and what it
    has filled, or fills before that, is closed as soon as it is seen.
    """
    for entry in turn.state.entries.values():
        if entry.opens and (entry.symbol, entry.side) == (symbol, side) and entry.step is not Step.ASKING:
            _stop(turn, replace(entry, taken_back=entry.taken_back if entry.closes else by, keeps=False))
            return True
    return False


def take_back_rest(turn: Turn, entry: Entry, by: str) -> str:
    """An entry or exit goes no further: its order is cancelled, and what it has filled, or fills before that,
    stays as it is. Raises CommandRefused when that is to be closed already.
    """
    text = f"{entry.symbol} {entry.side.value}: "
    if entry.closes:
        raise CommandRefused(
            f"{text}it is taken back by {entry.taken_back}, and what it has filled is closed."
        )
    if not entry.taken_back:
        _stop(turn, replace(entry, taken_back=by, keeps=True))
    if not entry.patient and entry.order is not None:
        return f"{text}its order went at market, and cannot be cancelled; what it fills stays."
    if not entry.opens:
        return f"{text}the exit ends; what is still held stays."
    return f"{text}the rest of the entry is taken back; what it has filled stays."


def _stop(turn: Turn, entry: Entry) -> None:
    """It was taken back: at once where no order of it is out, else when its order is over."""
    _put(turn, entry)
    if entry.order is None:
        turn.forget(_leverage_id(entry))
        _give_up(turn, entry, _against(turn, entry))
    elif entry.step is Step.WORKING and entry.patient:
        _cancel(turn, entry)


def _owner(entry: Entry) -> str:
    return f"entry:{entry.id}"


def _leverage_id(entry: Entry) -> str:
    return f"{ENTRY_PREFIX}{entry.id}-lev"


def _put(turn: Turn, entry: Entry) -> None:
    turn.set(entries={**turn.state.entries, entry.id: entry})


def drop(turn: Turn, entry: Entry) -> None:
    turn.set(entries={k: e for k, e in turn.state.entries.items() if k != entry.id})


def _end(turn: Turn, entry: Entry, text: str, level: Level = Level.MONEY) -> None:
    drop(turn, entry)
    topic = "entry" if entry.opens else "exit"
    turn.note(topic, level, f"{entry.symbol} {entry.side.value}: {text}", symbol=entry.symbol)


def of_owner(turn: Turn, owner: str) -> Entry | None:
    """The entry that a pending action belongs to."""
    return turn.state.entries.get(owner.removeprefix("entry:")) if owner.startswith("entry:") else None


def _against(turn: Turn, entry: Entry) -> str:
    """Why it may not go on: it was taken back; or it opens, and the account says no, or the trader has opened
    the other side meanwhile.
    """
    if entry.taken_back:
        return f"taken back by {entry.taken_back}"
    if not entry.opens:
        return ""
    return no_risk_because(turn) or reduced_instead(turn.state, entry.symbol, entry.side)


def _place(turn: Turn, entry: Entry) -> None:
    """The next attempt: at market, or a limit order at the touch."""
    instrument = turn.instrument(entry.symbol)
    left = entry.want - entry.done
    tick = turn.fresh_tick(entry.symbol)
    touch = tick.touch(buys=(entry.side is Side.LONG) is entry.opens) if tick is not None else None
    if reason := _against(turn, entry):
        _give_up(turn, entry, reason)
        return
    if left < instrument.min_qty:
        _end(turn, entry, f"filled {size(entry.done)}.")
        return
    if entry.patient and touch is None:
        # no price to wait at: the timer tries again, and gives up after the wait of one attempt
        if turn.at - entry.since > entry.wait_ms:
            _give_up(turn, entry, "there is no fresh price")
        else:
            _put(turn, replace(entry, step=Step.PLACING, order=None))
        return
    entry = _with_stop(turn, entry)
    attempt = entry.attempt + 1
    name = f"{ENTRY_PREFIX}{entry.id}-{attempt}"
    order = Order(name, left, stage=Stage.SENT, sent=turn.at)
    limit = touch if entry.patient and touch is not None else ZERO
    _put(turn, replace(entry, step=Step.WORKING, order=order, attempt=attempt, since=turn.at, limit=limit))
    symbol, side, opens = entry.symbol, entry.side, entry.opens
    if entry.stop is not None:
        bring(turn, symbol, side, entry.stop)
    if entry.patient:
        turn.send(PlaceLimit(name, symbol, side, opens, left, limit, entry.stop), _owner(entry))
    else:
        turn.send(PlaceMarket(name, symbol, side, opens, left, entry.stop), _owner(entry))


def _with_stop(turn: Turn, entry: Entry) -> Entry:
    """The entry without its own stop where a nearer one rests for the whole position."""
    cycle = turn.state.cycles.get(key_of(entry.symbol, entry.side))
    if entry.stop is None or presets(cycle, entry.stop):
        return entry
    text = f"{entry.symbol} {entry.side.value}: the entry's stop at {price(entry.stop)} is not sent: the "
    text += "position's stop on Bitget is nearer, and the order would move it there."
    turn.note("entry", Level.MONEY, text, cycle, symbol=entry.symbol)
    return replace(entry, stop=None)


def answered(turn: Turn, entry: Entry, action: str, outcome: Accepted | Refused) -> None:
    """The exchange's definite answer to one of the entry's requests."""
    if entry.step is Step.LEVERAGE:
        if isinstance(outcome, Refused):
            why = refusal(outcome)
            _end(turn, entry, f"not entered, the leverage was refused. {why}", Level.WARNING)
        else:
            _place(turn, entry)
    elif action.startswith("cancel:"):
        if isinstance(outcome, Refused):
            _look(turn, entry)
    elif entry.order is not None and action == entry.order.id:
        if isinstance(outcome, Refused) and outcome.code == ABSENT and entry.opens:
            _never_arrived(turn, entry, refusal(outcome))
        elif isinstance(outcome, Refused):
            _give_up(turn, entry, refusal(outcome))
        else:
            _put(turn, replace(entry, order=replace(entry.order, order_id=outcome.order_id)))


def unheard(turn: Turn, entry: Entry) -> None:
    """No answer to a cancel: what became of the order is asked."""
    _look(turn, entry)


def may_begin_again(turn: Turn, entry: Entry, cause: str, until: int) -> bool:
    """Whether its leverage, of which nobody knows (for `cause`) whether it was set, may be set once more, at
    the latest `until`. An entry that may not begin any more ends, and tells why.
    """
    late = _late(turn, entry, until)
    if isinstance(late, str):
        why = f"nobody knows whether its leverage was set ({cause}), and now {late}"
        _end(turn, entry, f"not entered: {why}.", Level.WARNING)
    elif late is not None:
        _put(turn, replace(entry, want=late.qty))
    return isinstance(late, Fit)


def _late(turn: Turn, entry: Entry, until: int) -> Fit | str | None:
    """An entry that did not begin when it was asked for: every check is made again. What stands against it
    now, or None while that is not known.
    """
    state, command = turn.state, entry.command
    is_known = state.is_reconciled and state.links.get("private", False)
    if is_known and (against := no_risk_because(turn)):
        return against
    if command is None or turn.at >= max(entry.until, until):
        return "it is too late"
    if not is_known or turn.fresh_tick(entry.symbol) is None:
        return None
    try:
        return fitting(turn, replace(command, leverage=entry.leverage), but=entry.id)
    except CommandRefused as why:
        return str(why).rstrip(".")


def _never_arrived(turn: Turn, entry: Entry, why: str) -> None:
    """An order that certainly was not placed: what may begin late is asked for under a new name."""
    late = _late(turn, entry, entry.until) if entry.until and not entry.done else None
    if isinstance(late, Fit):
        _place(turn, replace(entry, want=late.qty, order=None))
    else:
        _give_up(turn, entry, why if late is None else f"{why}, and now {late}")


def _give_up(turn: Turn, entry: Entry, why: str) -> None:
    if _is_unseen(turn, entry):
        _put(turn, replace(entry, step=Step.PLACING, order=None))
        return
    if not entry.opens and not entry.taken_back:
        _end(turn, entry, f"left {size(entry.done)} at the touch; {why}." if entry.done else f"{why}.")
        _leave_rest(turn, entry)
        return
    did, level = _did(entry), Level.MONEY if entry.taken_back else Level.WARNING
    text = f"{did} {size(entry.done)} of {size(entry.want)}; {why}." if entry.done else f"not {did}: {why}."
    _end(turn, entry, text, level)


def _did(entry: Entry) -> str:
    return "entered" if entry.opens else "left"


def _is_unseen(turn: Turn, entry: Entry) -> bool:
    """Whether what it filled before it was taken back is not seen as a position yet: it stays in mind until
    then, so that the position is closed.
    """
    if not entry.closes or not entry.done or turn.at - entry.since > entry.wait_ms:
        return False
    return key_of(entry.symbol, entry.side) not in turn.state.cycles


def _leave_rest(turn: Turn, entry: Entry) -> None:
    """What an exit leaves open is closed, reduce-only; also what an order of a rung has added meanwhile."""
    cycle = turn.state.cycles.get(key_of(entry.symbol, entry.side))
    if cycle is not None and cycle.held_qty > ZERO:
        turn.put(replace(cycle, closing=cycle.closing or f"exit by {entry.by}"))


def saw_fill(turn: Turn, fill: Fill) -> None:
    """A fill of a working attempt."""
    for entry in turn.state.entries.values():
        order = entry.order
        if order is not None and fill.client_id == order.id:
            filled = replace(order, filled=order.filled + fill.qty, order_id=order.order_id or fill.order_id)
            _settle(turn, replace(entry, order=filled))
            return


def saw_order(turn: Turn, row: OrderRow) -> None:
    """News of a working attempt: it may have ended."""
    for entry in turn.state.entries.values():
        order = entry.order
        if order is None or row.client_id != order.id:
            continue
        over = row.state in (OrderState.FILLED, OrderState.CANCELLED, OrderState.FAILED)
        final = row.filled if over else order.final
        told = replace(entry, order=replace(order, order_id=row.order_id, final=final))
        cancelled_in_vain = entry.step is Step.CANCELLING and not over
        if cancelled_in_vain and f"cancel:{row.order_id}" not in turn.state.pending:
            told = replace(told, step=Step.WORKING, since=entry.since - entry.wait_ms)
        _settle(turn, told)
        return


def _settle(turn: Turn, entry: Entry) -> None:
    """Keep the entry as it is now; when its attempt is over, go on or end."""
    order = entry.order
    if order is None:
        return
    over = order.final is not None and order.filled >= order.final
    if order.filled < order.qty and not over:
        _put(turn, entry)
        return
    entry = replace(entry, done=entry.done + order.filled, order=None, step=Step.PLACING)
    if entry.done >= entry.want and not entry.closes:
        turn.forget(order.id)
        _end(turn, entry, f"{_did(entry)} {size(entry.done)}.")
        if not entry.opens and not entry.taken_back:
            _leave_rest(turn, entry)
    elif not entry.taken_back and (not entry.patient or entry.attempt >= entry.tries):
        _give_up(turn, entry, f"{size(entry.want - entry.done)} was not filled in {entry.attempt} tries")
    else:
        _place(turn, entry)


def watch_entries(turn: Turn) -> None:
    """Once a second: re-price what waited long enough, look up what keeps silent, end what may not go on."""
    for entry in turn.state.entries.values():
        age = turn.at - entry.since
        halted = bool(_against(turn, entry))
        if entry.step is Step.PLACING:
            _place(turn, entry)
        elif entry.step is Step.WORKING and entry.patient and (age >= entry.wait_ms or halted):
            _cancel(turn, entry)
        elif age >= CANCEL_MS and (entry.step is Step.CANCELLING or not entry.patient):
            _look(turn, entry)


def cancel_entries(turn: Turn) -> None:
    """Halt: working entries are taken back at once."""
    for entry in turn.state.entries.values():
        if entry.opens and entry.step is Step.WORKING and entry.patient:
            _cancel(turn, entry)


def _cancel(turn: Turn, entry: Entry) -> None:
    order = entry.order
    if order is None or not order.order_id:
        _look(turn, entry)
        return
    turn.send(CancelOrder(f"cancel:{order.order_id}", order.order_id, entry.symbol), _owner(entry))
    _put(turn, replace(entry, step=Step.CANCELLING, since=turn.at))


def _look(turn: Turn, entry: Entry) -> None:
    order = entry.order
    if order is not None and order.id not in turn.state.pending:
        turn.actions.append(LookUp(f"find:{order.id}", order.id, entry.symbol, False, 0))
        _put(turn, replace(entry, since=turn.at))
