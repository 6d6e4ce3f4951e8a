"""The stop that an entry brings with its order. Bitget keeps it as the position's one stop, under a name of
its own: where it lies is all that it can be known by.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core.cycle import key_of
from engine.core.exchange import OrderKind, RestingOrder
from engine.core.ids import is_ours
from engine.core.instrument import Side
from engine.core.state import State
from engine.core.turn import Turn


def bring(turn: Turn, symbol: str, side: Side, stop: Decimal) -> None:
    """An order goes out with this stop: Bitget puts it in the place of one that was there."""
    turn.set(brought={**turn.state.brought, key_of(symbol, side): stop})


def without(state: State, key: str) -> dict[str, Decimal]:
    """What is remembered once the position at `key` has ended, unless an entry for the next is on its way."""
    if any(entry.opens and key_of(entry.symbol, entry.side) == key for entry in state.entries.values()):
        return state.brought
    return {at: stop for at, stop in state.brought.items() if at != key}


def is_brought(state: State, order: RestingOrder) -> bool:
    """Whether this is it, as it was brought: one that was moved since is the trader's own."""
    placed = state.brought.get(key_of(order.symbol, order.side))
    return order.kind is OrderKind.POS_LOSS and order.trigger is not None and order.trigger == placed


def whose(state: State, order: RestingOrder) -> str:
    """Of an order that closes and is not the ladder's: `another Ratchet's`, `entry's`, `trader's`."""
    if is_ours(order.client_id):
        return "another Ratchet's"
    return "entry's" if is_brought(state, order) else "trader's"
