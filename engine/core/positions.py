"""Positions as the exchange lists them: adopted, followed, doubted, and closed only when a second source says
so.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.events import FillsRead, PositionsRead
from engine.core.exchange import Fill, Position
from engine.core.ids import cycle_id
from engine.core.instrument import ZERO, Side
from engine.core.ladder import next_leg
from engine.core.ledger import begin, by_trader_first, enlarge, parts_of, reduce
from engine.core.state import Cycle, Doubt, Hand, Rest, Stage, State, Unmanaged, key_of
from engine.core.turn import Turn
from engine.core.words import amount, money, name, percent, price, size

DOUBT_MS = 1500
"""How long ledger and exchange may differ (fills on their way) before the evidence is asked for."""
KEPT_CLOSED = 50


def positions_read(turn: Turn, read: PositionsRead) -> None:
    """Hold every row against what is believed; a reading from before the last trade of a cycle says nothing
    about it.
    """
    rows = {key_of(p.symbol, p.side): p for p in read.positions if p.qty > ZERO}
    moved = _moved(turn.state) if read.asked else {}
    for key, position in rows.items():
        if moved.get(key, 0) > read.asked:
            continue
        if key in turn.state.cycles:
            turn.put(_follow(turn, turn.state.cycles[key], position))
        else:
            _meet(turn, key, position)
    for key, cycle in turn.state.cycles.items():
        if key not in rows and moved.get(key, 0) <= read.asked:
            turn.put(_missing(turn, cycle, rest=read.rest))
    turn.set(unmanaged={k: u for k, u in turn.state.unmanaged.items() if k in rows})


def _moved(state: State) -> dict[str, int]:
    """When the size of each position changed last, as far as its cycles know, open or closed."""
    return {key_of(c.symbol, c.side): c.moved for c in (*state.closed, *state.cycles.values())}


def unfit_because(state: State, position: Position) -> tuple[str, bool]:
    """Why a position is not managed (empty when it is), and whether the trader may adopt it all the same."""
    instrument = state.instruments.get(position.symbol)
    if instrument is None:
        return f"{position.symbol} is not in the list of managed symbols", False
    if not position.isolated:
        return "the margin mode is crossed; the ladder needs isolated margin", False
    if position.auto_margin:
        return "auto-add-margin is on; switch it off on Bitget", False
    if position.qty < 2 * instrument.lot:
        return f"{size(position.qty)} is less than two lots", False
    if len(state.cycles) >= state.settings.limits.max_cycles:
        return f"max_cycles = {state.settings.limits.max_cycles} is reached", True
    return "", True


def _meet(turn: Turn, key: str, position: Position) -> None:
    state = turn.state
    reason, can_adopt = unfit_because(state, position)
    if state.read_only:
        reason = reason or state.read_only
    if not reason:
        adopt(turn, position)
        return
    known = state.unmanaged.get(key)
    turn.set(unmanaged={**state.unmanaged, key: Unmanaged(position, reason, can_adopt)})
    if known is None or known.reason != reason:
        turn.note(
            "unmanaged",
            Level.WARNING,
            f"{position.symbol} {position.side.value} {size(position.qty)} is not managed: {reason}.",
        )


def adopt(turn: Turn, position: Position) -> None:
    """A stranger becomes a cycle of one leg at the exchange's average price."""
    state = turn.state
    key = key_of(position.symbol, position.side)
    opening, rest = _opening_trades(state, position)
    fee = sum((f.fee for f in opening), ZERO)
    booked = sum((f.qty for f in opening), ZERO)
    equity = state.balance.equity if state.balance else ZERO
    cycle = begin(
        position,
        cycle_id=cycle_id(state.settings.account, position.symbol, position.side, position.opened, turn.at),
        at=position.opened or turn.market,
        equity=equity + fee,
        fee=fee,
        mode=state.settings.ladder.stops,
    )
    leg = replace(cycle.legs[0], order_id=opening[-1].order_id if opening else "")
    cycle = replace(cycle, legs=(leg,), unbooked=max(ZERO, position.qty - booked))
    unmanaged = {k: u for k, u in state.unmanaged.items() if k != key}
    turn.set(strays=rest, unmanaged=unmanaged)
    if cycle.unbooked:
        turn.ask(Reading.FILLS)
    turn.ask(Reading.ORDERS, Reading.BALANCE)
    turn.note(
        "adopted",
        Level.MONEY,
        f"{name(cycle)} seen: {size(position.qty)} @ {price(position.entry)}, margin "
        f"{amount(position.margin)} at "
        f"{size(position.leverage)}x, liquidation {price(position.liquidation)}.",
        cycle,
        qty=position.qty,
        entry=position.entry,
        margin=position.margin,
        leverage=position.leverage,
        liquidation=position.liquidation,
    )
    turn.put(_warn(turn, cycle, position))


def _opening_trades(state: State, position: Position) -> tuple[tuple[Fill, ...], tuple[Fill, ...]]:
    """The trades told before the position was seen that opened it, newest backwards until its size, and the
    others.
    """
    mine: list[Fill] = []
    rest: list[Fill] = []
    need = position.qty
    for fill in reversed(state.strays):
        opens = fill.buy is (position.side is Side.LONG)
        if fill.symbol == position.symbol and opens and ZERO < fill.qty <= need:
            mine.append(fill)
            need -= fill.qty
        else:
            rest.append(fill)
    return tuple(reversed(mine)), tuple(reversed(rest))


def _warn(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """What is unusual about a position is said once; the position is the trader's."""
    state, limits = turn.state, turn.state.settings.limits
    configured = state.settings.leverage_of(position.symbol)
    said = list(cycle.warned)
    if configured is not None and position.leverage != configured:
        said.append("leverage")
        turn.note(
            "warning",
            Level.WARNING,
            f"{name(cycle)}: leverage is {size(position.leverage)}x, configured is {size(configured)}x.",
            cycle,
        )
    if state.balance is not None and position.margin > limits.entry_margin * (
        state.balance.equity + position.margin * limits.price_sanity
    ):
        said.append("margin")
        turn.note(
            "warning",
            Level.WARNING,
            f"{name(cycle)}: margin {amount(position.margin)} is more than "
            f"{percent(limits.entry_margin)} of the "
            f"equity {amount(state.balance.equity)}.",
            cycle,
        )
    return replace(cycle, warned=tuple(said))


def _follow(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """A row of a known cycle: take the exchange's numbers when the sizes agree, doubt when they do not."""
    cycle = _notice(turn, cycle, position)
    if position.qty != cycle.held_qty:
        doubt = cycle.doubt or Doubt(turn.at)
        return replace(cycle, seen=position, doubt=replace(doubt, gone_by_stream=False, gone_by_rest=0))
    return replace(
        cycle,
        seen=position,
        held_entry=position.entry,
        held_margin=position.margin,
        doubt=None,
    )


def _notice(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """Changes of mode by the trader's hand."""
    old = cycle.seen
    problem = ""
    if not position.isolated:
        problem = "the margin mode was changed to crossed"
    elif position.auto_margin:
        problem = "auto-add-margin was switched on"
    if problem and cycle.paused != problem:
        turn.note("paused", Level.URGENT, f"{name(cycle)}: paused, {problem}. Stops are kept.", cycle)
        cycle = replace(cycle, paused=problem)
    if not problem and cycle.paused.endswith(("crossed", "switched on")):
        turn.note(
            "paused", Level.WARNING, f"{name(cycle)}: margin settings are back; no longer paused.", cycle
        )
        cycle = replace(cycle, paused="")
    if position.leverage != old.leverage:
        turn.note(
            "trader",
            Level.WARNING,
            f"{name(cycle)}: leverage changed from {size(old.leverage)}x to "
            f"{size(position.leverage)}x; liquidation is now "
            f"{price(position.liquidation)}. Legs keep theirs.",
            cycle,
        )
    elif position.qty == old.qty == cycle.held_qty and position.margin != old.margin:
        turn.note(
            "margin",
            Level.CHATTER,
            f"{name(cycle)}: margin {amount(old.margin)} → {amount(position.margin)} (funding, or "
            "by hand), liquidation "
            f"now {price(position.liquidation)}.",
            cycle,
        )
    return cycle


def _missing(turn: Turn, cycle: Cycle, *, rest: bool) -> Cycle:
    """No row for a cycle: closed when its fills say so; otherwise a doubt until a second source agrees."""
    if not cycle.held_qty:
        return cycle
    doubt = cycle.doubt or Doubt(turn.at)
    if rest:
        doubt = replace(doubt, gone_by_rest=doubt.gone_by_rest + 1)
    else:
        doubt = replace(doubt, gone_by_stream=True)
    if not doubt.asked:
        doubt = replace(doubt, asked=turn.at, fills_read=False)
        turn.ask(Reading.POSITIONS, Reading.FILLS, Reading.BILLS)
    return replace(cycle, doubt=doubt)


def resolve_doubt(turn: Turn, cycle: Cycle) -> Cycle:
    """Ask for evidence when a doubt has lasted; when the fills do not explain it, the exchange's position
    does.
    """
    doubt = cycle.doubt
    if doubt is None or turn.at - doubt.since < DOUBT_MS:
        return cycle
    if _in_flight(cycle) and turn.at - doubt.since < 10 * DOUBT_MS:
        return cycle
    if doubt.fills_read and (gone := doubt.gone_by_rest + doubt.gone_by_stream) >= 2 and doubt.gone_by_rest:
        return _gone_unexplained(turn, cycle) if gone else cycle
    if doubt.fills_read and not doubt.gone_by_rest and not doubt.gone_by_stream:
        return _believe(turn, cycle)
    if turn.at - doubt.asked >= DOUBT_MS:
        turn.ask(Reading.POSITIONS, Reading.FILLS, Reading.ORDERS)
        return replace(cycle, doubt=replace(doubt, asked=turn.at, fills_read=False))
    return cycle


def fills_read(turn: Turn, read: FillsRead) -> None:
    """All fills have been told: a doubt that was there when they were asked for has another reason."""
    for cycle in turn.state.cycles.values():
        if cycle.doubt is not None and cycle.doubt.asked and cycle.doubt.asked <= (read.asked or turn.at):
            turn.put(replace(cycle, doubt=replace(cycle.doubt, fills_read=True)))


def _in_flight(cycle: Cycle) -> bool:
    orders = [cycle.close, cycle.rung.bank if cycle.rung else None, cycle.rung.add if cycle.rung else None]
    return any(order is not None and order.stage is Stage.SENT for order in orders)


def _believe(turn: Turn, cycle: Cycle) -> Cycle:
    """Fills do not explain the difference: the ledger follows the position that the exchange shows."""
    seen = cycle.seen
    turn.note(
        "doubt",
        Level.URGENT,
        f"{name(cycle)}: Bitget holds {size(seen.qty)}, the ledger {size(cycle.held_qty)}, and no "
        "trade explains it. The "
        "ledger follows Bitget.",
        cycle,
    )
    more = seen.qty - cycle.held_qty
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
    return replace(cycle, held_qty=seen.qty, held_entry=seen.entry, held_margin=seen.margin, doubt=None)


def _gone_unexplained(turn: Turn, cycle: Cycle) -> Cycle:
    """Two sources say that the position is gone, and its last trades cannot be read."""
    turn.note(
        "doubt",
        Level.URGENT,
        f"{name(cycle)}: the position is gone on Bitget, and its closing trades could not be "
        "read: the booked result "
        "is incomplete.",
        cycle,
    )
    return replace(cycle, held_qty=ZERO, held_margin=ZERO, legs=(), last_cause="unknown")


def close_if_flat(turn: Turn, cycle: Cycle) -> bool:
    """End a cycle that holds nothing; an opening order of ours on its way keeps it open until it is known."""
    add = cycle.rung.add if cycle.rung is not None else None
    if cycle.held_qty > ZERO or (add is not None and add.stage is Stage.SENT):
        return False
    reason = (
        cycle.closing
        if cycle.closing and cycle.last_cause == cycle.closing
        else cycle.last_cause or "unknown"
    )
    net = cycle.realised - cycle.fees + cycle.funding
    turn.note(
        "closed",
        Level.MONEY,
        f"{name(cycle)} closed ({reason}): net {money(net)} = realised {money(cycle.realised)}, fees "
        f"{money(-cycle.fees)}, funding {money(cycle.funding)}; {cycle.rungs} rungs.",
        cycle,
        net=net,
        reason=reason,
    )
    left = [s for s in cycle.stops if s.state in (Rest.PLACING, Rest.RESTING, Rest.MOVING)]
    if left or cycle.foreign:
        turn.ask(Reading.ORDERS)
    turn.ask(Reading.BALANCE, Reading.BILLS)
    ended = replace(
        cycle,
        closed=turn.market,
        closed_reason=reason,
        rung=None,
        armed=None,
        close=None,
        approval=None,
        stops=(),
        doubt=None,
    )
    state = turn.state
    key = key_of(cycle.symbol, cycle.side)
    turn.set(
        cycles={k: c for k, c in state.cycles.items() if k != key},
        closed=(*state.closed, ended)[-KEPT_CLOSED:],
        pending={k: p for k, p in state.pending.items() if p.cycle != cycle.id},
    )
    return True
