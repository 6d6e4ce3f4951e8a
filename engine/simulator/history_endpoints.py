"""Endpoints that read the past: fills, orders, plan orders, bills."""

from __future__ import annotations

from typing import Any

from engine.simulator import params as p
from engine.simulator import rows
from engine.simulator.account import MARGIN_MOVES, Bill
from engine.simulator.endpoint import Endpoints, page
from engine.simulator.errors import refusal
from engine.simulator.orders import Order
from engine.simulator.params import Params
from engine.simulator.plan_orders import PlanOrder, PlanStatus

PLAN_FAMILIES = ("normal_plan", "track_plan", "profit_loss")


class HistoryEndpoints(Endpoints):
    """Lists with paging. An empty list of orders or fills is null, as Bitget answers."""

    def detail(self, params: Params) -> dict[str, Any]:
        """GET detail: one order by orderId or clientOid; its status is called `state` here. 40109 when
        unknown."""
        symbol = self._listing(params).symbol
        order = self._find_order(params)
        if order is None or order.symbol != symbol:
            raise refusal("40109")
        return rows.order_row(order, status_key="state")

    def _find_order(self, params: Params) -> Order | None:
        order_id, client_oid = p.text(params, "orderId"), p.text(params, "clientOid")
        if not order_id and not client_oid:
            raise refusal("40924")
        return self._account.orders.get(order_id or self._account.client_oids.get(client_oid, ""))

    def orders_pending(self, params: Params) -> dict[str, Any]:
        """GET orders-pending: resting orders, no plan orders."""
        return self._order_list(params, pending=True)

    def orders_history(self, params: Params) -> dict[str, Any]:
        """GET orders-history: filled and cancelled orders of 90 days."""
        return self._order_list(params, pending=False)

    def _order_list(self, params: Params, *, pending: bool) -> dict[str, Any]:
        symbol = self._symbol_filter(params)
        if pending:
            candidates = [o for book in self._account.resting.values() for o in book.values()]
        else:
            candidates = [o for o in self._account.orders.values() if o.status.is_final]
        source, status = p.text(params, "orderSource").lower(), p.text(params, "status").lower()
        orders, end_id = page(
            (
                o
                for o in candidates
                if symbol in (None, o.symbol)
                and _is_asked_for(params, o)
                and source in ("", o.source)
                and status in ("", o.status.value)
            ),
            params,
            row_id=lambda o: o.order_id,
            row_time=lambda o: o.c_time,
            now_ms=self._floor.now_ms,
        )
        listed = [rows.order_row(o, status_key="status") for o in orders]
        return {"entrustedList": listed or None, "endId": end_id}

    def fills(self, params: Params) -> dict[str, Any]:
        """GET fills: trades, newest first; a given range spans at most seven days."""
        symbol = self._symbol_filter(params)
        order_id = p.text(params, "orderId")
        found, end_id = page(
            (f for f in self._account.fills if symbol in (None, f.symbol) and order_id in ("", f.order_id)),
            params,
            row_id=lambda f: f.trade_id,
            row_time=lambda f: f.c_time,
            now_ms=self._floor.now_ms,
            span_days=7,
        )
        return {"fillList": [rows.fill_row(f) for f in found] or None, "endId": end_id}

    def fill_history(self, params: Params) -> dict[str, Any]:
        """GET fill-history: the same as `fills`."""
        return self.fills(params)

    def orders_plan_pending(self, params: Params) -> dict[str, Any]:
        """GET orders-plan-pending: waiting plan orders of one family; `planType` is required."""
        return self._plan_list(params, pending=True)

    def orders_plan_history(self, params: Params) -> dict[str, Any]:
        """GET orders-plan-history: executed, failed and cancelled ones; `executeOrderId` links the order they
        became."""
        return self._plan_list(params, pending=False)

    def _plan_list(self, params: Params, *, pending: bool) -> dict[str, Any]:
        symbol = self._symbol_filter(params)
        family = p.choice(params, "planType", PLAN_FAMILIES)
        status = p.text(params, "planStatus").lower()
        plans, end_id = page(
            (
                plan
                for plan in self._account.plans.values()
                if symbol in (None, plan.symbol)
                and family == _family(plan)
                and pending == (plan.status is PlanStatus.LIVE)
                and _is_asked_for(params, plan)
                and status in ("", plan.status.value)
            ),
            params,
            row_id=lambda plan: plan.order_id,
            row_time=lambda plan: plan.c_time,
            now_ms=self._floor.now_ms,
        )
        return {"entrustedList": [self._plan_row(plan) for plan in plans] or None, "endId": end_id}

    def _plan_row(self, plan: PlanOrder) -> dict[str, Any]:
        """A plan row; what its order has traded is read from the order, which may still be resting."""
        child = self._account.orders.get(plan.execute_order_id)
        if child is not None:
            plan.filled, plan.average = child.filled, child.average
        return rows.plan_row(plan)

    def bill(self, params: Params) -> dict[str, Any]:
        """GET bill: movements of money, newest first, 20 a page; a given range spans at most 30 days.

        `onlyFunding=yes` leaves out what only moved between wallet and position margin.
        """
        symbol = self._symbol_filter(params)
        business = p.text(params, "businessType").lower()
        only_funding = p.text(params, "onlyFunding").lower() == "yes"
        coin = p.text(params, "coin", "USDT").upper()

        def is_wanted(bill: Bill) -> bool:
            return (
                coin == "USDT"
                and symbol in (None, bill.symbol)
                and business in ("", bill.business)
                and not (only_funding and bill.business in MARGIN_MOVES)
            )

        bills, end_id = page(
            filter(is_wanted, self._account.bills),
            params,
            row_id=lambda bill: bill.bill_id,
            row_time=lambda bill: bill.c_time,
            now_ms=self._floor.now_ms,
            limit=20,
            span_days=30,
        )
        return {"bills": [rows.bill_row(bill) for bill in bills], "endId": end_id}


def _family(plan: PlanOrder) -> str:
    return "profit_loss" if plan.plan_type.is_tpsl else plan.plan_type.value


def _is_asked_for(params: Params, order: Order | PlanOrder) -> bool:
    """Whether orderId and clientOid of the request, where given, name this order."""
    order_id, client_oid = p.text(params, "orderId"), p.text(params, "clientOid")
    return order_id in ("", order.order_id) and client_oid in ("", order.client_oid)
