"""Bitget's words in Ratchet's: directions, causes, kinds and states, each a table with its source.

Sources: Bitget classic V2 documentation (order detail, order channel, plan order channel), recorded rows, and
ccxt 4.5.90's `parse_order`, `parse_ws_order` and `create_order_request`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.core.exchange import Cause, OrderKind, OrderState
from engine.core.instrument import Side
from engine.venue.malformed import Malformed

HEDGE: Final = "hedge_mode"

FORCED: Final = {
    "burst": Cause.LIQUIDATION,
    "reduce": Cause.LIQUIDATION,
    "dte_sys_adl": Cause.ADL,
    "offset": Cause.ADL,
}
"""`tradeSide` by its prefix, as documented: burst_* "liquidate", reduce_* "liquidate partial positions",
dte_sys_adl_* "ADL close", offset_* "liquidate partial positions for netting". The others name no cause."""

SOURCES: Final = {
    "normal": Cause.ORDER,
    "market": Cause.ORDER,
    "reverse": Cause.ORDER,
    "trader_reverse": Cause.ORDER,
    "trader_delegate": Cause.ORDER,
    "delivery_close_long": Cause.ORDER,
    "delivery_close_short": Cause.ORDER,
    "liquidation": Cause.LIQUIDATION,
    "adl": Cause.ADL,
    "loss_market": Cause.STOP,
    "loss_limit": Cause.STOP,
    "pos_loss_market": Cause.STOP,
    "pos_loss_limit": Cause.STOP,
    "trader_loss": Cause.STOP,
    "profit_market": Cause.TAKE_PROFIT,
    "profit_limit": Cause.TAKE_PROFIT,
    "pos_profit_market": Cause.TAKE_PROFIT,
    "pos_profit_limit": Cause.TAKE_PROFIT,
    "trader_profit": Cause.TAKE_PROFIT,
}
"""`orderSource` as order detail documents it. The full list has some fifty; the others go by their words."""

KINDS: Final = {
    "pl": OrderKind.NORMAL_PLAN,
    "track": OrderKind.TRACK_PLAN,
    "sl": OrderKind.LOSS_PLAN,
    "tp": OrderKind.PROFIT_PLAN,
    "psl": OrderKind.POS_LOSS,
    "ptp": OrderKind.POS_PROFIT,
    "mtpsl": OrderKind.MOVING_PLAN,
    "normal_plan": OrderKind.NORMAL_PLAN,
    "track_plan": OrderKind.TRACK_PLAN,
    "loss_plan": OrderKind.LOSS_PLAN,
    "profit_plan": OrderKind.PROFIT_PLAN,
    "pos_loss": OrderKind.POS_LOSS,
    "pos_profit": OrderKind.POS_PROFIT,
    "moving_plan": OrderKind.MOVING_PLAN,
}
"""`planType`: short on the orders-algo channel, long over REST."""

WHOLE: Final = frozenset({OrderKind.POS_LOSS, OrderKind.POS_PROFIT})
OPENING_PLANS: Final = frozenset({OrderKind.NORMAL_PLAN, OrderKind.TRACK_PLAN})

STATES: Final = {
    "init": OrderState.LIVE,
    "new": OrderState.LIVE,
    "live": OrderState.LIVE,
    "not_trigger": OrderState.LIVE,
    "executing": OrderState.LIVE,
    "partially_filled": OrderState.PARTIAL,
    "partial_fill": OrderState.PARTIAL,
    "filled": OrderState.FILLED,
    "full_fill": OrderState.FILLED,
    "executed": OrderState.FILLED,
    "triggered": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "cancelled": OrderState.CANCELLED,
    "fail_execute": OrderState.FAILED,
    "fail_trigger": OrderState.FAILED,
    "failed": OrderState.FAILED,
}
"""`status`, `state` and `planStatus`."""


class Direction(NamedTuple):
    """What a row does: `buy` as the market sees it; the position's `side` and `reduces` where told."""

    buy: bool
    side: Side | None
    reduces: bool | None


def kind_of(where: str, plan_type: str) -> OrderKind:
    """The kind of a plan order. Raises Malformed for a `planType` that is not in the table."""
    try:
        return KINDS[plan_type]
    except KeyError:
        raise Malformed(where, f"planType {plan_type!r} is not known") from None


def state_of(where: str, status: str) -> OrderState:
    """The state of an order. Raises Malformed for a status that is not in the table."""
    try:
        return STATES[status]
    except KeyError:
        raise Malformed(where, f"status {status!r} is not known") from None


def cause_of(source: str, trade_side: str) -> Cause:
    """Why a fill happened: what the exchange forced goes first, then the order's own source."""
    for prefix, cause in FORCED.items():
        if trade_side.startswith(prefix):
            return cause
    source = source.lower()
    if source in SOURCES:
        return SOURCES[source]
    if "loss" in source:
        return Cause.STOP
    return Cause.TAKE_PROFIT if "profit" in source else Cause.ORDER


def direction_of(
    where: str, *, side: str, trade_side: str, pos_mode: str, pos_side: str = "", reduce_only: str = ""
) -> Direction:
    """Undo hedge mode's flip: there `side` names the position (closing a long is `buy`/`close`).

    In one-way mode `side` is the trade. `tradeSide` of a forced close ends in the position's side
    (`burst_close_long`). Raises Malformed for other words.
    """
    buy = _is_buy(where, side)
    if pos_mode != HEDGE:
        forced = any(trade_side.startswith(prefix) for prefix in FORCED)
        return Direction(buy, None, True if forced or reduce_only.lower() == "yes" else None)
    reduces = trade_side.lower() != "open"
    position = _position_side(trade_side, pos_side) or (Side.LONG if buy else Side.SHORT)
    return Direction((position is Side.LONG) != reduces, position, reduces)


def _position_side(trade_side: str, pos_side: str) -> Side | None:
    if pos_side in ("long", "short"):
        return Side(pos_side)
    last = trade_side.rpartition("_")[2]
    return Side(last) if last in ("long", "short") else None


def _is_buy(where: str, side: str) -> bool:
    if side not in ("buy", "sell"):
        raise Malformed(where, f"side {side!r} is neither buy nor sell")
    return side == "buy"
