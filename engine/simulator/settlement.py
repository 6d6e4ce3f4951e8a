"""What a trade does: position, bill, fill, pushes, and the end of whatever hung on a position that is
gone."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ZERO, Side
from engine.simulator.account import Account
from engine.simulator.digits import booked
from engine.simulator.floor import Floor
from engine.simulator.orders import Effect, Fill, Order, OrderStatus
from engine.simulator.plan_orders import PlanOrder, PlanStatus
from engine.simulator.position import Position, closed
from engine.simulator.protection import attach

LIQUIDATION = "liquidation"
ADL = "adl"


def trade(floor: Floor, account: Account, order: Order, qty: Decimal, price: Decimal, *, maker: bool) -> None:
    """`order` trades `qty` at `price`. What is against it closes first; a flip makes two fills: close, then
    open."""
    closing = qty - account.opening_qty(order, qty)
    if closing:
        _close(floor, account, order, closing, price, maker=maker)
    if qty > closing:
        _open(floor, account, order, qty - closing, price, maker=maker)


def cancel_order(floor: Floor, account: Account, order: Order, reason: str = "normal_cancel") -> None:
    """The order ends with what it has filled; `reason` is what the websocket shows as cancelReason."""
    order.status = OrderStatus.CANCELED
    order.cancel_reason = reason
    order.u_time = floor.now_ms
    account.resting[order.symbol].pop(order.order_id, None)
    floor.tell_order(account, order)
    floor.touch(account, order.symbol)


def cancel_plan(floor: Floor, account: Account, plan: PlanOrder) -> None:
    """The plan order ends unexecuted."""
    plan.status = PlanStatus.CANCELLED
    plan.u_time = floor.now_ms
    account.waiting[plan.symbol].pop(plan.order_id, None)
    floor.tell_plan(account, plan)
    floor.stale()


def _open(floor: Floor, account: Account, order: Order, qty: Decimal, price: Decimal, *, maker: bool) -> None:
    fee = _fee(floor, account, order, qty, price, maker=maker)
    position = account.position(order.symbol, order.side)
    if position is None:
        position = Position(
            pos_id=floor.ids.next(),
            symbol=order.symbol,
            side=order.side,
            margin_mode=order.margin_mode,
            leverage=order.leverage,
            c_time=floor.now_ms,
            u_time=floor.now_ms,
        )
        account.positions[order.symbol, order.side] = position
    position.add(qty, price, fee)
    position.u_time = floor.now_ms
    _record(floor, account, order, qty, price, profit=ZERO, fee=fee, opening=True, maker=maker)
    attach(floor, account, order)


def _close(
    floor: Floor, account: Account, order: Order, qty: Decimal, price: Decimal, *, maker: bool
) -> None:
    side = order.side if order.is_closing else order.side.opposite
    position = account.positions[order.symbol, side]
    fee = _fee(floor, account, order, qty, price, maker=maker)
    profit = position.reduce(qty, price, fee)
    position.u_time = floor.now_ms
    if position.qty == ZERO:
        del account.positions[order.symbol, side]
    _record(floor, account, order, qty, price, profit=profit, fee=fee, opening=False, maker=maker)
    if position.qty == ZERO:
        _bury(floor, account, position)
    else:
        _trim(floor, account, position)


def _fee(
    floor: Floor, account: Account, order: Order, qty: Decimal, price: Decimal, *, maker: bool
) -> Decimal:
    contract = floor.listings[order.symbol].contract
    return booked((account.maker(contract) if maker else account.taker(contract)) * qty * price)


def _record(
    floor: Floor,
    account: Account,
    order: Order,
    qty: Decimal,
    price: Decimal,
    *,
    profit: Decimal,
    fee: Decimal,
    opening: bool,
    maker: bool,
) -> None:
    """Write the bill and the fill, move the order on, and tell both."""
    business = business_of(order, opening=opening)
    account.book(floor.ids.next(), floor.now_ms, order.symbol, business, amount=profit, fee=-fee)
    order.filled += qty
    order.cost += qty * price
    order.fee -= fee
    order.profit += profit
    order.u_time = floor.now_ms
    order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
    if not order.remaining:
        account.resting[order.symbol].pop(order.order_id, None)
    fill = Fill(
        trade_id=floor.ids.next(),
        order_id=order.order_id,
        client_oid=order.client_oid,
        symbol=order.symbol,
        wire_side=order.wire_side,
        trade_side=order.trade_side,
        order_type="market" if order.is_market else "limit",
        position_mode=order.position_mode,
        price=price,
        qty=qty,
        fee=-fee,
        profit=profit,
        is_maker=maker,
        entry_point=order.entry_point,
        c_time=floor.now_ms,
    )
    account.fills.append(fill)
    floor.tell_order(account, order, fill)
    floor.tell_fill(account, fill)
    floor.touch(account, order.symbol)


def business_of(order: Order, *, opening: bool) -> str:
    """Bitget's business type of the bill that a fill of `order` writes (WIRE §2)."""
    direction = "buy" if order.buying else "sell"
    side = order.side.value
    match order.source, order.is_one_way:
        case "liquidation", True:
            return f"burst_{direction}"
        case "liquidation", False:
            return f"burst_{side}_loss_query"
        case "adl", True:
            return "adl_buy_in_single_side_mode" if order.buying else "adl_sell_in_single_side_mode"
        case "adl", False:
            return f"adl_close_{side}"
        case _, True:
            return direction
        case _:
            return f"{'open' if opening else 'close'}_{side}"


def _bury(floor: Floor, account: Account, position: Position) -> None:
    """A position became flat: history, and the end of its take profits, stop losses and closing orders."""
    entry = closed(position, floor.now_ms)
    account.history.append(entry)
    floor.tell_closed(account, entry)
    for plan in list(account.waiting[position.symbol].values()):
        if plan.plan_type.is_tpsl and plan.side is position.side:
            cancel_plan(floor, account, plan)
    for order in account.closing_orders(position.symbol, position.side):
        cancel_order(floor, account, order, "position_closed")


def _trim(floor: Floor, account: Account, position: Position) -> None:
    """Resting closing orders never hold more than the position: the oldest go first, as Bitget does."""
    for order in account.closing_orders(position.symbol, position.side):
        if account.reserved(position.symbol, position.side) <= position.qty:
            return
        cancel_order(floor, account, order, "reduce_only_exceeds_position")


def closing_order(
    floor: Floor, account: Account, position: Position, qty: Decimal, *, source: str, trade_side: str = ""
) -> Order:
    """A market order of the system that closes `qty` of `position`; not yet registered."""
    wire_side, buying, default_trade_side = closing_sides(account, position.side)
    return Order(
        order_id=floor.ids.next(),
        client_oid=floor.ids.next(),
        symbol=position.symbol,
        wire_side=wire_side,
        buying=buying,
        effect=Effect.CLOSE,
        side=position.side,
        qty=qty,
        price=None,
        force="gtc",
        margin_mode=position.margin_mode,
        leverage=position.leverage,
        position_mode=account.position_mode,
        c_time=floor.now_ms,
        u_time=floor.now_ms,
        source=source,
        trade_side=trade_side or default_trade_side,
    )


def closing_sides(account: Account, side: Side) -> tuple[str, bool, str]:
    """Wire side, whether the market sees a buyer, and tradeSide of an order that closes `side` (WIRE §5)."""
    buying = side is Side.SHORT
    if account.is_one_way:
        return ("buy", True, "buy_single") if buying else ("sell", False, "sell_single")
    return ("sell" if buying else "buy", buying, "close")
