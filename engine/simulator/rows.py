"""Rows of the private REST answers (WIRE §2, §4, §5, §6), field for field as recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core.instrument import ZERO, Side, ceil_to, floor_to
from engine.simulator.account import Account, Bill
from engine.simulator.digits import PLACES, plain, plain_or_blank
from engine.simulator.orders import Fill, Order
from engine.simulator.plan_orders import PlanOrder, PlanType
from engine.simulator.position import ClosedPosition, Position

_RATIO_SHOWN_AT_MOST = Decimal(9999)


def shown_ratio(ratio: Decimal) -> str:
    """A margin ratio on the wire; one without any cushion left is shown as 9999."""
    return plain(min(ratio, _RATIO_SHOWN_AT_MOST))


def shown_liquidation(account: Account, position: Position) -> str:
    """The liquidation price rounded to the near side, long up, as a recorded row shows (WIRE §4); "0" without
    one."""
    price = account.liquidation_price(position)
    return plain(ceil_to(price, PLACES) if position.side is Side.LONG else floor_to(price, PLACES))


def position_row(account: Account, position: Position) -> dict[str, Any]:
    """A row of all-position and single-position, with the numbers that move with the mark as of now."""
    symbol, side = position.symbol, position.side
    mark = account.mark(symbol)
    reserved = account.reserved(symbol, side)
    profit, loss = (
        _whole_position_plan(account, position, t) for t in (PlanType.POS_PROFIT, PlanType.POS_LOSS)
    )
    return {
        "marginCoin": "USDT",
        "symbol": symbol,
        "holdSide": side.value,
        "openDelegateSize": plain(_opening_size(account, symbol, side)),
        "marginSize": plain(position.margin),
        "available": plain(max(position.qty - reserved, ZERO)),
        "locked": plain(min(reserved, position.qty)),
        "total": plain(position.qty),
        "leverage": plain(position.leverage),
        "achievedProfits": plain(position.realised),
        "openPriceAvg": plain(position.average),
        "marginMode": position.margin_mode,
        "posMode": account.position_mode,
        "unrealizedPL": plain(position.unrealised(mark)),
        "liquidationPrice": shown_liquidation(account, position),
        "keepMarginRate": plain(account.maintenance_rate(position, mark)),
        "markPrice": plain(mark),
        "marginRatio": shown_ratio(account.margin_ratio(position)),
        "breakEvenPrice": plain(position.breakeven(account.taker(account.contract(symbol)))),
        "totalFee": "" if position.funding is None else plain(position.funding),
        "deductedFee": plain(position.open_fee + position.close_fee),
        "grant": "",
        "assetMode": "single",
        "autoMargin": "on" if position.auto_margin else "off",
        "takeProfit": plain(profit.trigger) if profit else "",
        "stopLoss": plain(loss.trigger) if loss else "",
        "takeProfitId": profit.order_id if profit else "",
        "stopLossId": loss.order_id if loss else "",
        "cTime": str(position.c_time),
        "uTime": str(position.u_time),
    }


def _whole_position_plan(account: Account, position: Position, plan_type: PlanType) -> PlanOrder | None:
    plans = account.waiting[position.symbol].values()
    return next((p for p in plans if p.plan_type is plan_type and p.side is position.side), None)


def _opening_size(account: Account, symbol: str, side: Side) -> Decimal:
    orders = (o for o in account.resting[symbol].values() if not o.is_closing and o.side is side)
    return sum((o.remaining for o in orders), ZERO)


def closed_position_row(entry: ClosedPosition) -> dict[str, Any]:
    """A row of history-position; `ctime` and `utime` are in lower case there."""
    return {
        "positionId": entry.pos_id,
        "symbol": entry.symbol,
        "marginCoin": "USDT",
        "holdSide": entry.side.value,
        "openAvgPrice": plain(entry.open_average),
        "closeAvgPrice": plain(entry.close_average),
        "marginMode": entry.margin_mode,
        "openTotalPos": plain(entry.opened_qty),
        "closeTotalPos": plain(entry.closed_qty),
        "pnl": plain(entry.profit),
        "netProfit": plain(entry.net_profit),
        "totalFunding": plain(entry.funding),
        "openFee": plain(entry.open_fee),
        "closeFee": plain(entry.close_fee),
        "utime": str(entry.u_time),
        "ctime": str(entry.c_time),
    }


def account_row(account: Account) -> dict[str, Any]:
    """The row of accounts. `available` is the money outside isolated margins, `locked` what is held of it."""
    equity = account.equity()
    free = max(account.free(), ZERO)
    return {
        "marginCoin": "USDT",
        "locked": plain(account.frozen()),
        "available": plain(account.wallet - account.isolated_margin()),
        "crossedMaxAvailable": plain(free),
        "isolatedMaxAvailable": plain(free),
        "maxTransferOut": plain(free),
        "accountEquity": plain(equity),
        "usdtEquity": plain(equity),
        "btcEquity": "0",
        "crossedRiskRate": shown_ratio(account.crossed_risk()),
        "unrealizedPL": plain(equity - account.wallet),
        "coupon": "0",
        "crossedUnrealizedPL": plain(account.crossed_unrealised()),
        "isolatedUnrealizedPL": plain(account.isolated_unrealised()),
        "unionTotalMargin": "0",
        "unionAvailable": "0",
        "unionMm": "0",
        "assetMode": "single",
    }


def preset_fields(order: Order) -> dict[str, str]:
    """The take profit and stop loss that came with the order."""
    profit, loss = order.take_profit, order.stop_loss
    return {
        "presetStopSurplusPrice": plain(profit.trigger) if profit else "",
        "presetStopSurplusExecutePrice": plain_or_blank(profit.execute) if profit else "",
        "presetStopSurplusType": profit.trigger_type if profit else "",
        "presetStopLossPrice": plain(loss.trigger) if loss else "",
        "presetStopLossExecutePrice": plain_or_blank(loss.execute) if loss else "",
        "presetStopLossType": loss.trigger_type if loss else "",
    }


def order_row(order: Order, *, status_key: str) -> dict[str, Any]:
    """A row of detail (`status_key` "state"), orders-pending or orders-history ("status")."""
    return {
        "symbol": order.symbol,
        "size": plain(order.qty),
        "orderId": order.order_id,
        "clientOid": order.client_oid,
        "baseVolume": plain(order.filled),
        "fee": plain(order.fee),
        "price": plain(order.price) if order.price is not None else "",
        "priceAvg": plain(order.average) if order.filled else "",
        status_key: order.status.value,
        "side": order.wire_side,
        "force": order.force,
        "totalProfits": plain(order.profit),
        "posSide": "net" if order.is_one_way else order.side.value,
        "marginCoin": "USDT",
        "quoteVolume": plain(order.cost),
        "orderType": "market" if order.is_market else "limit",
        "leverage": plain(order.leverage),
        "marginMode": order.margin_mode,
        "reduceOnly": "YES" if order.is_closing else "NO",
        "enterPointSource": order.entry_point,
        "tradeSide": order.trade_side,
        "posMode": order.position_mode,
        "orderSource": order.source,
        "cancelReason": order.cancel_reason,
        "cTime": str(order.c_time),
        "uTime": str(order.u_time),
        **preset_fields(order),
    }


def plan_row(plan: PlanOrder) -> dict[str, Any]:
    """A row of orders-plan-pending and orders-plan-history. A pos_* row has size 0 and no margin mode
    (recorded)."""
    profit, loss = plan.take_profit, plan.stop_loss
    return {
        "planType": plan.plan_type.value,
        "symbol": plan.symbol,
        "size": plain(plan.qty),
        "orderId": plan.order_id,
        "executeOrderId": plan.execute_order_id,
        "clientOid": plan.client_oid,
        "planStatus": plan.status.value,
        "price": plain(plan.execute) if plan.execute else "",
        "executePrice": plain(plan.execute or ZERO),
        "feeDetail": None,
        "baseVolume": plain(plan.filled),
        "priceAvg": plain_or_blank(plan.average),
        "callbackRatio": plain(plan.callback * 100) if plan.plan_type.is_trailing else "",
        "triggerPrice": plain(plan.trigger),
        "triggerType": plan.trigger_type,
        "side": plan.wire_side,
        "posSide": "net" if plan.position_mode == "one_way_mode" else plan.side.value,
        "marginCoin": "USDT",
        "marginMode": "" if plan.plan_type.is_whole_position else plan.margin_mode,
        "enterPointSource": "API",
        "tradeSide": plan.trade_side,
        "posMode": plan.position_mode,
        "orderType": "limit" if plan.execute else "market",
        "orderSource": "normal",
        "stopSurplusTriggerPrice": plain(profit.trigger) if profit else "",
        "stopSurplusExecutePrice": plain_or_blank(profit.execute) if profit else "",
        "stopSurplusTriggerType": profit.trigger_type if profit else "fill_price",
        "stopLossTriggerPrice": plain(loss.trigger) if loss else "",
        "stopLossExecutePrice": plain_or_blank(loss.execute) if loss else "",
        "stopLossTriggerType": loss.trigger_type if loss else "fill_price",
        "cTime": str(plan.c_time),
        "uTime": str(plan.u_time),
    }


def fee_detail(fill: Fill) -> list[dict[str, str]]:
    """The fee of a fill; negative is paid."""
    return [{"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": "0", "totalFee": plain(fill.fee)}]


def fill_row(fill: Fill) -> dict[str, Any]:
    """A row of fills and fill-history; it carries no position side (WIRE §2)."""
    return {
        "tradeId": fill.trade_id,
        "symbol": fill.symbol,
        "orderId": fill.order_id,
        "price": plain(fill.price),
        "baseVolume": plain(fill.qty),
        "feeDetail": fee_detail(fill),
        "side": fill.wire_side,
        "quoteVolume": plain(fill.price * fill.qty),
        "profit": plain(fill.profit),
        "enterPointSource": fill.entry_point,
        "tradeSide": fill.trade_side,
        "posMode": fill.position_mode,
        "tradeScope": "maker" if fill.is_maker else "taker",
        "cTime": str(fill.c_time),
    }


def bill_row(bill: Bill) -> dict[str, Any]:
    """A row of bill."""
    return {
        "billId": bill.bill_id,
        "symbol": bill.symbol,
        "amount": plain(bill.amount),
        "fee": plain(bill.fee),
        "feeByCoupon": "",
        "businessType": bill.business,
        "coin": "USDT",
        "balance": plain(bill.balance),
        "cTime": str(bill.c_time),
    }
