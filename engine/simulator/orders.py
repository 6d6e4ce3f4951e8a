"""Orders and fills as the exchange keeps them."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.core.instrument import ZERO, Side


class Effect(StrEnum):
    """What an order may do to a position."""

    OPEN = "open"
    CLOSE = "close"
    NET = "net"
    """One-way without reduce-only: closes what is against it, then opens."""


class OrderStatus(StrEnum):
    """The wire's states of an order (WIRE §5)."""

    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in (OrderStatus.FILLED, OrderStatus.CANCELED)


class Preset(msgspec.Struct, frozen=True):
    """A take profit or stop loss that an order brings along: trigger, and execution price (None: at
    market)."""

    trigger: Decimal
    execute: Decimal | None = None
    trigger_type: str = "fill_price"


class Order(msgspec.Struct):
    """An order. `wire_side` is what Bitget shows; `buying` is what the market sees (they differ when hedge
    closes)."""

    order_id: str
    client_oid: str
    symbol: str
    wire_side: str
    buying: bool
    effect: Effect
    side: Side
    """The position that the order opens or closes; for NET the side it would open."""
    qty: Decimal
    price: Decimal | None
    force: str
    margin_mode: str
    leverage: Decimal
    position_mode: str
    c_time: int
    u_time: int
    source: str = "normal"
    trade_side: str = ""
    entry_point: str = "API"
    take_profit: Preset | None = None
    stop_loss: Preset | None = None
    status: OrderStatus = OrderStatus.LIVE
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    profit: Decimal = ZERO
    cancel_reason: str = ""

    @property
    def is_market(self) -> bool:
        return self.price is None

    @property
    def is_closing(self) -> bool:
        return self.effect is Effect.CLOSE

    @property
    def is_one_way(self) -> bool:
        return self.position_mode == "one_way_mode"

    @property
    def remaining(self) -> Decimal:
        return self.qty - self.filled

    @property
    def average(self) -> Decimal:
        return self.cost / self.filled if self.filled else ZERO


class Fill(msgspec.Struct, frozen=True):
    """One trade of an order. `fee` is negative when paid; `profit` is realised, before fees."""

    trade_id: str
    order_id: str
    client_oid: str
    symbol: str
    wire_side: str
    trade_side: str
    order_type: str
    position_mode: str
    price: Decimal
    qty: Decimal
    fee: Decimal
    profit: Decimal
    is_maker: bool
    entry_point: str
    c_time: int
