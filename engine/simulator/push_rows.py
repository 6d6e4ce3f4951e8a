"""Rows of the private websocket (WIRE §7): positions, account, orders, orders-algo, fill,
positions-history."""

from __future__ import annotations

from typing import Any, Final

from engine.core.instrument import ZERO
from engine.simulator.account import Account
from engine.simulator.digits import plain, plain_or_blank
from engine.simulator.listing import Listing
from engine.simulator.orders import Fill, Order
from engine.simulator.plan_orders import PlanOrder, PlanType
from engine.simulator.position import ClosedPosition, Position
from engine.simulator.rows import fee_detail, preset_fields, shown_liquidation, shown_ratio

_SHORT_PLAN: Final = {
    PlanType.NORMAL: "pl",
    PlanType.PROFIT: "tp",
    PlanType.LOSS: "sl",
    PlanType.POS_PROFIT: "ptp",
    PlanType.POS_LOSS: "psl",
    PlanType.TRACK: "track",
    PlanType.MOVING: "mtpsl",
}


def position_row(account: Account, position: Position) -> dict[str, Any]:
    """A row of `positions`. Prices in it are as of this push: Bitget does not push on price."""
    mark = account.mark(position.symbol)
    contract = account.contract(position.symbol)
    reserved = account.reserved(position.symbol, position.side)
    pnl = position.unrealised(mark)
    return {
        "posId": position.pos_id,
        "instId": position.symbol,
        "marginCoin": "USDT",
        "marginSize": plain(position.margin),
        "marginMode": position.margin_mode,
        "holdSide": position.side.value,
        "posMode": account.position_mode,
        "total": plain(position.qty),
        "available": plain(max(position.qty - reserved, ZERO)),
        "frozen": plain(min(reserved, position.qty)),
        "openPriceAvg": plain(position.average),
        "leverage": int(position.leverage),
        "achievedProfits": plain(position.realised),
        "unrealizedPL": plain(pnl),
        "unrealizedPLR": plain(pnl / position.margin) if position.margin else "0",
        "liquidationPrice": shown_liquidation(account, position),
        "keepMarginRate": plain(account.maintenance_rate(position, mark)),
        "marginRate": shown_ratio(account.margin_ratio(position)),
        "markPrice": plain(mark),
        "breakEvenPrice": plain(position.breakeven(account.taker(contract))),
        "totalFee": "" if position.funding is None else plain(position.funding),
        "deductedFee": plain(position.open_fee + position.close_fee),
        "cTime": str(position.c_time),
        "uTime": str(position.u_time),
        "autoMargin": "on" if position.auto_margin else "off",
    }


def account_row(account: Account) -> dict[str, Any]:
    """The row of `account`. `available` is the money outside isolated margins, `frozen` what is held of
    it."""
    equity = account.equity()
    free = max(account.free(), ZERO)
    return {
        "marginCoin": "USDT",
        "frozen": plain(account.frozen()),
        "available": plain(account.wallet - account.isolated_margin()),
        "maxOpenPosAvailable": plain(free),
        "maxTransferOut": plain(free),
        "equity": plain(equity),
        "usdtEquity": plain(equity),
        "crossedRiskRate": shown_ratio(account.crossed_risk()),
        "unrealizedPL": plain(equity - account.wallet),
    }


def order_row(order: Order, fill: Fill | None, listing: Listing) -> dict[str, Any]:
    """A row of `orders`; with `fill` it is the change that this fill made, else acceptance or
    cancellation."""
    price = order.price or (order.average if order.filled else listing.current().last)
    row: dict[str, Any] = {
        "accBaseVolume": plain(order.filled),
        "cTime": str(order.c_time),
        "cancelReason": order.cancel_reason,
        "clientOid": order.client_oid,
        "enterPointSource": order.entry_point,
        "feeDetail": [{"feeCoin": "USDT", "fee": plain(order.fee) if order.fee else "0.00000000"}],
        "force": order.force,
        "instId": order.symbol,
        "leverage": plain(order.leverage),
        "marginCoin": "USDT",
        "marginMode": order.margin_mode,
        "notionalUsd": plain(order.qty * price),
        "orderId": order.order_id,
        "orderSource": order.source,
        "orderType": "market" if order.is_market else "limit",
        "posMode": order.position_mode,
        "posSide": "net" if order.is_one_way else order.side.value,
        "price": plain(order.price or ZERO),
        "reduceOnly": "yes" if order.is_closing else "no",
        "side": order.wire_side,
        "size": plain(order.qty),
        "status": order.status.value,
        "stpMode": "none",
        "totalProfits": plain(order.profit),
        "tradeSide": order.trade_side,
        "uTime": str(order.u_time),
        **preset_fields(order),
    }
    if fill is not None:
        row |= {
            "baseVolume": plain(fill.qty),
            "fillPrice": plain(fill.price),
            "fillTime": str(fill.c_time),
            "fillFee": plain(fill.fee),
            "fillFeeCoin": "USDT",
            "fillNotionalUsd": plain(fill.qty * fill.price),
            "pnl": plain(fill.profit),
            "priceAvg": plain(order.average),
            "tradeId": fill.trade_id,
            "tradeScope": "M" if fill.is_maker else "T",
        }
    return row


def fill_row(fill: Fill) -> dict[str, Any]:
    """A row of `fill`."""
    return {
        "orderId": fill.order_id,
        "clientOid": fill.client_oid,
        "tradeId": fill.trade_id,
        "symbol": fill.symbol,
        "orderType": fill.order_type,
        "side": fill.wire_side,
        "price": plain(fill.price),
        "baseVolume": plain(fill.qty),
        "quoteVolume": plain(fill.price * fill.qty),
        "profit": plain(fill.profit),
        "tradeSide": fill.trade_side,
        "posMode": fill.position_mode,
        "tradeScope": "maker" if fill.is_maker else "taker",
        "feeDetail": fee_detail(fill),
        "cTime": str(fill.c_time),
        "uTime": str(fill.c_time),
    }


def plan_row(plan: PlanOrder) -> dict[str, Any]:
    """A row of `orders-algo`; plan types are shortened as Bitget does."""
    profit, loss = plan.take_profit, plan.stop_loss
    is_profit = plan.plan_type in (PlanType.PROFIT, PlanType.POS_PROFIT)
    own_profit = plan.trigger if is_profit else (profit.trigger if profit else None)
    own_loss = plan.trigger if plan.plan_type.is_loss else (loss.trigger if loss else None)
    return {
        "instId": plan.symbol,
        "orderId": plan.order_id,
        "clientOid": plan.client_oid,
        "triggerPrice": plain(plan.trigger),
        "triggerType": plan.trigger_type,
        "triggerTime": str(plan.trigger_time) if plan.trigger_time else "",
        "planType": _SHORT_PLAN[plan.plan_type],
        "price": plain(plan.execute or ZERO),
        "executePrice": plain(plan.execute or ZERO),
        "size": plain(plan.qty),
        "actualSize": plain(plan.filled),
        "orderType": "limit" if plan.execute else "market",
        "side": plan.wire_side,
        "tradeSide": plan.trade_side,
        "posSide": "net" if plan.position_mode == "one_way_mode" else plan.side.value,
        "marginCoin": "USDT",
        "marginMode": plan.margin_mode,
        "status": plan.status.value,
        "posMode": plan.position_mode,
        "enterPointSource": "API",
        "executeOrderId": plan.execute_order_id,
        "stopSurplusTriggerPrice": plain_or_blank(own_profit),
        "stopSurplusTriggerType": plan.trigger_type if is_profit else (profit.trigger_type if profit else ""),
        "stopLossTriggerPrice": plain_or_blank(own_loss),
        "stopLossTriggerType": (
            plan.trigger_type if plan.plan_type.is_loss else (loss.trigger_type if loss else "")
        ),
        "stpMode": "none",
        "cTime": str(plan.c_time),
        "uTime": str(plan.u_time),
    }


def history_row(entry: ClosedPosition, position_mode: str) -> dict[str, Any]:
    """A row of `positions-history`, sent when a position becomes flat."""
    return {
        "posId": entry.pos_id,
        "instId": entry.symbol,
        "marginCoin": "USDT",
        "marginMode": entry.margin_mode,
        "holdSide": entry.side.value,
        "posMode": position_mode,
        "openPriceAvg": plain(entry.open_average),
        "closePriceAvg": plain(entry.close_average),
        "openSize": plain(entry.opened_qty),
        "closeSize": plain(entry.closed_qty),
        "achievedProfits": plain(entry.profit),
        "settleFee": plain(entry.funding),
        "openFee": plain(entry.open_fee),
        "closeFee": plain(entry.close_fee),
        "cTime": str(entry.c_time),
        "uTime": str(entry.u_time),
    }
