"""What a reading tells again. Most of it was told by a stream, or by the reading before it: hundreds of
trades on which nothing hangs must not stand before a price, each with a decision of its own.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from engine.core.events import AnyBody, BillSeen, FillSeen
from engine.core.state import State

NOTHING: Final[Set[str]] = frozenset()


class Told:
    """Knows what is booked: the ids of the belief as sets, made anew only when there is another list."""

    def __init__(self) -> None:
        self._lists: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._trades, self._bills = NOTHING, NOTHING

    def has(self, body: AnyBody, state: State) -> bool:
        """Whether `body` is a trade that was read back, or a bill, that this belief has booked."""
        if isinstance(body, FillSeen):
            return not body.live and body.fill.trade_id in self._of(state)[0]
        return isinstance(body, BillSeen) and body.bill.bill_id in self._of(state)[1]

    def _of(self, state: State) -> tuple[Set[str], Set[str]]:
        trades, bills = self._lists
        if state.trades_seen is not trades:
            self._trades = frozenset(state.trades_seen)
        if state.bills_seen is not bills:
            self._bills = frozenset(state.bills_seen)
        self._lists = state.trades_seen, state.bills_seen
        return self._trades, self._bills
