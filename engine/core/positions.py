"""Positions as the exchange lists them: adopted, followed, doubted, and closed only when a second source says
so.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.another import still_obeys
from engine.core.asking import question, say
from engine.core.brought import without
from engine.core.cover import outlive
from engine.core.cycle import Cycle, Rest, Stage, key_of
from engine.core.doubt import differs, missing
from engine.core.events import PositionsRead
from engine.core.exchange import Cause, Fill, Position
from engine.core.ids import cycle_id, is_entry, is_of_entry
from engine.core.instrument import ZERO, Side
from engine.core.ledger import begin, fund
from engine.core.settings import Adoption
from engine.core.shield import inherit, left_shield
from engine.core.state import LeftAlone, State, Unmanaged, given_by
from engine.core.turn import Turn
from engine.core.unclaimed import is_of_before
from engine.core.words import amount, count, ending, money, name, percent, price, size

KEPT_CLOSED = 50
LATE_MS = 60_000
"""What a late frame can put the exchange's clock back; more than that is a clock that was wrong before."""

SAME_MOMENT_MS = 1000
"""How far the exchange's times of a position and of the trade that opened it may lie apart."""


def positions_read(turn: Turn, read: PositionsRead) -> None:
    """Hold every row against what is believed; a reading from before the last trade of a cycle says nothing
    about it.
    """
    rows = {key_of(p.symbol, p.side): p for p in read.positions if p.qty > ZERO}
    for key, position in rows.items():
        cycle = turn.state.cycles.get(key)
        if cycle is None:
            is_echo = not read.rest and is_of_before(turn, position)
            if not (is_echo or _has_ended(turn.state, position, read)):
                _meet(turn, key, position)
        elif not _is_old(cycle, read):
            turn.put(_follow(turn, cycle, position, read))
    for key, cycle in turn.state.cycles.items():
        if key not in rows and not _is_old(cycle, read):
            turn.put(missing(turn, cycle, rest=read.rest))
    turn.set(unmanaged={k: u for k, u in turn.state.unmanaged.items() if k in rows})
    _forget_left_alone(turn, rows, read)


def _is_old(cycle: Cycle, read: PositionsRead) -> bool:
    """Whether the size of the cycle has changed since this reading was asked for."""
    return bool(read.asked) and cycle.moved > read.asked


def _has_ended(state: State, position: Position, read: PositionsRead) -> bool:
    """Whether this row is an echo of a position known to have ended; a later reading may bring it back."""
    return any(
        (c.symbol, c.side) == (position.symbol, position.side)
        and (c.seen.opened == position.opened or 0 < position.updated <= c.exit_at)
        and (not read.rest or _is_old(c, read))
        and not _is_left_alone(state, position)
        for c in state.closed
    )


def _is_left_alone(state: State, position: Position) -> bool:
    """Whether the trader does not want this very position under care."""
    left = state.left_alone.get(key_of(position.symbol, position.side))
    return left is not None and left.opened == position.opened


def _forget_left_alone(turn: Turn, rows: dict[str, Position], read: PositionsRead) -> None:
    """What the trader said of a position ends with it; only a reading over REST proves that it is gone."""
    kept = turn.state.left_alone
    if not read.rest:
        return
    here = {k: left for k, left in kept.items() if k in rows and rows[k].opened == left.opened}
    if len(here) != len(kept):
        turn.set(left_alone=here)


def unfit_because(state: State, position: Position) -> tuple[str, bool]:
    """Why a position is not managed (empty when it is), and whether the trader may adopt it all the same.
    What only pauses the ladder of one under care keeps none from it that was under care already.
    """
    instrument = state.instruments.get(position.symbol)
    if instrument is None or state.settings.leverage_of(position.symbol) is None:
        return f"{position.symbol} is not in the list of managed symbols", False
    is_new = not _cared_for_before(state, position)
    if is_new and not position.isolated:
        return "the margin mode is crossed; the ladder needs isolated margin", False
    if is_new and position.auto_margin:
        return "auto-add-margin is on; switch it off on Bitget", False
    if position.qty < 2 * instrument.lot:
        return f"{size(position.qty)} is less than two lots", False
    if not instrument.is_tradable(position.qty, position.entry):
        return f"{size(position.qty)} is below Bitget's minimum", False
    if len(state.cycles) >= state.settings.limits.max_cycles:
        return f"max_cycles = {state.settings.limits.max_cycles} is reached", True
    return "", True


def _meet(turn: Turn, key: str, position: Position) -> None:
    state, before = turn.state, _cared_for_before(turn.state, position)
    reason, can_adopt = unfit_because(state, position)
    # what the trader has ordered closed, and a part of which was told too late to go with the rest, still is
    is_being_closed = any(cycle.closing for cycle in before)
    if state.read_only and not (still_obeys(state) and is_being_closed):
        reason = reason or state.read_only
    known = state.unmanaged.get(key)
    if not reason and _is_left_alone(state, position):
        reason, can_adopt = state.left_alone[key].reason, True
    asks = state.settings.ladder.adoption is Adoption.ASK and not before
    if not reason and asks and not _was_approved(state, key, position):
        _ask(turn, key, position, known)
        return
    if not reason:
        adopt(turn, position)
        return
    turn.set(unmanaged={**state.unmanaged, key: Unmanaged(position, reason, can_adopt)})
    if known is None or known.reason != reason:
        turn.note(
            "unmanaged",
            Level.WARNING,
            f"{position.symbol} {position.side.value} {size(position.qty)} is not managed: {reason}.",
            symbol=position.symbol,
        )


def _ask(turn: Turn, key: str, position: Position, known: Unmanaged | None) -> None:
    """A position that appears waits for the trader's yes; the same one, of the same size, asks once."""
    asked = known.position if known is not None else None
    is_same = asked is not None and (asked.opened, asked.qty) == (position.opened, position.qty)
    approval = known.approval if known is not None and is_same else None
    if approval is None:
        account, symbol, side = turn.state.settings.account, position.symbol, position.side
        approval = question(turn, id=cycle_id(account, symbol, side, position.opened, turn.at))
        text = (
            f"{symbol} {side.value} {size(position.qty)} @ {price(position.entry)} asks to be taken under "
            f"care: margin {amount(position.margin)} at {size(position.leverage)}x, liquidation "
            f"{price(position.liquidation)}."
        )
        say(turn, text, id=approval.id, symbol=symbol, asks="adoption")
    stranger = Unmanaged(position, "it waits for your yes", can_adopt=True, approval=approval)
    turn.set(unmanaged={**turn.state.unmanaged, key: stranger})


def leave_alone(turn: Turn, position: Position, reason: str, cycle: str = "") -> None:
    """The trader does not want this position under care, as long as it is the same one."""
    key, state = key_of(position.symbol, position.side), turn.state
    left = {**state.left_alone, key: LeftAlone(position.opened, reason, cycle)}
    stranger = Unmanaged(position, reason, can_adopt=True)
    turn.set(left_alone=left, unmanaged={**state.unmanaged, key: stranger})


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
    known = position.updated or turn.market
    left = state.left_alone.get(key)
    before = _cared_for_before(state, position)
    given = (given_by(state, left) if left is not None else ()) or tuple(c.id for c in before)
    closing = next((c.closing for c in reversed(before) if c.closing), "")
    if state.kill is not None and state.kill.flatten and _was_entered(state, position, opening):
        closing = "flatten"
    elif by := _taken_back(state, position):
        closing = f"exit by {by}"
    cycle = replace(cycle, adopted=known, known_until=known, given=given, closing=closing)
    if position.funding is not None:
        cycle = replace(cycle, funding_before=position.funding, funded_at=known)
    cycle = inherit(turn, cycle, position)
    unmanaged = {k: u for k, u in state.unmanaged.items() if k != key}
    left_alone = {k: each for k, each in state.left_alone.items() if k != key}
    approved = {k: entry for k, entry in state.approved.items() if k != key}
    turn.set(strays=rest, unmanaged=unmanaged, left_alone=left_alone, approved=approved)
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
    turn.put(bar(turn, _warn(turn, cycle, position), position))


def _taken_back(state: State, position: Position) -> str:
    """By whom the entry was taken back that opened it, and is to be closed; empty when none was."""
    mine = (e for e in state.entries.values() if (e.symbol, e.side) == (position.symbol, position.side))
    return next((e.taken_back for e in mine if e.closes), "")


def _was_entered(state: State, position: Position, opening: tuple[Fill, ...]) -> bool:
    """Whether an entry that was asked for here opened it, or may have. A flatten means that one too, when it
    was on its way: after the flatten none begins.
    """
    working = (
        (e.symbol, e.side) == (position.symbol, position.side) for e in state.entries.values() if e.opens
    )
    return any(is_entry(fill.client_id) for fill in opening) or any(working)


def _was_approved(state: State, key: str, position: Position) -> bool:
    """Whether an entry that the trader said yes to opened it, or may have: its order is out, and what that
    did is not told yet.
    """
    id = state.approved.get(key, "")
    entry = state.entries.get(id)
    is_out = entry is not None and (entry.order is not None or entry.done > ZERO)
    opening, _ = _opening_trades(state, position)
    return is_out or (bool(id) and any(is_of_entry(id, fill.client_id) for fill in opening))


def _cared_for_before(state: State, position: Position) -> tuple[Cycle, ...]:
    """The cycles that ended although this very position goes on (an add was not told in time): what rests of
    their stops protects it, and stays; what was to be closed until nothing is left still is.
    """
    return tuple(
        c
        for c in state.closed
        if (c.symbol, c.side, c.opened) == (position.symbol, position.side, position.opened)
    )


def _opening_trades(state: State, position: Position) -> tuple[tuple[Fill, ...], tuple[Fill, ...]]:
    """The trades told before the position was seen that opened it, newest backwards until its size, and the
    others.
    """
    mine: list[Fill] = []
    rest: list[Fill] = []
    need = position.qty
    for fill in reversed(state.strays):
        opens = fill.buy is (position.side is Side.LONG) and fill.at >= position.opened - SAME_MOMENT_MS
        opens = opens and not fill.profit and fill.cause is Cause.ORDER
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


def _follow(turn: Turn, cycle: Cycle, position: Position, read: PositionsRead) -> Cycle:
    """A row of a known cycle: take the exchange's numbers when the sizes agree, doubt when they do not."""
    cycle = outlive(_notice(turn, cycle, position), read.asked)
    if position.opened != cycle.seen.opened:
        cycle = replace(cycle, reborn=turn.at, is_untold=True, shield="")
        turn.ask(Reading.FILLS)
    cycle = _hedged_funding(turn, cycle, position)
    if position.qty != cycle.held_qty:
        return differs(turn, cycle, position, read)
    return replace(
        cycle,
        seen=position,
        held_entry=position.entry,
        held_margin=position.margin,
        doubt=None,
    )


def _hedged_funding(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """With both sides of a symbol open, the positions tell whose funding it was; the bills do not. That holds
    for a settlement of then also when the other side has ended since: its bill is told apart by this row.
    """
    key = key_of(cycle.symbol, cycle.side.opposite)
    other = turn.state.cycles.get(key)
    is_alone = (other is None or not other.held_qty) and key not in turn.state.unmanaged
    is_owed = cycle.owed_at > cycle.funded_at
    if not position.hedged or cycle.reborn or position.funding is None or (is_alone and not is_owed):
        return cycle
    more = position.funding - cycle.funding_before - cycle.funding
    if not more:
        return cycle
    turn.note("funding", Level.CHATTER, f"{name(cycle)}: funding {money(more)}.", cycle)
    turn.ask(Reading.BILLS)
    return replace(fund(cycle, more), row_funding=more, funded_at=max(turn.market, position.updated))


def _notice(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """Changes of mode by the trader's hand."""
    old = cycle.seen
    cycle = bar(turn, cycle, position)
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


def bar(turn: Turn, cycle: Cycle, position: Position) -> Cycle:
    """What Bitget's settings have against scaling this cycle: it is paused as long as that lasts."""
    reason = ""
    instrument = turn.state.instruments.get(cycle.symbol)
    if not position.isolated:
        reason = "the margin mode was changed to crossed"
    elif position.auto_margin:
        reason = "auto-add-margin was switched on"
    elif turn.state.settings.leverage_of(cycle.symbol) is None:
        reason = f"{cycle.symbol} is not in the list of managed symbols any more"
    elif instrument is not None and instrument.status != "normal":
        reason = f"{cycle.symbol} is '{instrument.status}' on Bitget"
    if reason and reason != cycle.barred:
        turn.note("paused", Level.URGENT, f"{name(cycle)}: paused, {reason}. Stops are kept.", cycle)
    elif cycle.barred and not reason:
        turn.note(
            "paused", Level.WARNING, f"{name(cycle)}: paused no more ({cycle.barred}: that is over).", cycle
        )
    return replace(cycle, barred=reason)


def moment_of_end(turn: Turn) -> int:
    """Now by the exchange's clock, and after every earlier end: a late frame puts that clock back a bit."""
    newest = turn.state.closed[-1].closed if turn.state.closed else 0
    return newest + 1 if 0 <= newest - turn.market < LATE_MS else turn.market


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
        f"{name(cycle)} closed ({ending(reason)}): net {money(net)} = realised {money(cycle.realised)}, fees "
        f"{money(-cycle.fees)}, funding {money(cycle.funding)}; {count(cycle.rungs, 'rung')}.",
        cycle,
        net=net,
        reason=reason,
    )
    left = [s for s in cycle.stops if s.state in (Rest.PLACING, Rest.RESTING, Rest.MOVING)]
    if left or cycle.foreign:
        turn.ask(Reading.ORDERS)
    if cycle.is_untold:
        turn.ask(Reading.POSITIONS)
    turn.ask(Reading.BALANCE, Reading.BILLS)
    ended = replace(
        cycle,
        closed=moment_of_end(turn),
        closed_reason=reason,
        rung=None,
        armed=None,
        close=None,
        approval=None,
        stops=left_shield(cycle),
        doubt=None,
    )
    state = turn.state
    key = key_of(cycle.symbol, cycle.side)
    turn.set(
        cycles={k: c for k, c in state.cycles.items() if k != key},
        closed=(*state.closed, ended)[-KEPT_CLOSED:],
        pending={k: p for k, p in state.pending.items() if p.cycle != cycle.id},
        brought=without(state, key),
    )
    return True
