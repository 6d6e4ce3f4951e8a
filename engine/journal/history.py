"""What was: cycles, their legs, rungs and trades, and the equity curve, from the journal's own tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from engine.core.ids import is_ours
from engine.core.instrument import Side
from engine.journal.reader import JournalReader
from engine.protocol import CycleStory, CycleView, EquityPoint, PastLeg, RungView, SignalView, TradeView

CYCLES: Final = 500
POINTS: Final = 1000
TRADES: Final = 2000
SIGNALS: Final = 500

_CYCLE: Final = (
    "SELECT cycle, symbol, side, status, reason, opened, closed, rungs, first_margin, start_equity, "
    "peak_qty, realised, fees, funding, net, exit_price FROM positions"
)
_SIGNAL: Final = (
    "SELECT seq, at, source, id, label, symbol, action, sentiment, price, stop, outcome, text, became, times "
    "FROM signals"
)
_TRADE: Final = (
    "SELECT trades.at, buy, trades.qty, price, fee, profit, cause, client_id, order_id, positions.side "
    "FROM trades JOIN positions ON positions.cycle = trades.cycle"
)


class History:
    """The past of one account. Every call is one short read in the reader's own thread; no append of the
    engine waits for it.

    Raises JournalRefused when the file cannot be read.
    """

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._reader.path

    async def cycles(self) -> tuple[CycleView, ...]:
        """The newest cycles, open ones first, then by their end."""
        sql = f"{_CYCLE} ORDER BY closed = 0 DESC, closed DESC, opened DESC LIMIT ?"
        return await self._reader.ask(lambda db: tuple(map(_cycle, db.execute(sql, (CYCLES,)))))

    async def cycle(self, name: str) -> CycleStory | None:
        """One cycle with all that happened in it; None for an unknown name."""
        return await self._reader.ask(lambda db: _story(db, name))

    async def equity(self) -> tuple[EquityPoint, ...]:
        """The equity curve, thinned out evenly to at most `POINTS` minutes, the newest one always in it."""
        return await self._reader.ask(_equity)

    async def signals(self) -> tuple[SignalView, ...]:
        """The newest signals, newest first."""
        sql = f"{_SIGNAL} ORDER BY seq DESC LIMIT ?"
        return await self._reader.ask(lambda db: tuple(map(_signal, db.execute(sql, (SIGNALS,)))))

    async def trades(self, symbol: str, since: int) -> tuple[TradeView, ...]:
        """The fills of the cycles of `symbol` that are open, from `since` (the exchange's clock) on."""
        chosen = "WHERE positions.symbol = ? AND positions.closed = 0 AND trades.at >= ?"
        sql = f"{_TRADE} {chosen} ORDER BY trades.at LIMIT ?"
        given = (symbol, since, TRADES)
        return await self._reader.ask(lambda db: tuple(map(_trade, db.execute(sql, given))))


def _story(db: sqlite3.Connection, name: str) -> CycleStory | None:
    row = db.execute(f"{_CYCLE} WHERE cycle = ?", (name,)).fetchone()
    if row is None:
        return None
    trades = db.execute(f"{_TRADE} WHERE trades.cycle = ? ORDER BY trades.at, trades.seq", (name,))
    return CycleStory(
        _cycle(row),
        tuple(_legs(db, name)),
        tuple(_rungs(db, name)),
        tuple(_trade(row) for row in trades.fetchmany(TRADES)),
    )


def _equity(db: sqlite3.Connection) -> tuple[EquityPoint, ...]:
    first, last = db.execute("SELECT min(minute), max(minute) FROM pnl_snapshots").fetchone()
    if first is None:
        return ()
    step = (last - first) // POINTS + 1
    thinned = "SELECT max(at), equity, deployed FROM pnl_snapshots GROUP BY (? - minute) / ? ORDER BY 1"
    rows = db.execute(thinned, (last, step))
    return tuple(EquityPoint(at, Decimal(equity), Decimal(deployed)) for at, equity, deployed in rows)


def _cycle(row: tuple[Any, ...]) -> CycleView:
    cycle, symbol, side, status, reason, opened, closed, rungs, *figures = row
    first, start, peak, realised, fees, funding, net, exit_price = map(Decimal, figures)
    return CycleView(
        cycle=cycle,
        symbol=symbol,
        side=Side(side),
        status=status,
        reason=reason,
        opened=opened,
        closed=closed,
        rungs=rungs,
        first_margin=first,
        start_equity=start,
        peak_qty=peak,
        realised=realised,
        fees=fees,
        funding=funding,
        net=net,
        r=net / first if first else None,
        exit_price=exit_price,
    )


def _legs(db: sqlite3.Connection, name: str) -> Iterator[PastLeg]:
    sql = (
        "SELECT number, opened, opened_by, locked, opened_qty, qty, entry, leverage, margin, realised, fees, "
        "funding FROM legs WHERE cycle = ? ORDER BY number"
    )
    for number, opened, by, locked, *figures in db.execute(sql, (name,)):
        opened_qty, qty, entry, leverage, margin, realised, fees, funding = map(Decimal, figures)
        yield PastLeg(
            number,
            opened,
            by,
            opened_qty,
            qty,
            entry,
            leverage,
            margin,
            realised,
            fees,
            funding,
            bool(locked),
        )


def _rungs(db: sqlite3.Connection, name: str) -> Iterator[RungView]:
    sql = (
        "SELECT number, at, reason, trigger, bank_filled, bank_cost, bank_profit, bank_freed, add_filled, "
        "add_cost, add_margin, worst_before FROM rungs WHERE cycle = ? ORDER BY number"
    )
    for number, at, reason, *figures in db.execute(sql, (name,)):
        trigger, banked, bank_cost, profit, freed, added, add_cost, margin, worst = map(Decimal, figures)
        yield RungView(
            number=number,
            at=at,
            trigger=trigger,
            bank_qty=banked,
            bank_price=bank_cost / banked if banked else None,
            bank_profit=profit,
            freed=freed,
            add_qty=added,
            add_price=add_cost / added if added else None,
            add_margin=margin,
            worst_before=worst,
            reason=reason,
        )


def _trade(row: tuple[Any, ...]) -> TradeView:
    at, buy, qty, price, fee, profit, cause, client_id, order_id, side = row
    return TradeView(
        at=at,
        opens=bool(buy) is (Side(side) is Side.LONG),
        buy=bool(buy),
        qty=Decimal(qty),
        price=Decimal(price),
        fee=Decimal(fee),
        profit=Decimal(profit),
        cause=cause,
        ours=is_ours(client_id),
        order_id=order_id,
    )


def _signal(row: tuple[Any, ...]) -> SignalView:
    seq, at, source, id, label, symbol, action, sentiment, price, stop, outcome, text, became, times = row
    return SignalView(
        seq=seq,
        at=at,
        source=source,
        id=id,
        label=label,
        symbol=symbol,
        action=action,
        sentiment=sentiment,
        price=None if price is None else Decimal(price),
        stop=None if stop is None else Decimal(stop),
        outcome=outcome,
        text=text,
        became=became,
        times=times,
    )
