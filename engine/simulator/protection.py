"""Take profits and stop losses of a position: how they are made, and what an order's presets become."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ZERO, Side
from engine.simulator.account import Account
from engine.simulator.errors import refusal
from engine.simulator.floor import Floor
from engine.simulator.listing import Listing
from engine.simulator.orders import Effect, Order, Preset
from engine.simulator.plan_orders import PlanOrder, PlanType
from engine.simulator.position import Position


def check_side(listing: Listing, side: Side, trigger: Decimal, trigger_type: str, *, is_loss: bool) -> None:
    """Refuse a trigger on the wrong side of the market: it would fire at once.

    Raises 40917, 45122 or 40915 against the mark price and 40834, 40836, 40830 or 40832 against the last
    price.
    """
    quote = listing.current()
    by_mark = trigger_type == "mark_price"
    price = quote.mark if by_mark else quote.last
    must_be_below = is_loss == (side is Side.LONG)
    if trigger < price if must_be_below else trigger > price:
        return
    match side, is_loss:
        case Side.LONG, True:
            raise refusal("40917", price) if by_mark else refusal("40834")
        case Side.SHORT, True:
            raise refusal("45122", price) if by_mark else refusal("40836")
        case Side.LONG, False:
            raise refusal("40915", price) if by_mark else refusal("40830")
        case _:
            raise refusal("40832")


def make_tpsl(
    floor: Floor,
    account: Account,
    position: Position,
    plan_type: PlanType,
    *,
    trigger: Decimal,
    trigger_type: str,
    qty: Decimal = ZERO,
    execute: Decimal | None = None,
    callback: Decimal = ZERO,
    client_oid: str = "",
) -> PlanOrder:
    """A take profit or stop loss of `position`, not yet waiting. A trailing one wakes up on the profit
    side."""
    is_long = position.side is Side.LONG
    one_way_side = "sell" if is_long else "buy"
    order_id = floor.ids.next()
    return PlanOrder(
        order_id=order_id,
        client_oid=client_oid or floor.ids.next(),
        symbol=position.symbol,
        plan_type=plan_type,
        wire_side=one_way_side if account.is_one_way else ("buy" if is_long else "sell"),
        buying=not is_long,
        effect=Effect.CLOSE,
        side=position.side,
        qty=qty,
        trigger=trigger,
        trigger_type=trigger_type,
        rises=is_long != plan_type.is_loss,
        execute=execute,
        margin_mode=position.margin_mode,
        leverage=position.leverage,
        position_mode=account.position_mode,
        c_time=floor.now_ms,
        u_time=floor.now_ms,
        trade_side=f"{one_way_side}_single" if account.is_one_way else "close",
        callback=callback,
    )


def wait(floor: Floor, account: Account, plan: PlanOrder) -> None:
    """The plan order starts to wait. Raises 40786 when its client id was used before."""
    account.claim(plan.client_oid, plan.order_id)
    account.plans[plan.order_id] = plan
    account.waiting[plan.symbol][plan.order_id] = plan
    quote = floor.listings[plan.symbol].current()
    if plan.plan_type.is_trailing:
        plan.follow(quote)
    floor.tell_plan(account, plan)
    floor.stale()


def whole_position_plan(account: Account, symbol: str, side: Side, plan_type: PlanType) -> PlanOrder | None:
    """The position's take profit or stop loss of this type, of which there is at most one."""
    waiting = account.waiting[symbol].values()
    return next((p for p in waiting if p.plan_type is plan_type and p.side is side), None)


def attach(floor: Floor, account: Account, order: Order) -> None:
    """Turn an order's presets into the position's take profit and stop loss; existing ones are modified (WIRE
    §5)."""
    position = account.position(order.symbol, order.side)
    if position is None:
        return
    for preset, plan_type in ((order.take_profit, PlanType.POS_PROFIT), (order.stop_loss, PlanType.POS_LOSS)):
        if preset is not None:
            _attach_one(floor, account, position, preset, plan_type)


def _attach_one(
    floor: Floor, account: Account, position: Position, preset: Preset, plan_type: PlanType
) -> None:
    existing = whole_position_plan(account, position.symbol, position.side, plan_type)
    if existing is None:
        plan = make_tpsl(
            floor,
            account,
            position,
            plan_type,
            trigger=preset.trigger,
            trigger_type=preset.trigger_type,
            execute=preset.execute,
        )
        wait(floor, account, plan)
    elif (existing.trigger, existing.execute) != (preset.trigger, preset.execute):
        existing.trigger = preset.trigger
        existing.trigger_type = preset.trigger_type
        existing.execute = preset.execute
        existing.u_time = floor.now_ms
        floor.tell_plan(account, existing)
        floor.stale()
