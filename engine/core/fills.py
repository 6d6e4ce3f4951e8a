"""Whose fill is it, and which leg does it belong to."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.another import is_anothers
from engine.core.cycle import Cycle, Hand, Order, Rest, Stage, Stop, key_of
from engine.core.doubt import moved
from engine.core.exchange import Cause, Fill, OrderRow, OrderState
from engine.core.ids import close_in, cycle_in, is_add, is_entry, is_ours
from engine.core.in_order import candidates, first_told, meaning
from engine.core.instrument import ZERO, Side
from engine.core.ladder import next_leg
from engine.core.ledger import Parts, by_trader_first, enlarge, newest_first, parts_of, reduce, unfilled
from engine.core.past import ended_by, is_close, of_the_past
from engine.core.positions import SAME_MOMENT_MS
from engine.core.rung import recall
from engine.core.turn import Turn
from engine.core.unclaimed import unclaimed
from engine.core.words import FORCED, money, name, price, size

REMEMBERED = 2000
"""How many trade ids are kept at least, to count each trade once; the exchange's own list of a
reconciliation is shorter.
"""
FORGOTTEN = 100
"""How many of them are forgotten at once: what comes behind them stays at its place until then."""
STRAYS = 50
UNRECORDED = "closed by an order of ours that no journal could be told of"


def fill_seen(turn: Turn, fill: Fill, *, live: bool = False) -> None:
    """Book one trade, told for the first time and in its turn, to the cycle that it belongs to."""
    seen = (*turn.state.trades_seen, fill.trade_id)
    turn.set(trades_seen=seen if len(seen) < REMEMBERED + FORGOTTEN else seen[FORGOTTEN:])
    _book(turn, fill, live=live)
    _linked(turn, fill)


def _book(turn: Turn, fill: Fill, *, live: bool) -> None:
    """To the open cycle, to one that has ended, or to what nobody has claimed yet."""
    side, reduces = meaning(turn, fill)
    if reduces and is_add(fill.client_id):
        _spent(turn, fill)
    cycle = _whose(turn, fill, side, opens=not reduces)
    if reduces and cycle is not None and cycle.held_qty:
        if not _is_history(cycle, fill, live=live):
            _reduced(turn, cycle, fill, live=live)
        elif not of_the_past(turn, fill, side, opens=False, of=cycle):
            turn.put(replace(cycle, unbooked=cycle.unbooked + fill.qty))
        return
    if reduces and of_the_past(turn, fill, side, opens=False):
        return
    if reduces and is_close(fill):
        unclaimed(turn, fill)
        return
    opened = side.opposite if reduces else side
    cycle = _whose(turn, fill, opened, opens=True)
    is_older = cycle is not None and fill.at <= cycle.adopted
    if is_older and of_the_past(turn, fill, opened, opens=True, of=cycle):
        return
    if cycle is not None:
        turn.put(moved(turn, _opened(turn, cycle, fill, live=live)))
    elif not of_the_past(turn, fill, opened, opens=True):
        _stray(turn, fill)


def _spent(turn: Turn, fill: Fill) -> None:
    """An add of ours came when the trader had flipped: what it closes of the other side it does not open."""
    sender = turn.cycle(cycle_in(fill.client_id))
    sender = recall(turn, sender, fill.client_id, fill.price) if sender is not None else None
    if sender is not None and sender.rung is not None and _is_of(sender.rung.add, fill):
        add = sender.rung.add
        add = settle(turn, replace(add, against=add.against + fill.qty))
        turn.put(replace(sender, rung=replace(sender.rung, add=add)))


def _stray(turn: Turn, fill: Fill) -> None:
    """Nobody's yet: the position that it opened has not been seen."""
    turn.set(strays=(*turn.state.strays, fill)[-STRAYS:])


def claim(turn: Turn) -> None:
    """Book what closed a part of a position, and was told before the row that told of the position."""
    for each in turn.state.unclaimed:
        side, _ = meaning(turn, each.fill)
        cycle = turn.state.cycles.get(key_of(each.fill.symbol, side))
        if cycle is not None and cycle.held_qty and each.fill.at > cycle.known_until:
            turn.set(unclaimed=tuple(other for other in turn.state.unclaimed if other != each))
            _reduced(turn, cycle, each.fill, live=False)


def _linked(turn: Turn, fill: Fill) -> None:
    """A trade is booked: it waits no more."""
    for cycle in turn.state.cycles.values():
        left = tuple(u for u in cycle.unlinked if u.trade_id != fill.trade_id)
        if left != cycle.unlinked:
            turn.put(replace(cycle, unlinked=left))


def _whose(turn: Turn, fill: Fill, side: Side, *, opens: bool) -> Cycle | None:
    """The open cycle of this side, unless the trade is older than it: then it belongs to history. Only what
    opened the position can seem to be a moment older than that.
    """
    cycle = turn.state.cycles.get(key_of(fill.symbol, side))
    if cycle is None or fill.at < cycle.opened - (SAME_MOMENT_MS if opens else 0):
        return None
    return recall(turn, cycle, fill.client_id, fill.price)


def _is_history(cycle: Cycle, fill: Fill, *, live: bool) -> bool:
    """Whether the trade was made before care began. Our own order for this cycle cannot have been."""
    if cycle_in(fill.client_id) == cycle.id:
        return False
    return fill.at < cycle.adopted or (fill.at == cycle.adopted and not live and bool(cycle.unbooked))


def _is_known(cycle: Cycle, fill: Fill, *, live: bool, opens: bool) -> bool:
    """Whether the size was taken from the exchange with this trade in it. One of the very moment of that row
    was in it, unless the trades before it come to that size by themselves, or it is told as it happens: then
    the market's clock stands still.
    """
    if cycle_in(fill.client_id) == cycle.id and cycle.known_until <= cycle.adopted:
        return False
    if fill.at == cycle.known_until == cycle.adopted and not cycle.unbooked:
        return False
    if fill.at != cycle.known_until or not live:
        return fill.at <= cycle.known_until
    return opens and cycle.unbooked >= fill.qty


def _opened(turn: Turn, cycle: Cycle, fill: Fill, *, live: bool) -> Cycle:
    if _is_known(cycle, fill, live=live, opens=True):
        return _told_late(turn, cycle, fill)
    rung = cycle.rung
    if rung is not None and _is_of(rung.add, fill):
        grown = _enlarge(cycle, rung.leg, fill, Hand.LADDER)
        return replace(grown, rung=replace(rung, add=_filled(turn, rung.add, fill)))
    mine = next((leg for leg in cycle.legs if leg.order_id and leg.order_id == fill.order_id), None)
    number = mine.number if mine else next_leg(cycle)
    grown = _enlarge(cycle, number, fill, Hand.TRADER)
    if mine is None:
        who = "another Ratchet" if is_anothers(turn.state, fill.client_id) else "you"
        who = "the entry" if is_entry(fill.client_id) else who
        turn.note(
            "trader",
            Level.MONEY,
            f"{name(cycle)}: {who} added {size(fill.qty)} @ {price(fill.price)}: leg {number}, the "
            "next trigger is measured from it.",
            grown,
        )
    return grown


def _told_late(turn: Turn, cycle: Cycle, fill: Fill) -> Cycle:
    """An opening trade whose size was taken from the exchange before it was told: only its fee is news."""
    late = fill.at > cycle.adopted
    if not late and cycle.unbooked < fill.qty:
        return replace(cycle, unbooked=cycle.unbooked - fill.qty)
    first = cycle.legs[0].number if cycle.legs else 0
    legs = tuple(replace(leg, fees=leg.fees + fill.fee) if leg.number == first else leg for leg in cycle.legs)
    unbooked = cycle.unbooked if late else cycle.unbooked - fill.qty
    cycle = replace(cycle, unbooked=unbooked, fees=cycle.fees + fill.fee, legs=legs)
    rung = cycle.rung
    if rung is not None and _is_of(rung.add, fill):
        return replace(cycle, rung=replace(rung, add=_filled(turn, rung.add, fill)))
    return cycle


def _enlarge(cycle: Cycle, number: int, fill: Fill, by: Hand) -> Cycle:
    grown = enlarge(
        cycle,
        number,
        qty=fill.qty,
        price=fill.price,
        fee=fill.fee,
        leverage=cycle.seen.leverage,
        by=by,
        at=fill.at,
    )
    legs = tuple(replace(leg, order_id=fill.order_id) if leg.number == number else leg for leg in grown.legs)
    return replace(grown, legs=legs)


def _reduced(turn: Turn, cycle: Cycle, fill: Fill, *, live: bool) -> None:
    """Book what reduces; what is left over in one-way mode has opened the other side. Nothing of a trade has
    that is told after a later close: what it seems to close too much was closed by that one.
    """
    qty = min(fill.qty, cycle.held_qty)
    is_known = _is_known(cycle, fill, live=live, opens=False)
    flips = fill.qty > qty and fill.at >= cycle.exit_at and not is_known
    fee = fill.fee * qty / fill.qty if flips else fill.fee
    before = cycle.held_margin
    cycle = ended_by(cycle, fill)
    if is_known:
        # the size was taken from the exchange before this closing trade was told: only its money is news
        cycle = replace(cycle, realised=cycle.realised + fill.profit, fees=cycle.fees + fee)
    else:
        parts, cycle, cause = _attribute(turn, cycle, fill, qty)
        cycle = reduce(cycle, parts, price=fill.price, fee=fee, profit=fill.profit)
        if fill.at >= cycle.exit_at:
            cycle = replace(cycle, last_cause=cause, exit_price=fill.price, exit_at=fill.at)
        cycle = moved(turn, cycle)
    cycle = _book_order(turn, cycle, fill, qty, fee, before - cycle.held_margin)
    turn.put(cycle)
    if flips:
        rest = replace(fill, qty=fill.qty - qty, fee=fill.fee - fee, profit=ZERO)
        _stray(turn, rest)


def _attribute(turn: Turn, cycle: Cycle, fill: Fill, qty: Decimal) -> tuple[Parts, Cycle, str]:
    """The legs that a reducing fill takes from, and the word for why it happened."""
    rung = cycle.rung
    if rung is not None and _is_of(rung.bank, fill):
        return _left_of(rung.bank, cycle, qty), cycle, "ladder"
    if cycle.close is not None and _is_of(cycle.close, fill):
        return _left_of(cycle.close, cycle, qty), cycle, cycle.closing or "ladder"
    match fill.cause:
        case Cause.STOP | Cause.TAKE_PROFIT:
            return _by_stop(turn, cycle, fill, qty)
        case Cause.LIQUIDATION | Cause.ADL:
            _alarm(turn, cycle, fill, FORCED[fill.cause])
            return parts_of(cycle, qty, newest_first(cycle)), cycle, fill.cause.value
        case Cause.ORDER if is_entry(fill.client_id):
            return parts_of(cycle, qty, by_trader_first(cycle)), cycle, cycle.leaving or "exit"
        case Cause.ORDER if cycle_in(fill.client_id) not in ("", cycle.id):
            _late(turn, cycle, fill, qty)
            return parts_of(cycle, qty, by_trader_first(cycle)), cycle, "ladder"
        case Cause.ORDER if is_ours(fill.client_id):
            _alarm(turn, cycle, fill, UNRECORDED)
            # its name is used: an order under it would be taken for this one, and wait for its trades
            cycle = replace(cycle, closes_made=max(cycle.closes_made, close_in(fill.client_id)))
            return parts_of(cycle, qty, newest_first(cycle)), cycle, cycle.closing or "ladder"
        case Cause.ORDER:
            turn.note(
                "trader",
                Level.MONEY,
                f"{name(cycle)}: you closed {size(qty)} @ {price(fill.price)} ({money(fill.profit)}).",
                cycle,
            )
            return parts_of(cycle, qty, by_trader_first(cycle)), cycle, "trader"


def _late(turn: Turn, cycle: Cycle, fill: Fill, qty: Decimal) -> None:
    """A close that Bitget carried out so late that it met another position than it was meant for, or one that
    another engine has sent.
    """
    strange = is_anothers(turn.state, fill.client_id)
    whose = "another Ratchet" if strange else "an earlier cycle came late to Bitget and"
    text = f"an order of {whose} closed {size(qty)} @ {price(fill.price)}"
    turn.note("late order", Level.URGENT, f"{name(cycle)}: {text} ({money(fill.profit)}).", cycle)


def _alarm(turn: Turn, cycle: Cycle, fill: Fill, what: str) -> None:
    turn.note(
        "alarm",
        Level.URGENT,
        f"{name(cycle)}: {size(fill.qty)} {what} @ {price(fill.price)} ({money(fill.profit)}).",
        cycle,
    )


def _by_stop(turn: Turn, cycle: Cycle, fill: Fill, qty: Decimal) -> tuple[Parts, Cycle, str]:
    stop = _stop_of(turn, cycle, fill)
    word = "take profit" if fill.cause is Cause.TAKE_PROFIT else "stop"
    if stop is None:
        turn.note(
            "trader",
            Level.MONEY,
            f"{name(cycle)}: your own {word} closed {size(qty)} @ {price(fill.price)} "
            f"({money(fill.profit)}).",
            cycle,
        )
        return parts_of(cycle, qty, by_trader_first(cycle)), cycle, f"trader's {word}"
    order = newest_first(cycle) if stop.leg is None else (stop.leg, *newest_first(cycle))
    parts = parts_of(cycle, qty, tuple(dict.fromkeys(order)))
    slip = cycle.side.d * (fill.price - stop.trigger)
    turn.note(
        "stop filled",
        Level.MONEY,
        f"{name(cycle)}: stop at {price(stop.trigger)} filled {size(qty)} @ {price(fill.price)} "
        f"({money(fill.profit)}).",
        cycle,
        slippage=slip,
    )
    left = None if stop.qty is None else stop.qty - qty
    done = left is not None and left <= ZERO
    stops = tuple(
        replace(s, qty=left, state=Rest.TRIGGERED, since=turn.at, child=fill.order_id)
        if s.client_id == stop.client_id
        else s
        for s in cycle.stops
        if not (done and s.client_id == stop.client_id)
    )
    return parts, replace(cycle, stops=stops), "stop"


def _stop_of(turn: Turn, cycle: Cycle, fill: Fill) -> Stop | None:
    """The stop of ours that became this fill's order: by the exchange's link, else the one whose trigger is
    nearest.
    """
    for stop in cycle.stops:
        if fill.order_id and fill.order_id == stop.child:
            return stop
    if fill.order_id in cycle.theirs:
        return None
    live = candidates(cycle, first_told(cycle, fill, turn.at))
    nearest = min(live, key=lambda s: (abs(s.trigger - fill.price), s.qty != fill.qty), default=None)
    theirs = [o.trigger for o in cycle.foreign if o.trigger is not None]
    if nearest is None or fill.cause is Cause.TAKE_PROFIT:
        return None
    distance = abs(nearest.trigger - fill.price)
    return None if any(abs(t - fill.price) < distance for t in theirs) else nearest


def _is_of(order: Order, fill: Fill) -> bool:
    return fill.client_id == order.id or bool(order.order_id and fill.order_id == order.order_id)


def _left_of(order: Order, cycle: Cycle, qty: Decimal) -> Parts:
    """The parts of an order that its earlier fills have not taken yet, as far as `qty` reaches; then whatever
    is there.
    """
    parts = []
    for number, part in unfilled(cycle, order.parts, order.filled):
        take = min(part, qty)
        if take > ZERO:
            parts.append((number, take))
            qty -= take
    if qty > ZERO:
        reserved = dict(parts)
        for leg in reversed(cycle.legs):
            more = min(leg.qty - reserved.get(leg.number, ZERO), qty)
            if more > ZERO:
                reserved[leg.number] = reserved.get(leg.number, ZERO) + more
                qty -= more
        parts = list(reserved.items())
    return tuple(parts)


def _filled(turn: Turn, order: Order, fill: Fill, qty: Decimal | None = None) -> Order:
    qty = fill.qty if qty is None else qty
    order = replace(
        order,
        filled=order.filled + qty,
        cost=order.cost + qty * fill.price,
        fee=order.fee + fill.fee,
        order_id=order.order_id or fill.order_id,
    )
    return settle(turn, order)


def settle(turn: Turn, order: Order) -> Order:
    """An order is done when all of it is filled, or when the exchange ended it and its fills have been
    read.
    """
    done = order.filled + order.against
    ended = order.final is not None and done >= order.final
    if order.stage is Stage.SENT and (done >= order.qty or ended):
        return replace(order, stage=Stage.DONE, done_at=turn.at)
    return order


def _book_order(turn: Turn, cycle: Cycle, fill: Fill, qty: Decimal, fee: Decimal, released: Decimal) -> Cycle:
    """Tell the order of ours that this fill belongs to what it has done."""

    def booked(order: Order) -> Order:
        done = _filled(turn, order, replace(fill, fee=fee), qty)
        return replace(
            done,
            released_profit=order.released_profit + fill.profit,
            released_margin=order.released_margin + released,
        )

    rung = cycle.rung
    if rung is not None and _is_of(rung.bank, fill):
        return replace(cycle, rung=replace(rung, bank=booked(rung.bank)))
    if cycle.close is not None and _is_of(cycle.close, fill):
        return replace(cycle, close=booked(cycle.close))
    return cycle


def order_seen(turn: Turn, row: OrderRow) -> None:
    """News of a normal order: ours may have got its number, or may have ended short of its size."""
    if row.order_id in turn.state.working and row.state in (OrderState.FILLED, OrderState.CANCELLED):
        turn.set(working={k: v for k, v in turn.state.working.items() if k != row.order_id})
    for cycle in turn.state.cycles.values():
        turn_cycle = update_order(turn, cycle, row)
        if turn_cycle is not cycle:
            turn.put(turn_cycle)


def update_order(turn: Turn, cycle: Cycle, row: OrderRow) -> Cycle:
    """The cycle with what `row` says about one of its orders; the same cycle when it is not one of them."""

    def told(order: Order) -> Order:
        over = row.state in (OrderState.FILLED, OrderState.CANCELLED, OrderState.FAILED)
        final = row.filled if over else order.final
        return settle(turn, replace(order, order_id=row.order_id, final=final))

    rung = cycle.rung
    if rung is not None and row.client_id == rung.bank.id:
        return replace(cycle, rung=replace(rung, bank=told(rung.bank)))
    if rung is not None and row.client_id == rung.add.id:
        return replace(cycle, rung=replace(rung, add=told(rung.add)))
    if cycle.close is not None and row.client_id == cycle.close.id:
        return replace(cycle, close=told(cycle.close))
    return cycle
