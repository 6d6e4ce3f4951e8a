"""Endpoints of plan orders: triggers, trailing orders, take profits and stop losses (WIRE §6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core.instrument import ZERO, Side
from engine.simulator import params as p
from engine.simulator.checks import check_price, check_steps
from engine.simulator.endpoint import acceptance
from engine.simulator.errors import BitgetError, refusal
from engine.simulator.history_endpoints import PLAN_FAMILIES, HistoryEndpoints
from engine.simulator.listing import Listing
from engine.simulator.order_endpoints import failure, items
from engine.simulator.orders import Effect, Preset
from engine.simulator.params import Params
from engine.simulator.plan_orders import PlanOrder, PlanStatus, PlanType
from engine.simulator.position import CROSSED, ISOLATED, Position
from engine.simulator.protection import check_side, make_tpsl, wait, whole_position_plan
from engine.simulator.settlement import cancel_plan
from engine.simulator.ticket import TRIGGER_TYPES, read_direction

_TPSL_TYPES = tuple(t.value for t in PlanType if t.is_tpsl)
_PERCENT = Decimal("0.01")


class PlanEndpoints(HistoryEndpoints):
    """v2/mix/order/…plan… and …tpsl…"""

    def place_tpsl_order(self, params: Params) -> dict[str, Any]:
        """POST place-tpsl-order: a take profit or stop loss of an open position, for a part of it or the
        whole."""
        listing = self._listing(params)
        plan_type = PlanType(p.choice(params, "planType", _TPSL_TYPES))
        plan = self._tpsl(
            listing,
            plan_type,
            self._hold_side(params),
            trigger=p.positive(params, "triggerPrice"),
            trigger_type=p.choice(params, "triggerType", TRIGGER_TYPES, "fill_price"),
            qty=None if plan_type.is_whole_position else p.positive(params, "size"),
            execute=p.price_or_none(params, "executePrice"),
            callback=self._callback(params, "rangeRate") if plan_type is PlanType.MOVING else ZERO,
            client_oid=p.client_oid(params),
        )
        with self._floor.operation():
            wait(self._floor, self._account, plan)
        return acceptance(plan.order_id, plan.client_oid)

    def place_pos_tpsl(self, params: Params) -> list[dict[str, Any]]:
        """POST place-pos-tpsl: take profit and stop loss in one; with a size partial ones, else of the whole
        position."""
        listing = self._listing(params)
        side = self._hold_side(params)
        plans = [
            plan
            for name, part, whole in (
                ("stopSurplus", PlanType.PROFIT, PlanType.POS_PROFIT),
                ("stopLoss", PlanType.LOSS, PlanType.POS_LOSS),
            )
            if (plan := self._leg(listing, side, params, name, part=part, whole=whole)) is not None
        ]
        if not plans:
            raise refusal("40019", "stopSurplusTriggerPrice stopLossTriggerPrice")
        if len({plan.client_oid for plan in plans}) < len(plans):
            raise refusal("40786")
        with self._floor.operation():
            for plan in plans:
                wait(self._floor, self._account, plan)
        return [
            {
                "orderId": plan.order_id,
                "stopSurplusClientOid": "" if plan.plan_type.is_loss else plan.client_oid,
                "stopLossClientOid": plan.client_oid if plan.plan_type.is_loss else "",
            }
            for plan in plans
        ]

    def _leg(
        self, listing: Listing, side: Side, params: Params, name: str, *, part: PlanType, whole: PlanType
    ) -> PlanOrder | None:
        trigger = p.price_or_none(params, f"{name}TriggerPrice")
        if trigger is None:
            return None
        qty = p.price_or_none(params, f"{name}Size")
        return self._tpsl(
            listing,
            whole if qty is None else part,
            side,
            trigger=trigger,
            trigger_type=p.choice(params, f"{name}TriggerType", TRIGGER_TYPES, "fill_price"),
            qty=qty,
            execute=p.price_or_none(params, f"{name}ExecutePrice"),
            client_oid=p.client_oid(params, f"{name}ClientOid"),
        )

    def _tpsl(
        self,
        listing: Listing,
        plan_type: PlanType,
        side: Side,
        *,
        trigger: Decimal,
        trigger_type: str,
        qty: Decimal | None,
        execute: Decimal | None,
        callback: Decimal = ZERO,
        client_oid: str = "",
    ) -> PlanOrder:
        """The checked plan order. 40837 or 43023 without a position, 43030 or 43031 for a second one of the
        whole."""
        position = self._protected(listing, side, plan_type)
        if client_oid in self._account.client_oids:
            raise refusal("40786")
        self._check_shape(listing, qty, trigger, execute)
        if plan_type is PlanType.MOVING:
            execute = None
        else:
            check_side(listing, side, trigger, trigger_type, is_loss=plan_type.is_loss)
        if plan_type.is_whole_position and whole_position_plan(
            self._account, listing.symbol, side, plan_type
        ):
            raise refusal("43031" if plan_type.is_loss else "43030")
        return make_tpsl(
            self._floor,
            self._account,
            position,
            plan_type,
            trigger=trigger,
            trigger_type=trigger_type,
            qty=qty or ZERO,
            execute=execute,
            callback=callback,
            client_oid=client_oid,
        )

    def _protected(self, listing: Listing, side: Side, plan_type: PlanType) -> Position:
        position = self._account.position(listing.symbol, side)
        if position is None:
            raise refusal("40837" if plan_type.is_whole_position else "43023")
        return position

    def _check_shape(
        self, listing: Listing, qty: Decimal | None, trigger: Decimal, execute: Decimal | None
    ) -> None:
        if qty is not None:
            check_steps(listing.contract, qty, None)
            if qty < listing.contract.instrument.min_qty:
                raise refusal("45111")
        check_price(listing.contract, trigger)
        if execute is not None:
            check_price(listing.contract, execute)

    def _hold_side(self, params: Params) -> Side:
        """One-way: buy or sell (long and short are understood too); hedge: long or short."""
        allowed = ("buy", "sell", "long", "short") if self._account.is_one_way else ("long", "short")
        return Side.LONG if p.choice(params, "holdSide", allowed) in ("buy", "long") else Side.SHORT

    def _callback(self, params: Params, name: str) -> Decimal:
        """A callback rate given in percent, at most 10, as a fraction."""
        percent = p.positive(params, name)
        if percent > 10:
            raise refusal("43011", name)
        return percent * _PERCENT

    # -- triggers --------------------------------------------------------------------------------------------

    def place_plan_order(self, params: Params) -> dict[str, Any]:
        """POST place-plan-order: an order that is sent when a price is reached. Margin is looked at only
        then."""
        listing = self._listing(params)
        client_oid = p.client_oid(params)
        if client_oid in self._account.client_oids:
            raise refusal("40786")
        plan = self._read_plan(listing, params, client_oid)
        with self._floor.operation():
            wait(self._floor, self._account, plan)
        return acceptance(plan.order_id, plan.client_oid)

    def _read_plan(self, listing: Listing, params: Params, client_oid: str) -> PlanOrder:
        plan_type = PlanType(p.choice(params, "planType", ("normal_plan", "track_plan")))
        wire_side, buying, effect, side, trade_side = read_direction(self._account, params)
        if effect is Effect.CLOSE and self._account.position(listing.symbol, side) is None:
            raise refusal("22002")
        is_limit = p.choice(params, "orderType", ("limit", "market")) == "limit"
        if is_limit and plan_type is PlanType.TRACK:
            raise refusal("43011", "orderType")
        named = "price" if p.text(params, "price") else "executePrice"
        execute = p.positive(params, named) if is_limit else None
        trigger, qty = p.positive(params, "triggerPrice"), p.positive(params, "size")
        trigger_type = p.choice(params, "triggerType", TRIGGER_TYPES)
        self._check_shape(listing, qty, trigger, execute)
        quote = listing.current()
        price = quote.mark if trigger_type == "mark_price" else quote.last
        margin_mode = p.choice(params, "marginMode", (ISOLATED, CROSSED))
        return PlanOrder(
            order_id=self._floor.ids.next(),
            client_oid=client_oid or self._floor.ids.next(),
            symbol=listing.symbol,
            plan_type=plan_type,
            wire_side=wire_side,
            buying=buying,
            effect=effect,
            side=side,
            qty=qty,
            trigger=trigger,
            trigger_type=trigger_type,
            rises=trigger > price if plan_type is PlanType.NORMAL else not buying,
            execute=execute,
            margin_mode=margin_mode,
            leverage=self._account.settings(listing.symbol).leverage(margin_mode, side),
            position_mode=self._account.position_mode,
            c_time=self._floor.now_ms,
            u_time=self._floor.now_ms,
            trade_side=trade_side,
            callback=self._callback(params, "callbackRatio") if plan_type is PlanType.TRACK else ZERO,
            take_profit=_preset(params, "stopSurplus", None) if plan_type is PlanType.NORMAL else None,
            stop_loss=_preset(params, "stopLoss", None) if plan_type is PlanType.NORMAL else None,
        )

    # -- changing and cancelling -----------------------------------------------------------------------------

    def modify_tpsl_order(self, params: Params) -> dict[str, Any]:
        """POST modify-tpsl-order, in place: ids stay. 43020 when unknown, 43021 when it is over."""
        listing = self._listing(params)
        plan = self._live_plan(params, tpsl=True)
        trigger = p.positive(params, "triggerPrice")
        trigger_type = p.choice(params, "triggerType", TRIGGER_TYPES, plan.trigger_type)
        qty = None if plan.plan_type.is_whole_position else p.positive(params, "size")
        has_execute = bool(p.text(params, "executePrice")) and plan.plan_type is not PlanType.MOVING
        execute = p.price_or_none(params, "executePrice") if has_execute else plan.execute
        self._check_shape(listing, qty, trigger, execute)
        if plan.plan_type is PlanType.MOVING:
            if p.text(params, "rangeRate"):
                plan.callback = self._callback(params, "rangeRate")
            plan.is_active = False
        else:
            check_side(listing, plan.side, trigger, trigger_type, is_loss=plan.plan_type.is_loss)
        plan.trigger, plan.trigger_type, plan.execute = trigger, trigger_type, execute
        plan.qty = qty or ZERO
        return self._changed(listing, plan)

    def modify_plan_order(self, params: Params) -> dict[str, Any]:
        """POST modify-plan-order, in place; what is not given stays. 43025 when unknown, 43026 when it is
        over."""
        plan = self._live_plan(params, tpsl=False)
        listing = self._floor.listings[plan.symbol]
        trigger = p.price_or_none(params, "newTriggerPrice") or plan.trigger
        trigger_type = p.choice(params, "newTriggerType", TRIGGER_TYPES, plan.trigger_type)
        qty = p.price_or_none(params, "newSize") or plan.qty
        execute = (p.price_or_none(params, "newPrice") or plan.execute) if plan.execute else None
        self._check_shape(listing, qty, trigger, execute)
        if plan.plan_type is PlanType.TRACK:
            if p.text(params, "newCallbackRatio"):
                plan.callback = self._callback(params, "newCallbackRatio")
            plan.is_active = False
        else:
            quote = listing.current()
            plan.rises = trigger > (quote.mark if trigger_type == "mark_price" else quote.last)
            plan.take_profit = _preset(params, "newStopSurplus", plan.take_profit)
            plan.stop_loss = _preset(params, "newStopLoss", plan.stop_loss)
        plan.trigger, plan.trigger_type, plan.qty, plan.execute = trigger, trigger_type, qty, execute
        return self._changed(listing, plan)

    def _changed(self, listing: Listing, plan: PlanOrder) -> dict[str, Any]:
        plan.u_time = self._floor.now_ms
        if plan.plan_type.is_trailing:
            plan.follow(listing.current())
        with self._floor.operation():
            self._floor.tell_plan(self._account, plan)
            self._floor.stale()
        return acceptance(plan.order_id, plan.client_oid)

    def _live_plan(self, params: Params, *, tpsl: bool) -> PlanOrder:
        order_id, client_oid = p.text(params, "orderId"), p.text(params, "clientOid")
        if not order_id and not client_oid:
            raise refusal("40924")
        plan = self._account.plans.get(order_id or self._account.client_oids.get(client_oid, ""))
        if plan is None or plan.plan_type.is_tpsl is not tpsl:
            raise refusal("43020" if tpsl else "43025")
        if plan.status is not PlanStatus.LIVE:
            raise refusal("43021" if tpsl else "43026")
        return plan

    def cancel_plan_order(self, params: Params) -> dict[str, Any]:
        """POST cancel-plan-order: those of orderIdList, else all of `planType` (default normal_plan)."""
        p.check_product(params)
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        with self._floor.operation():
            if not params.get("orderIdList"):
                for plan in self._plans_to_cancel(params):
                    cancel_plan(self._floor, self._account, plan)
                    done.append(acceptance(plan.order_id, plan.client_oid))
                return {"successList": done, "failureList": failed}
            for item in items(params, "orderIdList"):
                try:
                    plan = self._any_live_plan(item)
                    cancel_plan(self._floor, self._account, plan)
                    done.append(acceptance(plan.order_id, plan.client_oid))
                except BitgetError as error:
                    failed.append(failure(p.text(item, "orderId"), p.text(item, "clientOid"), error))
        return {"successList": done, "failureList": failed}

    def _any_live_plan(self, item: Params) -> PlanOrder:
        order_id = p.text(item, "orderId") or self._account.client_oids.get(p.text(item, "clientOid"), "")
        known = self._account.plans.get(order_id)
        return self._live_plan(item, tpsl=known is not None and known.plan_type.is_tpsl)

    def _plans_to_cancel(self, params: Params) -> list[PlanOrder]:
        symbol = self._symbol_filter(params)
        wanted = p.choice(params, "planType", (*_TPSL_TYPES, *PLAN_FAMILIES), "normal_plan")
        return [
            plan
            for book in self._account.waiting.values()
            for plan in book.values()
            if symbol in (None, plan.symbol)
            and (plan.plan_type.is_tpsl if wanted == "profit_loss" else plan.plan_type.value == wanted)
        ]


def _preset(params: Params, name: str, kept: Preset | None) -> Preset | None:
    """A take profit or stop loss that a trigger order brings along; absent keeps, 0 removes."""
    if not p.text(params, f"{name}TriggerPrice"):
        return kept
    trigger = p.price_or_none(params, f"{name}TriggerPrice")
    if trigger is None:
        return None
    trigger_type = p.choice(params, f"{name}TriggerType", TRIGGER_TYPES, "fill_price")
    return Preset(trigger, p.price_or_none(params, f"{name}ExecutePrice"), trigger_type)
