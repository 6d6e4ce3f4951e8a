"""A Bitget in memory: accounts that trade USDT perpetuals on quotes that somebody feeds in.

Synchronous and deterministic: no I/O, no wall clock, no chance outside the seeded ids. Market time moves only
with `on_quote` and `advance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.core.instrument import ZERO, Side
from engine.simulator.account import ONE_WAY, Account
from engine.simulator.contract import Contract
from engine.simulator.digits import plain
from engine.simulator.errors import refusal
from engine.simulator.events import is_quiet, react
from engine.simulator.floor import Floor
from engine.simulator.funding import settle
from engine.simulator.liquidation import force_adl
from engine.simulator.listing import Listing
from engine.simulator.push import Push
from engine.simulator.quote import Quote
from engine.simulator.rows import bill_row, order_row, plan_row, position_row


class Exchange:
    """The simulated exchange. `PrivateEndpoints(exchange, account_id)` trades on it.

    `ideal`: market orders fill completely at the mark and stops at their trigger; no spread, slippage or
    funding. `hold_funding`: funding times pass without a settlement.
    """

    def __init__(
        self,
        instruments: Sequence[Contract],
        *,
        seed: int = 0,
        ideal: bool = False,
        now_ms: int = 0,
        hold_funding: bool = False,
    ) -> None:
        listings = {c.symbol: Listing(c, ideal=ideal, now_ms=now_ms) for c in instruments}
        self._floor = Floor(listings, seed=seed, ideal=ideal, now_ms=now_ms)
        self._settles_funding = not (ideal or hold_funding)

    def __repr__(self) -> str:
        accounts = ", ".join(map(repr, self._floor.accounts.values()))
        contracts = len(self._floor.listings)
        return f"<Exchange at {self.now_ms} ms, {contracts} contracts: {accounts or 'no account'}>"

    @property
    def now_ms(self) -> int:
        """Market time, milliseconds UTC."""
        return self._floor.now_ms

    @property
    def floor(self) -> Floor:
        """The state behind, for the endpoints."""
        return self._floor

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._floor.listings)

    def open_account(
        self,
        account_id: str,
        balance: Decimal,
        *,
        position_mode: str = ONE_WAY,
        taker: Decimal | None = None,
        maker: Decimal | None = None,
    ) -> Account:
        """An account with `balance` USDT transferred in. `taker` and `maker` default to the contract's public
        rates.

        Raises `ValueError` when the id is taken or the balance is negative.
        """
        if account_id in self._floor.accounts:
            raise ValueError(f"account {account_id} exists already; choose another id")
        if not balance.is_finite() or balance < ZERO:
            raise ValueError(
                f"account {account_id}: a balance of {balance} USDT is not possible; give 0 or more"
            )
        account = Account(
            account_id, self._floor.listings, position_mode=position_mode, taker=taker, maker=maker
        )
        account.book(self._floor.ids.next(), self.now_ms, "", "trans_from_exchange", amount=balance)
        self._floor.accounts[account_id] = account
        return account

    def account(self, account_id: str) -> Account:
        """The account. Raises `KeyError` when there is none."""
        return self._floor.accounts[account_id]

    def transfer(self, account_id: str, amount: Decimal) -> None:
        """Move USDT in from spot (positive) or out to it (negative). Raises 40762 when more leaves than is
        free."""
        account = self.account(account_id)
        if amount < ZERO and -amount > account.free():
            raise refusal("40762")
        business = "trans_from_exchange" if amount > ZERO else "trans_to_exchange"
        with self._floor.operation():
            account.book(self._floor.ids.next(), self.now_ms, "", business, amount=amount)
            self._floor.paid(account)

    # -- market ----------------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        """The market moved: resting limits, plan orders, trailing, liquidation, in the order of
        `events.react`."""
        floor = self._floor
        listing = floor.listings[quote.symbol]
        if quote.ts > floor.now_ms:
            self.advance(quote.ts)
        listing.show(quote)
        if is_quiet(floor, listing, quote):
            return
        floor.gates[quote.symbol] = None
        with floor.operation():
            react(floor, listing)

    def advance(self, now_ms: int) -> None:
        """Move market time on; every funding time in between settles at its own moment, then risk is looked
        at."""
        floor = self._floor
        while (listing := min(floor.listings.values(), key=_next_funding, default=None)) is not None:
            if listing.next_funding_ms > now_ms:
                break
            floor.now_ms = max(floor.now_ms, listing.next_funding_ms)
            listing.next_funding_ms = listing.funding_after(listing.next_funding_ms)
            if self._settles_funding:
                self._settle_funding(listing)
        floor.now_ms = max(floor.now_ms, now_ms)

    def _settle_funding(self, listing: Listing) -> None:
        with self._floor.operation():
            settle(self._floor, listing)
            if listing.quote is not None:
                react(self._floor, listing)

    def set_funding_rate(self, symbol: str, rate: Decimal) -> None:
        """The rate (a fraction per interval) of the next settlements; positive: long pays."""
        self._listing(symbol).funding_rate = rate

    def funding_rate(self, symbol: str) -> Decimal:
        return self._listing(symbol).funding_rate

    def next_funding_time(self, symbol: str) -> int:
        """When funding settles next, milliseconds UTC."""
        return self._listing(symbol).next_funding_ms

    # -- what is told ----------------------------------------------------------------------------------------

    def subscribe(self, push: Callable[[Push], None]) -> Callable[[], None]:
        """Call `push` with every change from now on, after the operation that made it; returns the way
        out."""
        self._floor.subscribers.append(push)

        def leave() -> None:
            if push in self._floor.subscribers:
                self._floor.subscribers.remove(push)

        return leave

    def snapshot(self, account_id: str) -> list[dict[str, Any]]:
        """The rows that a fresh subscription to `positions` gets."""
        return self._floor.snapshot(self.account(account_id))

    def contract(self, symbol: str) -> dict[str, Any]:
        """The row of `GET contracts`, with the status of now. Raises 40034 for an unknown symbol."""
        listing = self._listing(symbol)
        return listing.contract.row | {"symbolStatus": listing.status}

    def tiers(self, symbol: str) -> list[dict[str, str]]:
        """The rows of `query-position-lever`."""
        return self._listing(symbol).contract.tier_rows()

    def state(self) -> dict[str, Any]:
        """Everything that exists, JSON-able, numbers as strings."""
        floor = self._floor
        quotes = {s: listing.quote for s, listing in floor.listings.items()}
        return {
            "now_ms": self.now_ms,
            "marks": {s: plain(q.mark) for s, q in quotes.items() if q is not None},
            "accounts": {account_id: _account_state(a) for account_id, a in floor.accounts.items()},
        }

    # -- what goes wrong -------------------------------------------------------------------------------------

    def force_adl(self, account_id: str, symbol: str, side: Side, qty: Decimal) -> None:
        """Auto-deleverage `qty` of a position at the mark. Raises 22002 without a position."""
        account = self.account(account_id)
        position = account.position(symbol, side)
        if position is None:
            raise refusal("22002")
        with self._floor.operation():
            force_adl(self._floor, account, position, qty)

    def set_status(self, symbol: str, status: str) -> None:
        """Change a contract's symbolStatus: normal, limit_open, maintain, off (WIRE §3)."""
        self._listing(symbol).status = status

    def set_contract(self, symbol: str, **fields: str) -> None:
        """Change fields of a contract's row, such as `pricePlace` and `priceEndStep` (WIRE §3)."""
        listing = self._listing(symbol)
        known = listing.contract
        listing.contract = Contract.from_wire(known.row | fields, known.instrument.tiers)

    def _listing(self, symbol: str) -> Listing:
        listing = self._floor.listings.get(symbol.upper())
        if listing is None:
            raise refusal("40034", symbol)
        return listing


def _next_funding(listing: Listing) -> int:
    return listing.next_funding_ms


def _account_state(account: Account) -> dict[str, Any]:
    resting = [o for book in account.resting.values() for o in book.values()]
    waiting = [p for book in account.waiting.values() for p in book.values()]
    return {
        "balance": plain(account.wallet),
        "equity": plain(account.equity()),
        "free": plain(account.free()),
        "position_mode": account.position_mode,
        "positions": [position_row(account, p) for p in account.positions.values()],
        "orders": [order_row(o, status_key="status") for o in resting],
        "plan_orders": [plan_row(p) for p in waiting],
        "bills": [bill_row(b) for b in account.bills[-100:]],
    }
