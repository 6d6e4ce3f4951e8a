"""Doubt: the ledger and the exchange differ. It ends when the trades explain the difference, or when all of
them have been told and the exchange, asked again, still says so.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.cycle import Cycle, Doubt, Hand, Rest, Stage
from engine.core.events import FillsRead, PositionsRead
from engine.core.exchange import Position
from engine.core.in_order import is_linking
from engine.core.instrument import ZERO
from engine.core.ladder import next_leg
from engine.core.ledger import by_trader_first, enlarge, parts_of, reduce
from engine.core.shield import UNTOLD_MS, is_shown, left_shield
from engine.core.turn import Turn
from engine.core.words import name, size

DOUBT_MS = 1500
"""How long ledger and exchange may differ (fills on their way) before the evidence is asked for."""
UNTOLD = "unknown"
"""Why a cycle ended whose closing trades could not be read."""


def differs(turn: Turn, cycle: Cycle, position: Position, read: PositionsRead) -> Cycle:
    """A row of another size than the ledger's."""
    doubt = cycle.doubt or Doubt(turn.at)
    again = doubt.seen_again or (read.rest and (read.asked or turn.at) > doubt.since)
    return replace(
        cycle,
        seen=position,
        doubt=replace(doubt, seen_again=again, gone_by_stream=False, gone_by_rest=0),
    )


def missing(turn: Turn, cycle: Cycle, *, rest: bool) -> Cycle:
    """No row for a cycle: closed when its fills say so; otherwise a doubt until a second source agrees."""
    if not cycle.held_qty:
        return cycle
    doubt = replace(cycle.doubt or Doubt(turn.at), seen_again=False)
    if rest:
        doubt = replace(doubt, gone_by_rest=doubt.gone_by_rest + 1)
    elif not doubt.gone_by_stream:
        # what was read before this moment cannot have told of its end
        doubt = replace(doubt, since=turn.at, asked=0, fills_read=False, gone_by_stream=True)
    if not doubt.asked:
        doubt = replace(doubt, asked=turn.at)
        turn.ask(Reading.POSITIONS, Reading.FILLS, Reading.BILLS)
    return replace(cycle, doubt=doubt)


def moved(turn: Turn, cycle: Cycle) -> Cycle:
    """A trade was booked: it explains the doubt, or the evidence so far is out of date; but what the stream
    has told it tells once. Stops die with their position, also when an order of ours on its way is going to
    open it again; what shields that one stays.
    """
    if not cycle.held_qty:
        cycle = replace(cycle, stops=left_shield(cycle))
    doubt = cycle.doubt
    if doubt is not None:
        is_explained = cycle.seen.qty == cycle.held_qty and not doubt.gone_by_stream
        doubt = None if is_explained else Doubt(turn.at, gone_by_stream=doubt.gone_by_stream)
    return replace(cycle, moved=turn.at, doubt=doubt)


def fills_read(turn: Turn, read: FillsRead) -> None:
    """All fills have been told: a doubt that was there when they were asked for has another reason."""
    for cycle in turn.state.cycles.values():
        if cycle.doubt is None or is_linking(cycle):
            continue
        if (read.asked or turn.at) > cycle.doubt.since:
            turn.put(replace(cycle, doubt=replace(cycle.doubt, fills_read=True)))


def resolve_doubt(turn: Turn, cycle: Cycle) -> Cycle:
    """Ask for evidence when a doubt has lasted; when the fills do not explain it, the exchange's position
    does.
    """
    doubt = cycle.doubt
    if doubt is None or turn.at - doubt.since < DOUBT_MS:
        return cycle
    if _in_flight(cycle) and turn.at - doubt.since < 10 * DOUBT_MS:
        return cycle
    is_told = doubt.fills_read and not (turn.state.untold or is_linking(cycle))
    if is_told and doubt.gone_by_rest:
        if doubt.gone_by_stream and not _may_rest(cycle):
            return _gone_unexplained(turn, cycle)
        cycle = _told_to_be_kept(turn, cycle, doubt)
    if is_told and doubt.seen_again:
        return _believe(turn, cycle)
    if turn.at - doubt.asked >= DOUBT_MS:
        turn.ask(Reading.POSITIONS, Reading.FILLS, Reading.ORDERS)
        return replace(cycle, doubt=replace(doubt, asked=turn.at))
    return cycle


def _may_rest(cycle: Cycle) -> bool:
    """Whether a stop of ours may still rest. Stops die with their position on Bitget: one that is listed
    speaks against a list of positions without it.
    """
    return any(s.state in (Rest.RESTING, Rest.MOVING) and not s.missing for s in cycle.stops)


def _told_to_be_kept(turn: Turn, cycle: Cycle, doubt: Doubt) -> Cycle:
    """Say once what speaks against the list of positions; what rests is kept. However often that list is
    read, it is one source.
    """
    mark = f"kept since {doubt.since}"
    is_listed = any(stop.read_at > doubt.since and not stop.missing for stop in cycle.stops)
    is_silent = doubt.gone_by_rest > 1 and not (doubt.gone_by_stream or _may_rest(cycle))
    if mark in cycle.warned or not (is_listed or is_silent):
        return cycle
    against = (
        "its stops still: they are" if is_listed else "neither trades nor the stream tell its end: it is"
    )
    text = f"Bitget lists the position no more, and {against} kept until it is certain. Look at Bitget."
    turn.note("doubt", Level.URGENT, f"{name(cycle)}: {text}", cycle)
    return replace(cycle, warned=(*cycle.warned, mark))


def _in_flight(cycle: Cycle) -> bool:
    orders = [cycle.close, cycle.rung.bank if cycle.rung else None, cycle.rung.add if cycle.rung else None]
    return any(order is not None and order.stage is Stage.SENT for order in orders)


def _believe(turn: Turn, cycle: Cycle) -> Cycle:
    """Fills do not explain the difference: the ledger follows the position that the exchange shows. A trade
    that is told later brings its money only.
    """
    turn.note(
        "doubt",
        Level.URGENT,
        f"{name(cycle)}: Bitget holds {size(cycle.seen.qty)}, the ledger {size(cycle.held_qty)}, and no "
        "trade explains it. The ledger follows Bitget.",
        cycle,
    )
    cycle, known = _as_seen(turn, cycle), cycle.seen.updated or turn.market
    # behind the moment of the first row, of which there may be trades that were not in that one
    return replace(cycle, doubt=None, moved=turn.at, known_until=max(known, cycle.adopted + 1))


def _as_seen(turn: Turn, cycle: Cycle) -> Cycle:
    """The ledger as the row has it: what there is more is a leg of the trader's, at the price that explains
    the average.
    """
    seen, more = cycle.seen, cycle.seen.qty - cycle.held_qty
    if more > ZERO:
        at_price = (seen.qty * seen.entry - cycle.held_qty * cycle.held_entry) / more
        cycle = enlarge(
            cycle,
            next_leg(cycle),
            qty=more,
            price=at_price if at_price > ZERO else seen.entry,
            fee=ZERO,
            leverage=seen.leverage,
            by=Hand.TRADER,
            at=turn.at,
        )
    else:
        parts = parts_of(cycle, -more, by_trader_first(cycle))
        cycle = reduce(cycle, parts, price=cycle.held_entry, fee=ZERO, profit=ZERO)
    return replace(cycle, held_qty=seen.qty, held_entry=seen.entry, held_margin=seen.margin)


def with_untold(turn: Turn, cycle: Cycle) -> Cycle:
    """As the stops have to take it: with what Bitget has shown beyond the ledger for so long that its trades
    cannot be read.
    """
    doubt = cycle.doubt
    is_long = doubt is not None and turn.at - doubt.since >= UNTOLD_MS
    return _as_seen(turn, cycle) if is_long and cycle.seen.qty > cycle.held_qty and is_shown(cycle) else cycle


def _gone_unexplained(turn: Turn, cycle: Cycle) -> Cycle:
    """Two sources say that the position is gone, and its last trades cannot be read."""
    turn.note(
        "doubt",
        Level.URGENT,
        f"{name(cycle)}: the position is gone on Bitget, and its closing trades could not be read: the "
        "booked result is incomplete.",
        cycle,
    )
    return replace(cycle, held_qty=ZERO, held_margin=ZERO, legs=(), last_cause=UNTOLD, moved=turn.at)
