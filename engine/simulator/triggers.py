"""A plan order fires: the order it becomes, and what is written about it."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ZERO
from engine.simulator.account import Account
from engine.simulator.checks import admit
from engine.simulator.errors import BitgetError
from engine.simulator.floor import Floor
from engine.simulator.matching import submit
from engine.simulator.orders import Order
from engine.simulator.plan_orders import PlanOrder, PlanStatus, PlanType

_SOURCE = {
    PlanType.NORMAL: "plan",
    PlanType.TRACK: "track",
    PlanType.PROFIT: "profit",
    PlanType.LOSS: "loss",
    PlanType.POS_PROFIT: "pos_profit",
    PlanType.POS_LOSS: "pos_loss",
    PlanType.MOVING: "moving",
}
"""orderSource without its `_market` or `_limit`. Published: profit, loss, pos_profit, pos_loss; the others
follow suit."""


def fire(floor: Floor, account: Account, plan: PlanOrder) -> None:
    """The plan order becomes an order with ids of its own. In an ideal market it fills at its level, not
    beyond.

    A refused order leaves the plan as fail_execute, as Bitget does when the balance is gone.
    """
    level = plan.level
    del account.waiting[plan.symbol][plan.order_id]
    plan.trigger_time = plan.u_time = floor.now_ms
    plan.status = PlanStatus.EXECUTING
    floor.tell_plan(account, plan)
    order = _child(floor, account, plan)
    at = level if floor.ideal and order.is_market else None
    try:
        admit(floor, account, order, at=at)
    except BitgetError:
        plan.status = PlanStatus.FAILED
        floor.tell_plan(account, plan)
        floor.stale()
        return
    plan.status = PlanStatus.EXECUTED
    plan.execute_order_id = order.order_id
    floor.tell_plan(account, plan)
    submit(floor, account, order, at=at)
    plan.filled = order.filled
    plan.average = order.average


def _child(floor: Floor, account: Account, plan: PlanOrder) -> Order:
    return Order(
        order_id=floor.ids.next(),
        client_oid=floor.ids.next(),
        symbol=plan.symbol,
        wire_side=plan.wire_side,
        buying=plan.buying,
        effect=plan.effect,
        side=plan.side,
        qty=plan.qty or _whole(account, plan),
        price=plan.execute,
        force="gtc",
        margin_mode=plan.margin_mode,
        leverage=_leverage(account, plan),
        position_mode=plan.position_mode,
        c_time=floor.now_ms,
        u_time=floor.now_ms,
        source=f"{_SOURCE[plan.plan_type]}_{'limit' if plan.execute else 'market'}",
        trade_side=plan.trade_side,
        take_profit=plan.take_profit,
        stop_loss=plan.stop_loss,
    )


def _whole(account: Account, plan: PlanOrder) -> Decimal:
    position = account.position(plan.symbol, plan.side)
    return position.qty if position else ZERO


def _leverage(account: Account, plan: PlanOrder) -> Decimal:
    return account.settings(plan.symbol).leverage(plan.margin_mode, plan.side)
