"""Orders meet the market: takers walk the quote's levels, resting limits are met by it."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ZERO, floor_to
from engine.simulator.account import Account
from engine.simulator.floor import Floor
from engine.simulator.orders import Order
from engine.simulator.settlement import cancel_order, trade


def submit(floor: Floor, account: Account, order: Order, *, at: Decimal | None = None) -> None:
    """An admitted order becomes live, takes what is there, and rests or ends with the remainder.

    `at` is the price at which an ideal market fills it. What a market or IOC order does not get is cancelled.
    """
    register(floor, account, order)
    listing = floor.listings[order.symbol]
    if floor.ideal and at is not None and order.is_market:
        levels = [(at, order.qty)]
    else:
        levels = listing.offered(buying=order.buying, qty=order.qty, limit=order.price)
    if order.force == "post_only" and levels:
        cancel_order(floor, account, order, "post_only_would_take")
        return
    if order.force == "fok" and sum((qty for _, qty in levels), ZERO) < order.qty:
        cancel_order(floor, account, order, "fok_not_filled")
        return
    for price, qty in levels:
        listing.take(buying=order.buying, price=price, qty=qty)
        trade(floor, account, order, qty, price, maker=False)
    if not order.remaining:
        return
    if order.is_market or order.force == "ioc":
        cancel_order(floor, account, order, "no_depth_left")
    else:
        account.resting[order.symbol][order.order_id] = order
        make_room(floor, account, order)
        floor.touch(account, order.symbol)


def register(floor: Floor, account: Account, order: Order) -> None:
    """The order exists from here on. Raises 40786 when its client id was used before."""
    account.claim(order.client_oid, order.order_id)
    account.orders[order.order_id] = order
    if not order.is_closing:
        account.settings(order.symbol).margin_mode = order.margin_mode
    floor.tell_order(account, order)
    floor.touch(account, order.symbol)


def replaces_others(account: Account, order: Order) -> bool:
    """Whether a one-way reduce-only limit order pushes older ones out; its answer then carries no orderId
    (WIRE §5)."""
    position = account.position(order.symbol, order.side)
    if position is None or not order.is_closing or order.price is None or not order.is_one_way:
        return False
    return account.reserved(order.symbol, order.side) + order.qty > position.qty


def make_room(floor: Floor, account: Account, order: Order) -> None:
    """Cancel the oldest closing orders that no longer fit into the position beside a new one."""
    position = account.position(order.symbol, order.side)
    if not order.is_closing or position is None:
        return
    for older in account.closing_orders(order.symbol, order.side):
        if older is order or account.reserved(order.symbol, order.side) <= position.qty:
            return
        cancel_order(floor, account, older, "replaced_by_reduce_only")


def is_met(floor: Floor, order: Order) -> bool:
    """Whether the market offers anything to a resting order."""
    listing = floor.listings[order.symbol]
    return bool(listing.offered(buying=order.buying, qty=order.remaining, limit=order.price))


def meet(floor: Floor, account: Account, order: Order) -> None:
    """A resting order gets what the market brings, at its own price, as maker.

    An order that would open beyond the free margin by now is cancelled.
    """
    listing = floor.listings[order.symbol]
    price = order.price
    opens = account.opening_qty(order, order.remaining) > ZERO
    if price is None or (opens and account.free() < ZERO):
        cancel_order(floor, account, order, "margin_not_enough")
        return
    for level, offered in listing.offered(buying=order.buying, qty=order.remaining, limit=price):
        qty = min(offered, _closable(account, order))
        if qty <= ZERO:
            return
        listing.take(buying=order.buying, price=level, qty=qty)
        trade(floor, account, order, qty, price, maker=True)


def _closable(account: Account, order: Order) -> Decimal:
    """A closing order gets no more than the position, and nothing once it was cancelled along with it."""
    if order.status.is_final:
        return ZERO
    if not order.is_closing:
        return order.remaining
    position = account.position(order.symbol, order.side)
    lot = account.contract(order.symbol).instrument.lot
    return floor_to(min(order.remaining, position.qty), lot) if position else ZERO
