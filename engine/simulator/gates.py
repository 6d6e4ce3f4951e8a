"""The prices between which nothing can happen: what makes a quiet quote cheap."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from engine.core.instrument import ZERO, Side
from engine.simulator.account import Account
from engine.simulator.position import Position
from engine.simulator.quote import Quote

_NEVER_UP = Decimal("Infinity")
_NEVER_DOWN = Decimal("-Infinity")


class Gate(msgspec.Struct):
    """Open intervals of mark, last, bid and ask in which a quote changes nothing but prices.

    `is_open` means that every quote has to be looked at: a trailing order follows, or a crossed account's
    risk moves with several markets.
    """

    mark_low: Decimal = _NEVER_DOWN
    mark_high: Decimal = _NEVER_UP
    last_low: Decimal = _NEVER_DOWN
    last_high: Decimal = _NEVER_UP
    best_ask: Decimal = _NEVER_DOWN
    best_bid: Decimal = _NEVER_UP
    is_open: bool = False

    def is_quiet(self, quote: Quote, *, ideal: bool) -> bool:
        """Whether `quote` stays inside on every side."""
        ask, bid = (quote.mark, quote.mark) if ideal else (quote.ask, quote.bid)
        return (
            not self.is_open
            and self.mark_low < quote.mark < self.mark_high
            and self.last_low < quote.last < self.last_high
            and ask > self.best_ask
            and bid < self.best_bid
        )


def gate_of(symbol: str, accounts: Iterable[Account]) -> Gate:
    """The gate of `symbol` for the positions, resting orders and plan orders that there are."""
    gate = Gate()
    for account in accounts:
        for position in account.positions_of(symbol):
            _add_position(gate, account, position)
        for order in account.resting[symbol].values():
            if order.price is None:
                continue
            if order.buying:
                gate.best_ask = max(gate.best_ask, order.price)
            else:
                gate.best_bid = min(gate.best_bid, order.price)
        for plan in account.waiting[symbol].values():
            if plan.plan_type.is_trailing and plan.is_active:
                gate.is_open = True
            elif plan.trigger_type == "mark_price":
                _bound_mark(gate, plan.trigger, rising=plan.rises)
            elif plan.rises:
                gate.last_high = min(gate.last_high, plan.trigger)
            else:
                gate.last_low = max(gate.last_low, plan.trigger)
    return gate


def _add_position(gate: Gate, account: Account, position: Position) -> None:
    if not position.is_isolated:
        gate.is_open = True
        return
    price = account.liquidation_price(position)
    if price > ZERO:
        _bound_mark(gate, price, rising=position.side is Side.SHORT)
    elif account.margin_ratio(position) >= 1:
        gate.is_open = True
    _add_tier_edges(gate, account, position)


def _add_tier_edges(gate: Gate, account: Account, position: Position) -> None:
    """The maintenance rate steps with the notional at the mark, and the liquidation price with it."""
    mark = account.mark(position.symbol)
    for tier in account.contract(position.symbol).instrument.tiers:
        edge = tier.up_to / position.qty
        if edge > mark:
            gate.mark_high = min(gate.mark_high, edge)
        else:
            gate.mark_low = max(gate.mark_low, edge)


def _bound_mark(gate: Gate, price: Decimal, *, rising: bool) -> None:
    if rising:
        gate.mark_high = min(gate.mark_high, price)
    else:
        gate.mark_low = max(gate.mark_low, price)
