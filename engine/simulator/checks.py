"""The rules an order must keep before it is accepted, with Bitget's codes (WIRE §8)."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ONE, ZERO, floor_to
from engine.simulator.account import Account
from engine.simulator.contract import Contract
from engine.simulator.digits import plain
from engine.simulator.errors import refusal
from engine.simulator.floor import Floor
from engine.simulator.listing import Listing
from engine.simulator.orders import Effect, Order
from engine.simulator.position import Position
from engine.simulator.quote import Level


def admit(floor: Floor, account: Account, order: Order, *, at: Decimal | None = None) -> None:
    """Refuse what Bitget refuses; cut a closing order down to the position. `at` is the price of an ideal
    fill."""
    listing = floor.listings[order.symbol]
    listing.current()
    _check_status(listing, order)
    if order.is_closing:
        fit_to_position(account, order)
    check_steps(listing.contract, order.qty, order.price)
    _check_size(account, listing, order)
    _check_band(listing, order)
    if order.is_closing:
        return
    _check_margin_mode(account, order)
    if len(account.resting[order.symbol]) >= listing.contract.max_orders:
        raise refusal("43005")
    _check_tier(account, listing, order)
    if _cost(account, listing, order, at) > account.free():
        raise refusal("40762")


def check_steps(contract: Contract, qty: Decimal, price: Decimal | None) -> None:
    """Decimals beyond the contract's places are 40808, a price between two ticks is 45115."""
    if _places(qty) > contract.qty_places or qty != floor_to(qty, contract.instrument.lot):
        raise refusal("40808", "size", plain(qty), contract.qty_places)
    if price is not None:
        check_price(contract, price)


def check_price(contract: Contract, price: Decimal) -> None:
    """Refuse a price that is not on the tick."""
    if _places(price) > contract.price_places:
        raise refusal("40808", "price", plain(price), contract.price_places)
    if price != floor_to(price, contract.instrument.tick):
        raise refusal("45115", plain(contract.instrument.tick))


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _check_status(listing: Listing, order: Order) -> None:
    match listing.status:
        case "normal":
            return
        case "off":
            raise refusal("40845")
        case "limit_open" | "restrictedAPI":
            if not order.is_closing:
                raise refusal("45119")
        case _:
            raise refusal("41114")


def fit_to_position(account: Account, order: Order) -> None:
    """Cut a closing order down to what there is to close; it never opens anything.

    22002 without a position. A hedge limit order reserves size, so that more than the rest is 40757.
    """
    position = account.position(order.symbol, order.side)
    if position is None:
        raise refusal("22002")
    available = position.qty
    if not order.is_one_way and order.source in ("normal", "market"):
        available -= account.reserved(order.symbol, order.side)
        if available <= ZERO or (order.price is not None and order.qty > available):
            raise refusal("40757")
    order.qty = min(order.qty, available)


def _check_size(account: Account, listing: Listing, order: Order) -> None:
    """Minimum and maximum size. A close of the whole position may be as small as it likes in USDT."""
    contract = listing.contract
    rules = contract.instrument
    if order.qty < rules.min_qty:
        raise refusal("45111")
    if order.qty > (rules.max_market_qty if order.is_market else contract.max_qty):
        raise refusal("45112")
    position = account.position(order.symbol, order.side) if order.is_closing else None
    if position is not None and (position.qty == order.qty or order.source not in ("normal", "market")):
        return
    price = order.price if order.price is not None else listing.current().last
    if order.qty * price < rules.min_notional:
        raise refusal("45110", plain(rules.min_notional))


def _check_band(listing: Listing, order: Order) -> None:
    if order.price is None:
        return
    last = listing.current().last
    highest = last * (ONE + listing.contract.buy_band)
    lowest = last * (ONE - listing.contract.sell_band)
    if order.buying and order.price > highest:
        raise refusal("40815", plain(highest))
    if not order.buying and order.price < lowest:
        raise refusal("40816", plain(lowest))


def _check_margin_mode(account: Account, order: Order) -> None:
    others = {p.margin_mode for p in account.positions_of(order.symbol)}
    others |= {o.margin_mode for o in account.resting[order.symbol].values() if not o.is_closing}
    if others - {order.margin_mode}:
        raise refusal("45117")


def _check_tier(account: Account, listing: Listing, order: Order) -> None:
    """The notional after opening must lie in a tier that allows the leverage."""
    opening = account.opening_qty(order, order.qty)
    held = account.position(order.symbol, order.side)
    price = order.price if order.price is not None else listing.current().last
    notional = (opening + (held.qty if held else ZERO)) * price
    if opening and notional > largest_notional(listing.contract, order.leverage):
        raise refusal("40921")


def largest_notional(contract: Contract, leverage: Decimal) -> Decimal:
    """The upper edge of the highest tier that still allows `leverage`."""
    return max((t.up_to for t in contract.instrument.tiers if t.max_leverage >= leverage), default=ZERO)


def _cost(account: Account, listing: Listing, order: Order, at: Decimal | None) -> Decimal:
    """What the order needs from the free margin: margin and fee of what opens, less what a flip sets free."""
    opening = account.opening_qty(order, order.qty)
    if opening == ZERO:
        return ZERO
    levels = (
        [(at, order.qty)]
        if at is not None
        else listing.offered(buying=order.buying, qty=order.qty, limit=order.price)
    )
    resting = order.qty - sum((qty for _, qty in levels), ZERO)
    if order.price is not None and resting > ZERO and order.force in ("gtc", "post_only"):
        levels = [*levels, (order.price, resting)]
    taker = account.taker(listing.contract)
    closing = order.qty - opening
    needed = _notional_after(levels, closing) * (ONE / order.leverage + taker)
    against = account.position(order.symbol, order.side.opposite)
    if order.effect is Effect.NET and against is not None:
        needed -= _freed(against, levels[0][0] if levels else ZERO, taker)
    return needed


def _notional_after(levels: list[Level], skip: Decimal) -> Decimal:
    """Σ q·P of `levels` without their first `skip`."""
    total = ZERO
    for price, qty in levels:
        skipped = min(skip, qty)
        skip -= skipped
        total += (qty - skipped) * price
    return total


def _freed(against: Position, price: Decimal, taker: Decimal) -> Decimal:
    if price == ZERO:
        return ZERO
    return against.margin + against.profit_of(against.qty, price) - taker * against.qty * price
