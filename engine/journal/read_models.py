"""The tables derived from the entries: what changed in the belief, as SQL rows. Nothing here is truth.

Decimals are stored as text, exactly. A change is a statement and its values; carried out in order, twice if
need be, it gives the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from engine.core.cycle import Cycle, Leg, Rest, Rung, Stop
from engine.core.events import BillSeen, Event, FillSeen, SignalHeard
from engine.core.exchange import Bill, Fill
from engine.core.ids import cycle_in, is_ours
from engine.core.instrument import ZERO, Side
from engine.core.state import State
from engine.journal.port import Entry

Value = str | int | None
Change = tuple[str, tuple[Value, ...]]

TABLES: Final = (
    *("touches", "accounts", "positions", "legs", "rungs", "trades", "bills", "pnl_snapshots"),
    "signals",
)
"""All derived tables; `touches` is filled by engine.journal.touch."""

MINUTE_MS: Final = 60_000


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Insert a row, or overwrite the row with the same key. The names are constants of this file."""
    fields = (*key, *columns)
    marks = ", ".join("?" * len(fields))
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns)
    insert = f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({marks})"  # noqa: S608
    return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"


_ACCOUNT = _upsert(
    "accounts",
    ("account",),
    (
        *(
            "version",
            "equity",
            "free",
            "balance_at",
            "reference_equity",
            "day",
            "day_equity",
            "day_transfers",
        ),
        *("week", "week_equity", "week_transfers", "limit_hit"),
        *("killed_at", "killed_by", "kill_reason", "flattening", "read_only"),
    ),
)
_PNL = (
    _upsert("pnl_snapshots", ("account", "minute"), ("at", "equity", "free", "deployed", "day_pnl"))
    + " WHERE excluded.at <> pnl_snapshots.at"
)
_POSITION = _upsert(
    "positions",
    ("cycle",),
    (
        *(
            "account",
            "symbol",
            "side",
            "status",
            "reason",
            "opened",
            "closed",
            "start_equity",
            "first_margin",
        ),
        *("stop_mode", "qty", "entry", "margin", "leverage", "liquidation", "isolated", "peak_qty"),
        *("realised", "own_realised", "fees", "funding", "net", "rungs", "next_rung", "next_trigger"),
        *("blocked", "waits_until", "stops", "stops_resting", "foreign_orders", "doubt_since", "exit_price"),
    ),
)
_LEG = _upsert(
    "legs",
    ("cycle", "number"),
    (
        *("qty", "entry", "leverage", "margin", "opened_qty", "opened", "opened_by", "locked"),
        *("stop", "stop_why", "fees", "funding", "realised"),
    ),
)
_RUNG = _upsert(
    "rungs",
    ("cycle", "number"),
    (
        *("front", "trigger", "at", "state", "bank_id", "bank_qty", "bank_filled", "bank_cost"),
        *("bank_profit", "bank_margin", "bank_freed"),
        *("add_id", "add_qty", "add_filled", "add_cost", "add_margin", "worst_before", "reason"),
    ),
)
_LEGS_GONE = (
    "UPDATE legs SET qty = '0', stop = NULL, stop_why = '' WHERE cycle = ?1 AND qty <> '0' "
    "AND number NOT IN (SELECT value FROM json_each(?2))"
)
_RUNG_ENDED = "UPDATE rungs SET state = 'ended' WHERE cycle = ? AND state = 'running' AND number <> ?"
_TRADE = (
    "INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trade_id) "
    "DO UPDATE SET seq = excluded.seq, cycle = excluded.cycle"
)
_BILL = "INSERT INTO bills VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bill_id) DO NOTHING"
_SIGNAL = "INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING"
_CLAIM_TRADES = (
    "UPDATE trades SET cycle = ?1 WHERE cycle = '' AND symbol = ?2 AND (side = '' OR side = ?3) AND at >= ?4"
)
_BANKED = (
    "UPDATE rungs SET (bank_filled, bank_cost) = "
    "(SELECT exact_sum(qty), exact_cost(qty, price) FROM trades WHERE client_id = ?1) WHERE bank_id = ?1"
)
_ADDED = (
    "UPDATE rungs SET (add_filled, add_cost) = "
    "(SELECT exact_sum(qty), exact_cost(qty, price) FROM trades WHERE client_id = ?1) WHERE add_id = ?1"
)

_BOOKED: Final[frozenset[type]] = frozenset({FillSeen, BillSeen, SignalHeard})
"""The events that are rows themselves."""


def changes(first: int, entries: Sequence[Entry], before: State | None, after: State) -> Iterator[Change]:
    """What these entries, numbered from `first` on, and the belief `after` them change; without `before`,
    everything is written.
    """
    if before is not after:
        yield from _beliefs(before, after)
    for seq, entry in enumerate(entries, first):
        if type(entry.event.body) in _BOOKED:
            yield from _booked(seq, entry.event, before, after)


def _booked(seq: int, event: Event, before: State | None, after: State) -> Iterator[Change]:
    match event.body:
        case FillSeen(fill):
            yield from _trade(seq, fill, before, after)
        case BillSeen(bill):
            yield _bill(seq, bill)
        case SignalHeard() as signal:
            yield _signal(seq, event.at, signal)


def _beliefs(before: State | None, after: State) -> Iterator[Change]:
    if before is None or _account_of(before) != _account_of(after):
        yield _account(after)
    if after.balance is not None and (before is None or before.balance_at != after.balance_at):
        yield _pnl(after)
    for cycle in _ended(before, after):
        yield from _cycle(after.settings.account, cycle, is_new=False)
    for at, cycle in after.cycles.items():
        known = before.cycles.get(at) if before else None
        if known is not cycle and known != cycle:
            is_new = known is None or known.id != cycle.id
            yield from _cycle(after.settings.account, cycle, is_new=is_new)


def _ended(before: State | None, after: State) -> Sequence[Cycle]:
    if before is None:
        return after.closed
    if before.closed is after.closed:
        return ()
    known = {(cycle.id, cycle.closed) for cycle in before.closed}
    return [cycle for cycle in after.closed if (cycle.id, cycle.closed) not in known]


def _account_of(state: State) -> tuple[object, ...]:
    """What the row of an account depends on."""
    return (
        *(state.settings.account, state.version, state.balance, state.balance_at, state.reference_equity),
        *(state.day, state.kill, state.read_only),
    )


def _account(state: State) -> Change:
    balance, day, kill = state.balance, state.day, state.kill
    return _ACCOUNT, (
        *(state.settings.account, state.version),
        *((str(balance.equity), str(balance.free)) if balance else (None, None)),
        *(state.balance_at, str(state.reference_equity)),
        *(day.day, str(day.day_equity), str(day.day_transfers)),
        *(day.week, str(day.week_equity), str(day.week_transfers), int(day.limit_hit)),
        *((kill.at, kill.by, kill.reason, int(kill.flatten)) if kill else (None, "", "", 0)),
        state.read_only,
    )


def _pnl(state: State) -> Change:
    assert state.balance is not None
    deployed = sum((cycle.held_margin for cycle in state.cycles.values()), ZERO)
    gain = state.balance.equity - state.day.day_equity - state.day.day_transfers
    return _PNL, (
        *(state.settings.account, state.balance_at // MINUTE_MS, state.balance_at),
        *(str(state.balance.equity), str(state.balance.free), str(deployed)),
        str(gain if state.day.day >= 0 else ZERO),
    )


def _cycle(account: str, cycle: Cycle, *, is_new: bool) -> Iterator[Change]:
    yield _position(account, cycle)
    if is_new:
        yield _CLAIM_TRADES, (cycle.id, cycle.symbol, cycle.side.value, since(cycle))
    held = () if cycle.closed else cycle.legs
    for leg in held:
        yield _leg(cycle, leg)
    yield _LEGS_GONE, (cycle.id, msgspec.json.encode([leg.number for leg in held]).decode())
    if cycle.rung is not None:
        yield _rung(cycle.id, cycle.rung)
    yield _RUNG_ENDED, (cycle.id, cycle.rung.number if cycle.rung is not None else -1)


def _position(account: str, cycle: Cycle) -> Change:
    armed = cycle.armed
    stops = [
        {"leg": stop.leg, "qty": stop.qty, "trigger": stop.trigger, "why": stop.why, "state": stop.state}
        for stop in cycle.stops
    ]
    return _POSITION, (
        *(cycle.id, account, cycle.symbol, cycle.side.value, cycle.status.value, cycle.reason),
        *(cycle.opened, cycle.closed, str(cycle.start_equity), str(cycle.first_margin), cycle.mode.value),
        *(str(cycle.held_qty), str(cycle.held_entry), str(cycle.held_margin)),
        *(str(cycle.seen.leverage), str(cycle.seen.liquidation), int(cycle.seen.isolated)),
        *(str(cycle.peak_qty), str(cycle.realised), str(cycle.own_realised)),
        *(str(cycle.fees), str(cycle.funding), str(net(cycle)), cycle.rungs),
        *((armed.number, str(armed.trigger)) if armed else (None, None)),
        *(cycle.blocked, cycle.approval.expires if cycle.approval else None),
        *(msgspec.json.encode(stops).decode(), sum(_rests(stop) for stop in cycle.stops)),
        *(len(cycle.foreign), cycle.doubt.since if cycle.doubt else None, str(cycle.exit_price)),
    )


def net(cycle: Cycle) -> Decimal:
    """What the cycle has made so far, USDT: realised − fees + funding."""
    return cycle.realised - cycle.fees + cycle.funding


def _leg(cycle: Cycle, leg: Leg) -> Change:
    stop = next((s for s in cycle.stops if s.leg in (leg.number, None) and _rests(s)), None)
    return _LEG, (
        *(cycle.id, leg.number, str(leg.qty), str(leg.entry), str(leg.leverage), str(leg.margin)),
        *(str(leg.opened_qty), leg.opened, leg.by.value, int(leg.locked)),
        *((str(stop.trigger), stop.why.value) if stop else (None, "")),
        *(str(leg.fees), str(leg.funding), str(leg.realised)),
    )


def _rests(stop: Stop) -> bool:
    return stop.state in (Rest.RESTING, Rest.MOVING)


def _rung(cycle: str, rung: Rung) -> Change:
    bank, add = rung.bank, rung.add
    return _RUNG, (
        *(cycle, rung.number, rung.front, str(rung.trigger), rung.at, "running"),
        *(bank.id, str(bank.qty), str(bank.filled), str(bank.cost)),
        *(str(bank.released_profit), str(bank.released_margin), str(bank.released)),
        *(add.id, str(add.qty), str(add.filled), str(add.cost)),
        *(str(rung.add_margin), str(rung.worst_before), rung.reason),
    )


def _trade(seq: int, fill: Fill, before: State | None, after: State) -> Iterator[Change]:
    """A trade where it was booked: one that had to wait for an earlier trade is told again."""
    if before is not None and fill.trade_id in before.trades_seen:
        return
    yield (
        _TRADE,
        (
            *(fill.trade_id, seq, cycle_of(fill, before, after), fill.order_id, fill.client_id, fill.symbol),
            *(
                fill.side.value if fill.side else "",
                int(fill.buy),
                str(fill.qty),
                str(fill.price),
                str(fill.fee),
            ),
            *(str(fill.profit), fill.cause.value, fill.at),
        ),
    )
    if fill.client_id:
        yield _BANKED, (fill.client_id,)
        yield _ADDED, (fill.client_id,)


def cycle_of(fill: Fill, before: State | None, after: State) -> str:
    """The cycle of a fill: by client id, else the open one of its symbol and side, else the one it ended."""
    if is_ours(fill.client_id):
        return cycle_in(fill.client_id)
    open_ones = [cycle for belief in (before, after) if belief for cycle in belief.cycles.values()]
    ended = [c for c in reversed(after.closed) if closes(fill, c) and fill.at <= c.closed]
    for cycle in (*open_ones, *ended):
        is_its_side = fill.side is None or fill.side is cycle.side
        if cycle.symbol == fill.symbol and is_its_side and since(cycle) <= fill.at:
            return cycle.id
    return ""


def closes(fill: Fill, cycle: Cycle) -> bool:
    """Whether a fill's direction makes this cycle smaller."""
    return fill.buy is (cycle.side is Side.SHORT)


def since(cycle: Cycle) -> int:
    """The earliest time of a fill of a cycle: a second before the exchange shows the position."""
    return min(cycle.opened, cycle.seen.opened) - 1_000


def _bill(seq: int, bill: Bill) -> Change:
    return _BILL, (bill.bill_id, seq, bill.symbol, bill.kind, str(bill.amount), bill.at)


def _signal(seq: int, at: int, signal: SignalHeard) -> Change:
    return _SIGNAL, (
        *(seq, at, signal.source, signal.id, signal.label),
        *(signal.symbol, signal.action, signal.sentiment),
        *(None if value is None else str(value) for value in (signal.price, signal.stop)),
        *(signal.outcome.value, signal.text, signal.became, signal.times),
    )
