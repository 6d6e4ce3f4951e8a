"""The day in a few lines, from the last moment of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from engine.core.words import amount, at_worst, money, percent, rungs
from engine.notify.layout import Told
from engine.protocol import Snapshot

DAY_MS: Final = 86_400_000


def day_has_ended(last: Snapshot | None, now: Snapshot) -> bool:
    """Whether `last` was of an earlier UTC day. Days are those of the exchange's clock, which the daily
    figures follow; before that is known there is none.
    """
    if last is None or not last.engine.market or not now.engine.market:
        return False
    return now.engine.market // DAY_MS > last.engine.market // DAY_MS


def summary(last: Snapshot) -> Told:
    """What the day of this snapshot came to."""
    at = last.engine.market or last.engine.now
    day = f"{datetime.fromtimestamp(at / 1000, UTC):%a %Y-%m-%d}"
    return Told(f"{day}: the day", tuple(_lines(last, since=at // DAY_MS * DAY_MS)))


def _lines(last: Snapshot, since: int) -> Iterator[str]:
    account = last.account
    equity = "unknown" if account.equity is None else f"{amount(account.equity)} USDT"
    result = "" if account.day_pnl is None else f", today {money(account.day_pnl)}"
    share = "" if account.day_return is None else f" ({percent(account.day_return)})"
    yield f"Equity: {equity}{result}{share}"
    ended = [each for each in last.closed if each.closed >= since]
    for each in ended:
        how = f"{each.ending}, {rungs(each.rungs)}"
        yield f"Closed: {each.symbol} {each.side.value} {money(each.result)} ({how})"
    if not ended:
        yield "Closed: nothing"
    for position in last.positions:
        gain = "result unknown" if position.unrealized_pnl is None else money(position.unrealized_pnl)
        worst = "" if position.worst_case is None else f", worst case {at_worst(position.worst_case)}"
        care = "" if position.managed else ", not under care"
        yield f"Open: {position.symbol} {position.side.value} {gain}{worst}{care}"
    if not last.positions:
        yield "Open: nothing"
    if last.engine.killed:
        yield f"Halted {last.engine.killed}"
