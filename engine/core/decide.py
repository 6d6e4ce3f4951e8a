"""`decide`: the one function that turns what happened into what is believed and what is to be done.

Pure and total: the same state and event give the same decision, live, on paper, in a backtest and when a
journal is replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import assert_never

import msgspec
from msgspec.structs import replace

from engine.core.actions import Level, Note, Reading, Work
from engine.core.another import goes_on, order_met
from engine.core.approval import expire_questions
from engine.core.closing import advance_close
from engine.core.commands import commanded
from engine.core.cover import cover, watch_stops
from engine.core.cycle import Cycle, Stage
from engine.core.doubt import fills_read, resolve_doubt
from engine.core.entry import saw_fill, saw_order, watch_entries
from engine.core.events import (
    Answered,
    BalanceRead,
    BillSeen,
    Commanded,
    Event,
    FillSeen,
    FillsRead,
    Hindered,
    InstrumentsRead,
    LinkChanged,
    LookedUp,
    MarkReached,
    OrderSeen,
    OrdersRead,
    PositionsRead,
    SignalHeard,
    Started,
    StopSeen,
    Timer,
)
from engine.core.exchange import Bill, Fill
from engine.core.fills import claim, fill_seen, order_seen
from engine.core.flipping import advance_flips
from engine.core.in_order import has_to_wait, missed, told
from engine.core.instrument import ZERO, Instrument, Side
from engine.core.ledger import fund, left_over
from engine.core.limits import balance_read, roll, transferred, transferred_late
from engine.core.pending import answered, looked_up, restart, watch
from engine.core.positions import SAME_MOMENT_MS, bar, close_if_flat, positions_read
from engine.core.readings import watch_readings
from engine.core.refusal import CommandRefused
from engine.core.resting import orders_read, stop_seen
from engine.core.rung import advance, arm, expire, try_rung
from engine.core.settings import Settings
from engine.core.signals import signal_heard
from engine.core.state import UNREAD, State, in_order
from engine.core.stops import what_protects
from engine.core.turn import Turn
from engine.core.unclaimed import tell_unclaimed
from engine.core.words import money, name

EVERYTHING = (Reading.POSITIONS, Reading.ORDERS, Reading.BALANCE, Reading.FILLS, Reading.BILLS)
BILLS_KEPT = 500
FUNDING = "contract_settle_fee"
RISK_FUND = "risk_captital_user_transfer"
"""The business type of what is left after a liquidation, in Bitget's own spelling."""


class Decision(msgspec.Struct, frozen=True):
    """What follows from one event. `refused` is the sentence for the trader when a command was not carried
    out, `answer` when it was.
    """

    state: State
    actions: tuple[Work, ...]
    notes: tuple[Note, ...]
    answer: str = ""
    refused: str = ""


def first_state(settings: Settings) -> State:
    """What is believed before anything has happened: nothing."""
    return State(settings)


def decide(state: State, event: Event) -> Decision:
    """The next state, the actions to carry out (in this order), and what the trader is told."""
    turn = Turn(state, event)
    answer = refused = ""
    try:
        answer = _take_in(turn)
    except CommandRefused as why:
        turn = Turn(state, event)
        refused = str(why)
    else:
        _go_on(turn)
    turn.finish()
    return Decision(turn.state, tuple(turn.actions), tuple(turn.notes), answer, refused)


def _take_in(turn: Turn) -> str:
    body = turn.event.body
    match body:
        case Started():
            _started(turn, body)
        case InstrumentsRead(instruments):
            _instruments_read(turn, instruments)
        case BalanceRead(balance, asked):
            balance_read(turn, balance, asked)
            _mark_read(turn, "balance")
        case PositionsRead():
            positions_read(turn, body)
            claim(turn)
            tell_unclaimed(turn, body)
            if body.rest:
                _mark_read(turn, "positions")
        case OrdersRead():
            orders_read(turn, body)
            _mark_read(turn, "orders")
        case OrderSeen(row):
            order_met(turn, row.client_id)
            order_seen(turn, row)
            saw_order(turn, row)
        case StopSeen():
            stop_seen(turn, body)
        case FillSeen(fill, live):
            _fill_told(turn, fill, live=live)
        case FillsRead():
            told(turn, body)
            fills_read(turn, body)
        case BillSeen(bill):
            _bill_seen(turn, bill)
        case Answered():
            answered(turn, body)
        case LookedUp():
            looked_up(turn, body)
        case LinkChanged():
            _link_changed(turn, body)
        case Hindered():
            _hindered(turn, body)
        case Timer(reconcile):
            _timer(turn, reconcile=reconcile)
        case MarkReached():
            pass
        case SignalHeard():
            signal_heard(turn, body)
        case Commanded():
            return commanded(turn, body)
        case _:
            assert_never(body)
    return ""


def _instruments_read(turn: Turn, instruments: tuple[Instrument, ...]) -> None:
    """The contracts as they are now. That of a symbol which was taken off the list is kept as long as it is
    under care.
    """
    cared = {cycle.symbol for cycle in turn.state.cycles.values()}
    kept = {symbol: known for symbol, known in turn.state.instruments.items() if symbol in cared}
    turn.set(instruments=kept | {read.symbol: read for read in instruments})
    for cycle in turn.state.cycles.values():
        turn.put(bar(turn, cycle, cycle.seen))


def _fill_told(turn: Turn, fill: Fill, *, live: bool) -> None:
    is_new = fill.trade_id not in turn.state.trades_seen
    if live or (is_new and goes_on(turn.state)):
        order_met(turn, fill.client_id)
    if is_new and not has_to_wait(turn, fill, live=live):
        saw_fill(turn, fill)
        fill_seen(turn, fill, live=live)


def _go_on(turn: Turn) -> None:
    """Take every cycle as far as what is known now allows."""
    if not turn.state.instruments:
        return
    expire_questions(turn)
    for key in tuple(turn.state.cycles):
        cycle = _step(turn, turn.state.cycles[key])
        turn.put(cycle)
        close_if_flat(turn, cycle)
    advance_flips(turn)


def _step(turn: Turn, cycle: Cycle) -> Cycle:
    if not cycle.held_qty:
        return cycle
    cycle = resolve_doubt(turn, cycle)
    cycle = watch_stops(turn, cycle)
    cycle = advance_close(turn, cycle)
    if not cycle.held_qty or cycle.closing:
        return replace(cycle, rung=None, armed=None) if cycle.closing and _idle(cycle) else cycle
    cycle = advance(turn, cycle)
    cycle = expire(turn, cycle)
    if cycle.rung is None:
        cycle = arm(turn, cycle)
        cycle = try_rung(turn, cycle)
    covers = cycle.rung is None or cycle.is_untold or _waits_for_evidence(turn, cycle)
    return cover(turn, cycle) if covers else cycle


def _waits_for_evidence(turn: Turn, cycle: Cycle) -> bool:
    """Whether nobody knows what became of an order of its rung. That may last long, and what the trader adds
    or takes meanwhile is covered like at any other time.
    """
    rung = cycle.rung
    sent = (turn.state.pending.get(order.id) for order in (rung.bank, rung.add)) if rung is not None else ()
    return any(pending is not None and pending.cause for pending in sent)


def _idle(cycle: Cycle) -> bool:
    """Whether no order of a rung is on its way."""
    rung = cycle.rung
    return rung is not None and Stage.SENT not in (rung.bank.stage, rung.add.stage)


def _started(turn: Turn, body: Started) -> None:
    turn.state = in_order(turn.state)
    turn.set(
        settings=body.settings,
        version=body.version,
        take_over=body.take_over,
        read_only=body.read_only,
        hindered="",
        links={},
        unread=UNREAD,
        failing={},
    )
    missed(turn)
    restart(turn)
    turn.note("engine", Level.CHATTER, f"Engine {body.version} started on account {body.settings.account}.")
    turn.ask(*EVERYTHING)


def _mark_read(turn: Turn, what: str) -> None:
    unread = tuple(u for u in turn.state.unread if u != what)
    if unread != turn.state.unread:
        turn.set(unread=unread)


def _link_changed(turn: Turn, body: LinkChanged) -> None:
    """After a private stream was away, nothing is believed before it was read again."""
    was = turn.state.links.get(body.link)
    turn.set(links={**turn.state.links, body.link: body.up})
    if body.link == "private":
        missed(turn)
        turn.set(failing={})
    if body.up and body.link == "private":
        turn.ask(*EVERYTHING)
    if was is not False and not body.up:
        reason = f" ({body.reason})" if body.reason else ""
        text = f"The {body.link} stream is down{reason}. {what_protects(turn.state.cycles.values())}"
        turn.note("link", Level.WARNING, text.rstrip())
        if body.link == "private":
            turn.set(unread=UNREAD)
    elif was is False and body.up:
        turn.note("link", Level.CHATTER, f"The {body.link} stream is back.")


def _hindered(turn: Turn, body: Hindered) -> None:
    """Nothing adds risk while this machine may not be able to keep its promises; what reduces goes on."""
    if body.warning:
        turn.note("machine", Level.WARNING, body.warning)
    if body.reason == turn.state.hindered:
        return
    turn.set(hindered=body.reason)
    if body.reason:
        turn.note("machine", Level.URGENT, f"Nothing is added: {body.reason}. What rests on Bitget stays.")
    else:
        turn.note("machine", Level.WARNING, "What kept this machine from adding is over: the ladder goes on.")


def _timer(turn: Turn, *, reconcile: bool) -> None:
    roll(turn)
    watch(turn)
    watch_entries(turn)
    watch_readings(turn)
    if reconcile:
        turn.ask(*EVERYTHING)


def _bill_seen(turn: Turn, bill: Bill) -> None:
    """Funding belongs to its cycle, a transfer to nobody's result. A bill whose cycle is not known yet is
    told again.
    """
    if bill.bill_id in turn.state.bills_seen:
        return
    if bill.kind == RISK_FUND and not _book(turn, bill, left_over, _was_liquidated):
        return
    if bill.kind == FUNDING and not _funded(turn, bill):
        return
    turn.set(bills_seen=(*turn.state.bills_seen, bill.bill_id)[-BILLS_KEPT:])
    if bill.kind.startswith("trans_"):
        if bill.at <= turn.state.day.day_at:
            return
        turn.set(day=transferred(turn.state.day, bill.amount, bill.at))
        transferred_late(turn, bill.amount, bill.at)
        turn.note("transfer", Level.MONEY, f"Transfer {money(bill.amount)} USDT; daily figures exclude it.")


def _funded(turn: Turn, bill: Bill) -> bool:
    """Book funding to its cycle, unless its row has told it; False while nobody can say whose it is."""
    if any(c.doubt for c in turn.state.cycles.values() if c.symbol == bill.symbol):
        return False
    sides = _sides(turn, bill)
    if len(sides) > 1:
        for cycle in turn.state.cycles.values():
            if _was_open(cycle, bill):
                turn.put(replace(cycle, owed_at=max(cycle.owed_at, bill.at)))
        turn.ask(Reading.POSITIONS)
        return False

    def is_meant(cycle: Cycle, bill: Bill) -> bool:
        return _was_open(cycle, bill) and (not sides or cycle.side in sides)

    everyone = (*turn.state.cycles.values(), *turn.state.closed)
    if not any(is_meant(cycle, bill) and bill.at <= cycle.funded_at for cycle in everyone):
        _book(turn, bill, fund, is_meant)
    return True


def _sides(turn: Turn, bill: Bill) -> set[Side]:
    """The sides that this funding may be of; none in one-way mode. A bill does not tell: with a long and a
    short, the row of one does, for what a settlement takes from one side it gives to the other.
    """
    everyone = (*turn.state.cycles.values(), *turn.state.closed)
    hedged = [c for c in everyone if c.seen.hedged and _was_open(c, bill)]
    sides = {c.side for c in hedged}
    strangers = (u.position for u in turn.state.unmanaged.values())
    sides |= {p.side for p in strangers if p.hedged and p.symbol == bill.symbol and p.opened <= bill.at}
    if len(sides) > 1:
        for cycle in hedged:
            if cycle.row_funding and bill.at <= cycle.funded_at:
                same = (cycle.row_funding > ZERO) is (bill.amount > ZERO)
                return {cycle.side if same else cycle.side.opposite}
    return sides


def _word(kind: str) -> str:
    return "funding" if kind == FUNDING else "left over from the liquidation, to Bitget's risk fund,"


def _book(
    turn: Turn,
    bill: Bill,
    entry: Callable[[Cycle, Decimal], Cycle],
    is_meant: Callable[[Cycle, Bill], bool],
) -> bool:
    """Book a bill to the cycle that it is meant for, also when that has ended; False when there is none."""
    for cycle in turn.state.cycles.values():
        if is_meant(cycle, bill):
            turn.put(entry(cycle, bill.amount))
            turn.ask(Reading.POSITIONS)
            turn.note(
                "funding", Level.CHATTER, f"{name(cycle)}: {_word(bill.kind)} {money(bill.amount)}.", cycle
            )
            return True
    closed = turn.state.closed
    for index in reversed(range(len(closed))):
        if is_meant(closed[index], bill):
            turn.set(closed=(*closed[:index], entry(closed[index], bill.amount), *closed[index + 1 :]))
            return True
    return False


def _was_open(cycle: Cycle, bill: Bill) -> bool:
    return (
        cycle.symbol == bill.symbol
        and cycle.adopted <= bill.at
        and (not cycle.closed or bill.at <= cycle.exit_at)
    )


def _was_liquidated(cycle: Cycle, bill: Bill) -> bool:
    same_moment = any(abs(at - bill.at) <= SAME_MOMENT_MS for at in cycle.liquidations)
    return cycle.symbol == bill.symbol and same_moment
