"""Endpoints that place, modify and cancel orders, and that close or turn a position."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from engine.core.instrument import ZERO, Side
from engine.simulator import params as p
from engine.simulator.checks import admit
from engine.simulator.endpoint import acceptance
from engine.simulator.errors import BitgetError, refusal
from engine.simulator.history_endpoints import HistoryEndpoints
from engine.simulator.listing import Listing
from engine.simulator.matching import replaces_others, submit
from engine.simulator.orders import Effect, Order, OrderStatus, Preset
from engine.simulator.params import Params
from engine.simulator.position import Position
from engine.simulator.settlement import cancel_order, closing_order
from engine.simulator.ticket import read_order, read_presets

BATCH_LIMIT = 20


class OrderEndpoints(HistoryEndpoints):
    """v2/mix/order/… without plan orders."""

    def place_order(self, params: Params) -> dict[str, Any]:
        """POST place-order: `{orderId, clientOid}` is acceptance only; what happened comes by push or
        read."""
        with self._floor.operation():
            return self._place(self._listing(params), params)

    def _place(self, listing: Listing, params: Params) -> dict[str, Any]:
        order = read_order(self._floor, self._account, listing, params)
        admit(self._floor, self._account, order)
        answer = acceptance(order.order_id, order.client_oid)
        if replaces_others(self._account, order):
            del answer["orderId"]
        submit(self._floor, self._account, order)
        return answer

    def batch_place_order(self, params: Params) -> dict[str, Any]:
        """POST batch-place-order: every order on its own; refusals go to failureList with HTTP 200."""
        listing = self._listing(params)
        bodies = items(params, "orderList")
        if len(bodies) > BATCH_LIMIT:
            raise refusal("40306", BATCH_LIMIT)
        placed: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        shared = {key: value for key, value in params.items() if key != "orderList"}
        with self._floor.operation():
            for body in bodies:
                try:
                    placed.append(self._place(listing, shared | body))
                except BitgetError as error:
                    refused.append(failure("", p.text(body, "clientOid"), error))
        return {"successList": placed, "failureList": refused}

    def modify_order(self, params: Params) -> dict[str, Any]:
        """POST modify-order: a new size or price replaces the order by a new one (new ids); presets change in
        place."""
        self._listing(params)
        order = self._live_order(params)
        new_price, new_qty = p.number(params, "newPrice"), p.number(params, "newSize")
        with self._floor.operation():
            if new_price is None and new_qty is None:
                return self._modify_presets(order, params)
            return self._replace(order, params, new_price or order.price, new_qty or order.qty)

    def _live_order(self, params: Params) -> Order:
        """The resting order of the request. 40768 when it never was, 22001 when it is over."""
        order = self._find_order(params)
        if order is None:
            raise refusal("40768")
        if order.status.is_final:
            raise refusal("22001")
        return order

    def _modify_presets(self, order: Order, params: Params) -> dict[str, Any]:
        order.take_profit, order.stop_loss = self._new_presets(order, params, order.price)
        order.u_time = self._floor.now_ms
        self._floor.tell_order(self._account, order)
        return acceptance(order.order_id, order.client_oid)

    def _new_presets(
        self, order: Order, params: Params, price: Decimal | None
    ) -> tuple[Preset | None, Preset | None]:
        """The presets after a modification: absent keeps the old one, 0 removes it."""
        listing = self._floor.listings[order.symbol]
        names = {key.replace("newPreset", "preset"): value for key, value in params.items()}
        profit, loss = read_presets(listing, names, order.side, price)
        keeps_profit = not p.text(params, "newPresetStopSurplusPrice")
        keeps_loss = not p.text(params, "newPresetStopLossPrice")
        return order.take_profit if keeps_profit else profit, order.stop_loss if keeps_loss else loss

    def _replace(self, order: Order, params: Params, price: Decimal | None, qty: Decimal) -> dict[str, Any]:
        if (price, qty) == (order.price, order.qty):
            raise refusal("40923")
        client_oid = p.client_oid(params, "newClientOid")
        if client_oid in self._account.client_oids:
            raise refusal("40786")
        if qty <= order.filled:
            raise refusal("40017", "newSize")
        profit, loss = self._new_presets(order, params, price)
        changed = msgspec.structs.replace(
            order,
            order_id=self._floor.ids.next(),
            client_oid=client_oid or self._floor.ids.next(),
            price=price,
            qty=qty - order.filled,
            filled=ZERO,
            cost=ZERO,
            fee=ZERO,
            profit=ZERO,
            take_profit=profit,
            stop_loss=loss,
            c_time=self._floor.now_ms,
            u_time=self._floor.now_ms,
            status=OrderStatus.LIVE,
        )
        resting = self._account.resting[order.symbol]
        del resting[order.order_id]
        try:
            admit(self._floor, self._account, changed)
        except BitgetError:
            resting[order.order_id] = order
            raise
        cancel_order(self._floor, self._account, order, "modified")
        submit(self._floor, self._account, changed)
        return acceptance(changed.order_id, changed.client_oid)

    # -- cancelling ------------------------------------------------------------------------------------------

    def cancel_order(self, params: Params) -> dict[str, Any]:
        """POST cancel-order by orderId or clientOid. 40768 when unknown, 22001 when it is filled or
        cancelled."""
        self._listing(params)
        order = self._live_order(params)
        with self._floor.operation():
            cancel_order(self._floor, self._account, order)
        return acceptance(order.order_id, order.client_oid)

    def batch_cancel_orders(self, params: Params) -> dict[str, Any]:
        """POST batch-cancel-orders: those of orderIdList, or all resting orders of the symbol without it."""
        symbol = self._listing(params).symbol
        if "orderIdList" not in params:
            return self._cancel_all([symbol])
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        with self._floor.operation():
            for item in items(params, "orderIdList"):
                try:
                    order = self._live_order(item)
                    cancel_order(self._floor, self._account, order)
                    done.append(acceptance(order.order_id, order.client_oid))
                except BitgetError as error:
                    failed.append(failure(p.text(item, "orderId"), p.text(item, "clientOid"), error))
        return {"successList": done, "failureList": failed}

    def cancel_all_orders(self, params: Params) -> dict[str, Any]:
        """POST cancel-all-orders of the product; plan orders stay."""
        p.check_product(params)
        return self._cancel_all(list(self._account.resting))

    def _cancel_all(self, symbols: list[str]) -> dict[str, Any]:
        orders = [o for symbol in symbols for o in self._account.resting[symbol].values()]
        if not orders:
            raise refusal("22001")
        with self._floor.operation():
            for order in orders:
                cancel_order(self._floor, self._account, order)
        return {"successList": [acceptance(o.order_id, o.client_oid) for o in orders], "failureList": []}

    # -- closing ---------------------------------------------------------------------------------------------

    def close_positions(self, params: Params) -> dict[str, Any]:
        """POST close-positions: flash close at market, by symbol and side where given. 22002 without a
        position."""
        symbol = self._symbol_filter(params)
        side = p.text(params, "holdSide").lower()
        positions = [
            position
            for position in self._account.positions.values()
            if symbol in (None, position.symbol) and side in ("", "net", position.side.value)
        ]
        if not positions:
            raise refusal("22002")
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        with self._floor.operation():
            for position in positions:
                try:
                    order = self._flash_close(position)
                    done.append(acceptance(order.order_id, order.client_oid) | {"symbol": position.symbol})
                except BitgetError as error:
                    failed.append(failure("", "", error) | {"symbol": position.symbol})
        return {"successList": done, "failureList": failed, "result": not failed}

    def _flash_close(self, position: Position) -> Order:
        """Close a whole position at market; resting closing orders give way."""
        for resting in self._account.closing_orders(position.symbol, position.side):
            cancel_order(self._floor, self._account, resting, "flash_close")
        order = closing_order(self._floor, self._account, position, position.qty, source="market")
        admit(self._floor, self._account, order)
        submit(self._floor, self._account, order)
        return order

    def click_backhand(self, params: Params) -> dict[str, Any]:
        """POST click-backhand: turn a position around; `size` (default: as much as was held) opens the other
        way."""
        listing = self._listing(params)
        position = self._turned(listing, params)
        qty = p.number(params, "size") or position.qty
        client_oid = p.client_oid(params)
        if client_oid in self._account.client_oids:
            raise refusal("40786")
        with self._floor.operation():
            self._flash_close(position)
            order = self._reverse(position, qty, client_oid)
            admit(self._floor, self._account, order)
            submit(self._floor, self._account, order)
        return acceptance(order.order_id, order.client_oid)

    def _turned(self, listing: Listing, params: Params) -> Position:
        held = self._account.positions_of(listing.symbol)
        named = p.text(params, "side").lower()
        if not self._account.is_one_way and named:
            held = [x for x in held if x.side is (Side.LONG if named == "buy" else Side.SHORT)]
        if len(held) != 1:
            raise refusal("22002")
        return held[0]

    def _reverse(self, position: Position, qty: Decimal, client_oid: str) -> Order:
        side = position.side.opposite
        wire_side = "buy" if side is Side.LONG else "sell"
        is_one_way = self._account.is_one_way
        settings = self._account.settings(position.symbol)
        return Order(
            order_id=self._floor.ids.next(),
            client_oid=client_oid or self._floor.ids.next(),
            symbol=position.symbol,
            wire_side=wire_side,
            buying=side is Side.LONG,
            effect=Effect.NET if is_one_way else Effect.OPEN,
            side=side,
            qty=qty,
            price=None,
            force="gtc",
            margin_mode=position.margin_mode,
            leverage=settings.leverage(position.margin_mode, side),
            position_mode=self._account.position_mode,
            c_time=self._floor.now_ms,
            u_time=self._floor.now_ms,
            source="reverse",
            trade_side=f"{wire_side}_single" if is_one_way else "open",
        )


def failure(order_id: str, client_oid: str, error: BitgetError) -> dict[str, str]:
    """An entry of a failureList."""
    return {"orderId": order_id, "clientOid": client_oid, "errorMsg": error.msg, "errorCode": error.code}


def items(params: Params, name: str) -> list[dict[str, Any]]:
    """A list of objects. Raises 40019 when it is missing or empty, 40017 when it is something else."""
    items = params.get(name)
    if not items:
        raise refusal("40019", name)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise refusal("40017", name)
    return [dict(item) for item in items]
