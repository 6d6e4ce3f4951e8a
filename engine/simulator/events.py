"""What a quote sets off, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import msgspec

from engine.core.instrument import ZERO
from engine.simulator.account import Account
from engine.simulator.floor import Floor
from engine.simulator.gates import gate_of
from engine.simulator.liquidation import is_due, liquidate
from engine.simulator.listing import Listing
from engine.simulator.matching import is_met, meet
from engine.simulator.quote import Quote
from engine.simulator.triggers import fire

_LAST = Decimal("Infinity")


class _Event(msgspec.Struct, frozen=True):
    """Something due now; lower `rank` first, then the level that the market passed first."""

    rank: int
    distance: Decimal
    happen: Callable[[], None]


def is_quiet(floor: Floor, listing: Listing, quote: Quote) -> bool:
    """Whether the quote can only move prices. Thresholds are worked out again when something has changed."""
    gate = floor.gates[listing.symbol]
    if gate is None:
        gate = floor.gates[listing.symbol] = gate_of(listing.symbol, floor.accounts.values())
    return gate.is_quiet(quote, ideal=floor.ideal)


def react(floor: Floor, listing: Listing) -> None:
    """Let everything happen that the current quote makes due, one thing at a time, until nothing is left.

    In an ideal market things happen in the order in which the price passed their levels. Otherwise a quote is
    one jump: what is liquidated at its mark is gone before a stop's market order reaches the book; then by
    level.
    """
    _follow(floor, listing)
    while event := min(_due(floor, listing), key=lambda e: (e.rank, e.distance), default=None):
        event.happen()


def _follow(floor: Floor, listing: Listing) -> None:
    quote = listing.current()
    for account in floor.accounts.values():
        for plan in account.waiting[listing.symbol].values():
            if plan.plan_type.is_trailing:
                was_active = plan.is_active
                plan.follow(quote)
                if plan.is_active is not was_active:
                    floor.stale()


def _due(floor: Floor, listing: Listing) -> Iterator[_Event]:
    for account in floor.accounts.values():
        yield from _due_liquidations(floor, account, listing)
        yield from _due_plans(floor, account, listing)
        yield from _due_orders(floor, account, listing)


def _due_liquidations(floor: Floor, account: Account, listing: Listing) -> Iterator[_Event]:
    start = (listing.before or listing.current()).mark
    for position in account.positions_of(listing.symbol):
        if is_due(account, position):
            price = account.liquidation_price(position) if position.is_isolated else ZERO
            distance = abs(price - start) if price else _LAST
            yield _Event(1 if floor.ideal else 0, distance, partial(liquidate, floor, account, position))


def _due_plans(floor: Floor, account: Account, listing: Listing) -> Iterator[_Event]:
    quote = listing.current()
    start = listing.before or quote
    for plan in account.waiting[listing.symbol].values():
        is_asleep = plan.plan_type.is_trailing and not plan.is_active
        if not is_asleep and plan.is_reached(quote):
            distance = abs(plan.level - plan.watched(start))
            yield _Event(1, distance, partial(fire, floor, account, plan))


def _due_orders(floor: Floor, account: Account, listing: Listing) -> Iterator[_Event]:
    start = (listing.before or listing.current()).mark
    for order in account.resting[listing.symbol].values():
        if is_met(floor, order):
            distance = abs((order.price or ZERO) - start)
            yield _Event(1, distance, partial(meet, floor, account, order))
