"""The private REST endpoints of one account, as calls: parsed parameters in, the answer's `data` out."""

from __future__ import annotations

from typing import Final

from engine.simulator.account_endpoints import AccountEndpoints
from engine.simulator.order_endpoints import OrderEndpoints
from engine.simulator.plan_endpoints import PlanEndpoints

ROUTES: Final[dict[tuple[str, str], str]] = {
    ("GET", "v2/mix/account/accounts"): "accounts",
    ("GET", "v2/mix/account/account"): "account",
    ("POST", "v2/mix/account/set-leverage"): "set_leverage",
    ("POST", "v2/mix/account/set-margin-mode"): "set_margin_mode",
    ("POST", "v2/mix/account/set-position-mode"): "set_position_mode",
    ("POST", "v2/mix/account/set-margin"): "set_margin",
    ("POST", "v2/mix/account/set-auto-margin"): "set_auto_margin",
    ("GET", "v2/mix/account/bill"): "bill",
    ("GET", "v2/mix/account/max-open"): "max_open",
    ("GET", "v2/mix/account/liq-price"): "liq_price",
    ("GET", "v2/common/trade-rate"): "trade_rate",
    ("GET", "v2/spot/account/info"): "info",
    ("GET", "v2/mix/position/all-position"): "all_position",
    ("GET", "v2/mix/position/single-position"): "single_position",
    ("GET", "v2/mix/position/history-position"): "history_position",
    ("POST", "v2/mix/order/place-order"): "place_order",
    ("POST", "v2/mix/order/batch-place-order"): "batch_place_order",
    ("POST", "v2/mix/order/modify-order"): "modify_order",
    ("POST", "v2/mix/order/cancel-order"): "cancel_order",
    ("POST", "v2/mix/order/batch-cancel-orders"): "batch_cancel_orders",
    ("POST", "v2/mix/order/cancel-all-orders"): "cancel_all_orders",
    ("POST", "v2/mix/order/close-positions"): "close_positions",
    ("POST", "v2/mix/order/click-backhand"): "click_backhand",
    ("GET", "v2/mix/order/detail"): "detail",
    ("GET", "v2/mix/order/orders-pending"): "orders_pending",
    ("GET", "v2/mix/order/orders-history"): "orders_history",
    ("GET", "v2/mix/order/fills"): "fills",
    ("GET", "v2/mix/order/fill-history"): "fill_history",
    ("POST", "v2/mix/order/place-tpsl-order"): "place_tpsl_order",
    ("POST", "v2/mix/order/place-pos-tpsl"): "place_pos_tpsl",
    ("POST", "v2/mix/order/place-plan-order"): "place_plan_order",
    ("POST", "v2/mix/order/modify-tpsl-order"): "modify_tpsl_order",
    ("POST", "v2/mix/order/modify-plan-order"): "modify_plan_order",
    ("POST", "v2/mix/order/cancel-plan-order"): "cancel_plan_order",
    ("GET", "v2/mix/order/orders-plan-pending"): "orders_plan_pending",
    ("GET", "v2/mix/order/orders-plan-history"): "orders_plan_history",
}


class PrivateEndpoints(AccountEndpoints, OrderEndpoints, PlanEndpoints):
    """Every method named in ROUTES takes the request's parameters and returns `data`; refusals raise
    `BitgetError`.

    `PrivateEndpoints(exchange, account_id)` raises `KeyError` when the account does not exist.
    """

    def tiers(self, symbol: str) -> list[dict[str, str]]:
        """The rows of `query-position-lever` for `symbol`."""
        return self._exchange.tiers(symbol)
