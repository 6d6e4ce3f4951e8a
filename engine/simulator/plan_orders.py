"""Plan orders: what waits for a price before it becomes an order (triggers, take profits, stop losses,
trailing)."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.core.instrument import ONE, ZERO, Side
from engine.simulator.orders import Effect, Preset
from engine.simulator.quote import Quote


class PlanType(StrEnum):
    """Bitget's `planType`. All but the first two are take profit or stop loss of a position
    (`profit_loss`)."""

    NORMAL = "normal_plan"
    TRACK = "track_plan"
    PROFIT = "profit_plan"
    LOSS = "loss_plan"
    POS_PROFIT = "pos_profit"
    POS_LOSS = "pos_loss"
    MOVING = "moving_plan"

    @property
    def is_tpsl(self) -> bool:
        return self not in (PlanType.NORMAL, PlanType.TRACK)

    @property
    def is_whole_position(self) -> bool:
        return self in (PlanType.POS_PROFIT, PlanType.POS_LOSS)

    @property
    def is_loss(self) -> bool:
        return self in (PlanType.LOSS, PlanType.POS_LOSS)

    @property
    def is_trailing(self) -> bool:
        return self in (PlanType.TRACK, PlanType.MOVING)


class PlanStatus(StrEnum):
    """The wire's states of a plan order (WIRE §6)."""

    LIVE = "live"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "fail_execute"
    CANCELLED = "cancelled"


class PlanOrder(msgspec.Struct):
    """A waiting order. `rises` says that it fires when the price reaches `trigger` from below.

    `qty` is 0 for a whole position. `execute` is the limit price of the order it becomes, None for a market
    order. A trailing one is `is_active` once its trigger was reached; then `extreme` follows the best price
    and it fires when the price comes back from there by `callback` (a fraction).
    """

    order_id: str
    client_oid: str
    symbol: str
    plan_type: PlanType
    wire_side: str
    buying: bool
    effect: Effect
    side: Side
    qty: Decimal
    trigger: Decimal
    trigger_type: str
    rises: bool
    execute: Decimal | None
    margin_mode: str
    leverage: Decimal
    position_mode: str
    c_time: int
    u_time: int
    trade_side: str = ""
    callback: Decimal = ZERO
    take_profit: Preset | None = None
    stop_loss: Preset | None = None
    status: PlanStatus = PlanStatus.LIVE
    is_active: bool = False
    extreme: Decimal = ZERO
    execute_order_id: str = ""
    trigger_time: int = 0
    filled: Decimal = ZERO
    average: Decimal = ZERO

    def watched(self, quote: Quote) -> Decimal:
        """The price that the trigger looks at."""
        return quote.mark if self.trigger_type == "mark_price" else quote.last

    @property
    def level(self) -> Decimal:
        """The price at which it fires now; for a sleeping trailing order the price at which it wakes up."""
        if not (self.plan_type.is_trailing and self.is_active):
            return self.trigger
        return self.extreme * (ONE + self.callback if self.buying else ONE - self.callback)

    @property
    def fires_rising(self) -> bool:
        """Whether `level` is reached from below; a trailing order turns around once it is active."""
        return self.buying if self.plan_type.is_trailing and self.is_active else self.rises

    def is_reached(self, quote: Quote) -> bool:
        """Whether the quote has reached `level`."""
        price = self.watched(quote)
        return price >= self.level if self.fires_rising else price <= self.level

    def follow(self, quote: Quote) -> None:
        """Wake a trailing order up when its trigger is reached, and move its extreme with the market."""
        price = self.watched(quote)
        if not self.is_active:
            self.is_active = self.is_reached(quote)
            self.extreme = price
        self.extreme = min(self.extreme, price) if self.buying else max(self.extreme, price)
