"""Funding: what long and short pay each other every few hours."""

from __future__ import annotations

from engine.core.instrument import ZERO
from engine.simulator.account import Account
from engine.simulator.digits import booked
from engine.simulator.floor import Floor
from engine.simulator.listing import Listing
from engine.simulator.position import Position


def settle(floor: Floor, listing: Listing) -> None:
    """Settle one funding time of a symbol at the current mark and rate; a symbol without a market is
    skipped."""
    if listing.quote is None or listing.funding_rate == ZERO:
        return
    for account in floor.accounts.values():
        for position in account.positions_of(listing.symbol):
            _settle(floor, account, position, listing)


def _settle(floor: Floor, account: Account, position: Position, listing: Listing) -> None:
    """Long pays notional(mark)·rate when the rate is positive, short receives it.

    Choice: for an isolated position the amount is taken from, or added to, the position's own margin, so that
    the free margin stays and the liquidation price moves (Bitget does not document it; WIRE §4).
    """
    amount = booked(-position.side.d * position.qty * listing.current().mark * listing.funding_rate)
    position.funding = (position.funding or ZERO) + amount
    if position.is_isolated:
        position.margin += amount
    position.u_time = floor.now_ms
    account.book(floor.ids.next(), floor.now_ms, position.symbol, "contract_settle_fee", amount=amount)
    floor.stale()
