"""The trading floor: everything the exchange knows, and the outbox of what it has to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.simulator.account import Account
from engine.simulator.gates import Gate
from engine.simulator.ids import Ids
from engine.simulator.listing import Listing
from engine.simulator.orders import Fill, Order
from engine.simulator.plan_orders import PlanOrder
from engine.simulator.position import ClosedPosition
from engine.simulator.push import Push
from engine.simulator.push_rows import account_row, fill_row, history_row, order_row, plan_row, position_row


class Floor:
    """The shared state of one exchange. Modules beside it act on it; nothing outside the exchange holds it.

    Pushes are collected while an operation runs and sent when it ends, in Bitget's order: orders and fills as
    they happened, then positions, then account.
    """

    def __init__(self, listings: dict[str, Listing], *, seed: int, ideal: bool, now_ms: int) -> None:
        self.listings = listings
        self.accounts: dict[str, Account] = {}
        self.ids = Ids(seed)
        self.ideal = ideal
        self.now_ms = now_ms
        self.subscribers: list[Callable[[Push], None]] = []
        self.gates: dict[str, Gate | None] = dict.fromkeys(listings)
        self._outbox: list[Push] = []
        self._touched: dict[str, str] = {}
        self._depth = 0

    @contextmanager
    def operation(self) -> Iterator[None]:
        """What happens inside is told to the subscribers when the outermost operation ends, also when it is
        refused."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._deliver()

    def touch(self, account: Account, symbol: str) -> None:
        """An order was created, filled or cancelled: positions and account are pushed when the operation
        ends.

        These are the only occasions that Bitget documents. Margin, leverage, funding and plan orders push
        neither, so that a client has to read them.
        """
        self._touched[account.account_id] = symbol
        self.stale()

    def paid(self, account: Account) -> None:
        """Money was transferred: account is pushed."""
        self._touched.setdefault(account.account_id, "")

    def stale(self) -> None:
        """Forget the thresholds of quotes, to be worked out again at the next one."""
        self.gates = dict.fromkeys(self.gates)

    def tell_order(self, account: Account, order: Order, fill: Fill | None = None) -> None:
        listing = self.listings[order.symbol]
        self._tell(account, "orders", order.symbol, order_row(order, fill, listing))

    def tell_fill(self, account: Account, fill: Fill) -> None:
        self._tell(account, "fill", fill.symbol, fill_row(fill))

    def tell_plan(self, account: Account, plan: PlanOrder) -> None:
        self._tell(account, "orders-algo", plan.symbol, plan_row(plan))

    def tell_closed(self, account: Account, entry: ClosedPosition) -> None:
        self._tell(account, "positions-history", entry.symbol, history_row(entry, account.position_mode))

    def snapshot(self, account: Account) -> list[dict[str, Any]]:
        """The rows of the positions channel: every open position."""
        return [position_row(account, position) for position in account.positions.values()]

    def _tell(self, account: Account, channel: str, symbol: str, row: dict[str, Any]) -> None:
        self._outbox.append(Push(account.account_id, channel, symbol, [row]))

    def _deliver(self) -> None:
        pushes, self._outbox = self._outbox, []
        touched, self._touched = self._touched, {}
        if not self.subscribers:
            return
        for account_id, symbol in touched.items():
            account = self.accounts[account_id]
            if symbol:
                pushes.append(Push(account_id, "positions", symbol, self.snapshot(account)))
            pushes.append(Push(account_id, "account", "", [account_row(account)]))
        for push in pushes:
            for subscriber in tuple(self.subscribers):
                subscriber(push)
