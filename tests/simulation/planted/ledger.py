"""Bugs in what is believed: positions, trades, legs, money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.core import cycle, decide, doubt, fills, ledger, positions
from engine.core.instrument import ZERO, Side
from engine.venue import rows, terms, trades

from .bed import Changes, planted


@planted("funding is counted twice after a partial exit (freqtrade#13102)")
def _() -> Changes:
    real = ledger.fund

    def fund(cycle: Any, amount: Decimal, **more: Any) -> Any:
        cycle = real(cycle, amount, **more)
        return replace(cycle, funding=cycle.funding + amount) if cycle.realised else cycle

    yield decide, "fund", fund


@planted("funding is not booked at all (freqtrade#13517)")
def _() -> Changes:
    yield decide, "fund", lambda cycle, amount, **more: cycle


@planted("a trade is booked each time it is told (nautilus_trader#3046)")
def _() -> Changes:
    real = fills.fill_seen

    def fill_seen(t: Any, fill: Any, **more: Any) -> None:
        t.set(trades_seen=())
        real(t, fill, **more)

    yield fills, "fill_seen", fill_seen
    yield decide, "fill_seen", fill_seen


@planted("hedge side misread: closing a long is taken for opening one (passivbot#1729)")
def _() -> Changes:
    real = terms.direction_of

    def direction_of(where: str, **row: Any) -> Any:
        way = real(where, **row)
        return way._replace(buy=row["side"] == "buy") if row["pos_mode"] == terms.HEDGE else way

    yield trades, "direction_of", direction_of
    yield rows, "direction_of", direction_of


@planted("a missing row is a closed position (trading-gpt#103)")
def _() -> Changes:
    def missing(t: Any, cycle: Any, *, rest: bool) -> Any:
        return replace(cycle, held_qty=ZERO, held_margin=ZERO, legs=(), last_cause="unknown", moved=t.at)

    yield positions, "missing", missing


@planted("an old reading is believed (Shioaji#232)")
def _() -> Changes:
    yield positions, "_is_old", lambda cycle, read: False
    yield positions, "_has_ended", lambda state, position, read: False

    def differs(t: Any, cycle: Any, position: Any, read: Any) -> Any:
        return replace(doubt._believe(t, replace(cycle, seen=position)), doubt=None)

    yield positions, "differs", differs


@planted("a partial fill is taken for all of it (anusambath/trading-bot#15)")
def _() -> Changes:
    real = fills._enlarge

    def enlarge(cycle: Any, number: int, fill: Any, by: Any) -> Any:
        wanted = cycle.rung.add.qty if cycle.rung is not None else fill.qty
        return real(cycle, number, replace(fill, qty=wanted), by)

    yield fills, "_enlarge", enlarge


@planted("fees of partial exits are lost (trade-executor#295)")
def _() -> Changes:
    real = ledger.reduce

    def reduce(cycle: Any, parts: Any, **more: Any) -> Any:
        done = real(cycle, parts, **more)
        return replace(done, fees=cycle.fees) if done.held_qty else done

    yield fills, "reduce", reduce


@planted("the trades since the newest are read only (Lean.Brokerages.InteractiveBrokers#249)")
def _() -> Changes:
    real = fills.fill_seen

    def fill_seen(t: Any, fill: Any, **more: Any) -> None:
        real(t, fill, **more)
        t.set(fills_since=max(t.state.fills_since, fill.at))

    yield fills, "fill_seen", fill_seen
    yield decide, "fill_seen", fill_seen


@planted("both sides of a symbol are one position (hummingbot#2569)")
def _() -> Changes:

    def key_of(symbol: str, side: Side) -> str:
        return cycle.key_of(symbol, Side.LONG)

    yield fills, "key_of", key_of


@planted("a list of positions that is empty twice is proof enough")
def _() -> Changes:
    real = doubt.resolve_doubt

    def resolve_doubt(t: Any, cycle: Any) -> Any:
        if cycle.doubt is not None and cycle.doubt.gone_by_rest > 1:
            cycle = replace(cycle, doubt=replace(cycle.doubt, gone_by_stream=True))
        return real(t, cycle)

    yield decide, "resolve_doubt", resolve_doubt
