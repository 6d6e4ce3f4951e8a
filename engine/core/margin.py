"""Bitget's isolated-margin arithmetic: liquidation, margin ratio, return on a leg.

Source: Bitget support article 12560603808759, checked against recorded positions (tests/unit/test_margin.py).
All prices and margins are USDT, sizes base coin, rates decimal fractions; `d` is +1 for long, −1 for short.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ONE, ZERO, Side


def initial_margin(qty: Decimal, price: Decimal, leverage: Decimal) -> Decimal:
    """The margin that opening `qty` at `price` locks."""
    return qty * price / leverage


def unrealised(side: Side, qty: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
    """Unrealised profit at `mark`, before fees."""
    return side.d * qty * (mark - entry)


def liquidation_price(
    side: Side, qty: Decimal, entry: Decimal, margin: Decimal, maintenance: Decimal, taker: Decimal
) -> Decimal:
    """The mark at which an isolated position is liquidated: (M − Q·E·d) / (Q·(m + t − d)); 0 when it cannot
    be.
    """
    if qty == ZERO:
        return ZERO
    price = (margin - qty * entry * side.d) / (qty * (maintenance + taker - side.d))
    return max(price, ZERO)


def margin_ratio(
    side: Side,
    qty: Decimal,
    entry: Decimal,
    margin: Decimal,
    mark: Decimal,
    maintenance: Decimal,
    taker: Decimal,
) -> Decimal:
    """Q·mark·(m + t) / (M + uPnL); the position is liquidated at 1 or when nothing is left under it
    (Infinity).
    """
    cushion = margin + unrealised(side, qty, entry, mark)
    if cushion <= ZERO:
        return Decimal("Infinity")
    return qty * mark * (maintenance + taker) / cushion


def leg_limit(side: Side, entry: Decimal, leverage: Decimal, maintenance: Decimal, taker: Decimal) -> Decimal:
    """The price at which a leg alone would be liquidated: E·(1 − d/L) / (1 − d·(m + t))."""
    return entry * (ONE - side.d / leverage) / (ONE - side.d * (maintenance + taker))
