"""An event or an action as one line, in the trader's words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.core import words
from engine.core.actions import (
    CancelOrder,
    CancelStop,
    Level,
    LookUp,
    MoveStop,
    PlaceLimit,
    PlaceMarket,
    PlaceStop,
    Read,
    SetLeverage,
    Work,
)
from engine.core.events import (
    Adopt,
    Answered,
    AnyBody,
    AnyCommand,
    Approve,
    BalanceRead,
    BillSeen,
    Breakeven,
    Commanded,
    Deny,
    Enter,
    Event,
    Exit,
    FillSeen,
    FillsRead,
    Flatten,
    Flip,
    Halt,
    Hindered,
    InstrumentsRead,
    LinkChanged,
    LookedUp,
    MarkReached,
    OrderSeen,
    OrdersRead,
    Pause,
    PositionsRead,
    Reduce,
    Release,
    Resume,
    SetStopMode,
    SignalHeard,
    Started,
    StopSeen,
    Timer,
    Unpause,
)
from engine.core.exchange import (
    Accepted,
    Cause,
    Fill,
    OrderRow,
    OrderState,
    Outcome,
    Position,
    Refused,
    RestingOrder,
    Unknown,
)
from engine.core.instrument import ZERO, Side
from engine.core.signals import said
from engine.journal.port import Entry

Told = tuple[str, str, Level]
"""What kind of line, its text, how loudly."""

_CAUSES = {
    Cause.ORDER: "",
    Cause.STOP: ", by a stop",
    Cause.TAKE_PROFIT: ", by a take-profit",
    Cause.LIQUIDATION: ", by LIQUIDATION",
    Cause.ADL: ", by auto-deleveraging",
}
_STATES = {
    OrderState.LIVE: "rests",
    OrderState.PARTIAL: "is filled in part",
    OrderState.FILLED: "is filled",
    OrderState.CANCELLED: "is cancelled",
    OrderState.FAILED: "has FAILED",
}


def is_loud(body: AnyBody) -> bool:
    """Whether an event is worth a line although nothing was decided on it."""
    match body:
        case OrderSeen(row) | StopSeen(_, row):
            return row.state is not OrderState.LIVE
        case FillSeen() | Answered() | LookedUp() | BillSeen() | MarkReached() | Commanded() | SignalHeard():
            return True
        case _:
            return False


def order_ids(entry: Entry, *, events_only: bool = False) -> Iterator[frozenset[str]]:
    """Ids in an entry that mean the same order, a group each."""
    match entry.event.body:
        case FillSeen(fill):
            yield _named(fill.order_id, fill.client_id)
        case OrderSeen(row):
            yield _named(row.order_id, row.client_id)
        case StopSeen(_, row):
            yield _named(row.order_id, row.client_id, row.child)
        case LookedUp(_, client_id, row):
            yield _named(client_id, *((row.order_id, row.child) if row else ()))
        case Answered(id, outcome):
            yield _named(id, outcome.order_id if isinstance(outcome, Accepted) else "")
        case _:
            pass
    for work in () if events_only else entry.actions:
        match work:
            case PlaceMarket() | PlaceStop():
                yield _named(work.id)
            case MoveStop() | CancelStop():
                yield _named(work.id, work.order_id, work.client_id)
            case CancelOrder():
                yield _named(work.id, work.order_id)
            case LookUp():
                yield _named(work.id, work.client_id)
            case Read():
                pass


def _named(*ids: str) -> frozenset[str]:
    return frozenset(ids) - {""}


def event(event: Event, works: dict[str, Work]) -> Told:
    """What happened; `works` are the actions known so far, so that an answer says to what."""
    match event.body:
        case FillSeen(fill):
            return "filled", _fill(fill), Level.MONEY
        case Answered(id, outcome):
            return _answer(works.get(id), id, outcome)
        case LookedUp(_, client_id, row):
            found = _row(row) if row else "the exchange does not know it"
            return "answered", f"looked up {client_id}: {found}", Level.CHATTER
        case BillSeen(bill):
            about = f" of {bill.symbol}" if bill.symbol else ""
            return "event", f"{bill.kind}{about}: {words.money(bill.amount)} USDT", Level.MONEY
        case body:
            return "event", _quiet(body), Level.CHATTER


def _quiet(body: AnyBody) -> str:
    """The events that say what is, rather than what the exchange did."""
    match body:
        case Started(settings, version):
            return f"engine {version} started for account {settings.account}"
        case SignalHeard(_, outcome):
            return f"{said(body)}, {outcome.value}{f', {body.id}' if body.id else ''}"
        case MarkReached(symbol, mark):
            return f"mark of {symbol} reached {words.price(mark)}"
        case Commanded(_, by, command):
            return f"{by}: {_command(command)}"
        case OrderSeen(row):
            return f"order {_row(row)}"
        case StopSeen(order, row):
            return f"stop {_resting(order)} {_STATES[row.state]}"
        case LinkChanged(link, up, reason):
            return f"{link} websocket {'up' if up else 'down'}{f': {reason}' if reason else ''}"
        case Hindered(reason, warning):
            return f"nothing may be added: {reason}" if reason else warning or "risk may be added again"
        case PositionsRead(positions, rest):
            told = "; ".join(map(_position, positions)) or "none"
            return f"positions {'read' if rest else 'pushed'}: {told}"
        case OrdersRead(orders):
            return f"resting orders read: {'; '.join(map(_resting, orders)) or 'none'}"
        case BalanceRead(balance):
            return f"balance: equity {words.amount(balance.equity)}, free {words.amount(balance.free)} USDT"
        case InstrumentsRead(instruments):
            return f"contracts read: {', '.join(i.symbol for i in instruments)}"
        case FillsRead():
            return "trades read"
        case Timer():
            return "the check of every second"
        case FillSeen() | Answered() | LookedUp() | BillSeen():
            raise AssertionError(f"{body!r} has words of its own")


def _command(command: AnyCommand) -> str:
    match command:
        case Halt(reason):
            return f"halt{f' ({reason})' if reason else ''}"
        case Flatten(reason):
            return f"flatten everything{f' ({reason})' if reason else ''}"
        case Resume():
            return "resume"
        case Approve(cycle, rung, half):
            return f"approve {'half of ' if half else ''}{f'rung {rung} of ' if rung else ''}{cycle}"
        case Deny(cycle, rung):
            return f"deny {f'rung {rung} of ' if rung else ''}{cycle}"
        case Reduce(symbol, side, fraction):
            return f"close {words.percent(fraction)} of {symbol} {side.value}"
        case SetStopMode(symbol, side, mode):
            return f"stops of {symbol} {side.value}: {words.MODE_WORDS[mode]}"
        case Enter(symbol, side, margin, qty):
            sized = f"{words.amount(margin)} USDT margin" if margin is not None else words.size(qty or ZERO)
            return f"enter {symbol} {side.value} with {sized}{', if I say yes' if command.ask else ''}"
        case Exit(symbol, side):
            return f"leave {symbol} {side.value} at the touch"
        case Flip(entering, share):
            what = f"{words.percent(share)} of what is free then{', if I say yes' if entering.ask else ''}"
            left = f"leave {entering.symbol} {entering.side.opposite.value} at the touch"
            return f"{left}, then enter {entering.side.value} with {what}"
        case Adopt() | Pause() | Unpause() | Breakeven() | Release():
            verb = type(command).__name__.lower()
            return f"{verb} {command.symbol} {command.side.value}"


def _answer(asked: Work | None, id: str, outcome: Outcome) -> Told:
    about = work(asked) if asked else id
    match outcome:
        case Accepted(order_id):
            taken = f" as order {order_id}" if order_id else ""
            return "answered", f"accepted{taken}: {about}", Level.CHATTER
        case Refused(code, message):
            return "answered", f"REFUSED ({code}: {message}): {about}", Level.WARNING
        case Unknown(cause):
            return "answered", f"UNKNOWN ({cause}), looking it up: {about}", Level.WARNING


def work(work: Work) -> str:
    """What is sent."""
    match work:
        case PlaceMarket(id, symbol, side, opens, qty):
            verb = _direction(side, opens=opens)
            effect = "opens" if opens else "reduce-only, closes"
            return f"market {verb} {words.size(qty)} {symbol}, {effect} {side.value}, id {id}"
        case PlaceLimit(id, symbol, side, opens, qty, price):
            verb = _direction(side, opens=opens)
            effect = "opens" if opens else "reduce-only, closes"
            where = f"{words.size(qty)} {symbol} at {words.price(price)}"
            return f"limit {verb} {where}, {effect} {side.value}, id {id}"
        case SetLeverage():
            return f"isolated margin at {words.size(work.leverage)}x for {work.symbol} {work.side.value}"
        case PlaceStop(id, symbol, side, qty, trigger):
            return f"stop {words.price(trigger)} for {_size(qty)} of {symbol} {side.value}, id {id}"
        case MoveStop():
            where = f"{words.price(work.trigger)} for {_size(work.qty)} of {work.symbol} {work.side.value}"
            return f"move stop {work.client_id} to {where}"
        case CancelStop():
            return f"cancel {work.kind.value} {work.client_id or work.order_id} of {work.symbol}"
        case CancelOrder():
            return f"cancel order {work.order_id} of {work.symbol}"
        case LookUp():
            return f"look up {'stop' if work.stop else 'order'} {work.client_id} of {work.symbol}"
        case Read(_, what):
            return f"read again: {', '.join(reading.value for reading in what)}"


def _direction(side: Side, *, opens: bool) -> str:
    return "buy" if (side is Side.LONG) == opens else "sell"


def _fill(fill: Fill) -> str:
    side = f" ({fill.side.value})" if fill.side else ""
    booked = f", profit {words.money(fill.profit)}" if fill.profit else ""
    verb = "bought" if fill.buy else "sold"
    where = f"{words.size(fill.qty)} {fill.symbol}{side} at {words.price(fill.price)}{_CAUSES[fill.cause]}"
    return f"{verb} {where}, fee {words.price(fill.fee)}{booked}, order {fill.client_id or fill.order_id}"


def _row(row: OrderRow) -> str:
    name = row.client_id or row.order_id
    filled = f", {words.size(row.filled)} at {words.price(row.price)}" if row.filled else ""
    return f"{name} of {row.symbol} {_STATES[row.state]}{filled}"


def _resting(order: RestingOrder) -> str:
    where = f" at {words.price(order.trigger)}" if order.trigger is not None else ""
    limit = f" limit {words.price(order.price)}" if order.price is not None else ""
    size, name = _size(order.qty), order.client_id or order.order_id
    return f"{name} ({order.kind.value} for {size} of {order.symbol} {order.side.value}{where}{limit})"


def _position(position: Position) -> str:
    size, entry = words.size(position.qty), words.price(position.entry)
    return f"{position.symbol} {position.side.value} {size} at {entry}"


def _size(qty: Decimal | None) -> str:
    return "the whole position" if qty is None else words.size(qty)
