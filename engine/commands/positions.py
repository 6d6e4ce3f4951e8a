"""`ratchet positions`."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from typing import Any, Final

from engine.commands.figures import (
    DEAD_MS,
    UNKNOWN,
    amount,
    percent,
    signed,
    signed_percent,
    staleness,
    status,
    worse,
)
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE
from engine.commands.table import table
from engine.protocol import PositionView, Snapshot, on_its_way

HEAD: Final = (
    "SYMBOL",
    "SIDE",
    "STATUS",
    "ENTRY",
    "MARK",
    "SIZE",
    "MARGIN",
    "LEV",
    "uPnL",
    "uPnL %",
    "LIQ",
    "TO LIQ",
    "WORST",
    "RUNGS",
    "NEXT",
)


def run(arguments: argparse.Namespace) -> int:
    snapshot = engine_of(arguments).snapshot()
    if not isinstance(snapshot, Snapshot):
        return unread(snapshot)
    if arguments.json:
        print(json.dumps([as_json(each) for each in snapshot.positions], indent=2))
    else:
        print(as_table(snapshot))
    return DONE


def as_table(snapshot: Snapshot) -> str:
    """One line a position and each thing on its way, and under them what is wrong with them, if anything."""
    coming = [on_its_way(each, snapshot.engine.now) for each in snapshot.coming]
    if not snapshot.positions:
        none = "no open positions" if snapshot.engine.reconciled else "positions are not read yet: unknown"
        return "\n".join((none, *coming))
    lines = table(HEAD, [_row(each) for each in snapshot.positions], left=(0, 1, 2)).splitlines()
    lines += coming
    notes = [f"{each.key}: {note}" for each in snapshot.positions for note in _notes(each)]
    if not snapshot.engine.reconciled:
        notes.append(f"not all is read since the last break: {', '.join(snapshot.engine.unread)}")
    return "\n".join((*lines, *notes))


def _row(position: PositionView) -> tuple[str, ...]:
    """Values that hang on a dead mark are unknown, and shown so."""
    dead = position.mark_age_ms is None or position.mark_age_ms > DEAD_MS
    stale = bool(staleness(position))
    return (
        position.symbol,
        position.side.value.upper(),
        status(position),
        amount(position.entry, position.price_decimals),
        UNKNOWN if dead else amount(position.mark, position.price_decimals),
        amount(position.size, position.qty_decimals),
        amount(position.margin),
        f"{position.leverage.normalize():f}x",
        UNKNOWN if dead else signed(position.unrealized_pnl),
        UNKNOWN if dead else signed_percent(position.unrealized_return),
        amount(position.liquidation, position.price_decimals) if position.liquidation else "none",
        UNKNOWN if stale else percent(position.distance),
        "risk-free" if position.risk_free else signed(worse(position.worst_case)),
        str(position.rungs),
        amount(position.next_rung.trigger, position.price_decimals) if position.next_rung else UNKNOWN,
    )


def _notes(position: PositionView) -> tuple[str, ...]:
    stale = staleness(position)
    blocked = f"the next rung is blocked: {position.blocked}" if position.blocked else ""
    return tuple(note for note in (f"{stale}: the price is not known" if stale else "", blocked) if note)


def as_json(position: PositionView) -> dict[str, Any]:
    """Numbers as decimal strings, null for unknown; `…_pct` are percents such as "33.17"."""
    return {
        "symbol": position.symbol,
        "side": position.side.value,
        "managed": position.managed,
        "entry": _text(position.entry),
        "mark": _text(position.mark),
        "mark_age_ms": position.mark_age_ms,
        "size": _text(position.size),
        "margin": _text(position.margin),
        "leverage": _text(position.leverage),
        "unrealized_pnl": _text(position.unrealized_pnl),
        "unrealized_pnl_pct": _percent(position.unrealized_return),
        "liquidation": _text(position.liquidation),
        "distance_pct": _percent(position.distance),
        "distance_usdt": _text(position.distance_usdt),
        "status": position.status.value if position.managed and position.status else "UNMANAGED",
        "reason": position.reason,
        "blocked": position.blocked,
        "rungs": position.rungs,
        "next_trigger": _text(position.next_rung.trigger) if position.next_rung else None,
        "worst_case": _text(position.worst_case),
        "risk_free": position.risk_free,
        "breakeven": _text(position.breakeven),
        "funding": _text(position.funding),
        "fees": _text(position.fees),
        "realized": _text(position.realized),
        "legs": [
            {"qty": _text(leg.qty), "entry": _text(leg.entry), "stop": _text(leg.stop)}
            for leg in position.legs
        ],
        "stops": [
            {"qty": _text(stop.qty), "trigger": _text(stop.trigger), "why": stop.why}
            for stop in position.stops
        ],
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _percent(fraction: Decimal | None) -> str | None:
    return None if fraction is None else format(round(fraction * 100, 2), "f")
