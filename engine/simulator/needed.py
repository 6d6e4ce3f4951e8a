"""What a request has to name: Bitget refuses one that leaves out the product, or the coin of its margin."""

from __future__ import annotations

from typing import Final

from engine.simulator.params import Params, required

_NO_PRODUCT: Final = frozenset(
    {
        "v2/public/time",
        "v2/common/trade-rate",
        "v2/spot/account/info",
        "v2/mix/market/account-long-short",
        "v2/mix/market/position-long-short",
        "v2/mix/market/long-short",
        "v2/mix/market/taker-buy-sell",
        "v2/mix/account/set-auto-margin",
        "v2/mix/account/max-open",
        "v2/mix/account/liq-price",
        "v2/mix/position/history-position",
    }
)
"""Endpoints that ccxt's own requests (WIRE §2) reach without a productType."""

_MARGIN_COIN: Final = frozenset(
    {
        "v2/mix/account/account",
        "v2/mix/account/set-leverage",
        "v2/mix/account/set-margin-mode",
        "v2/mix/account/set-margin",
        "v2/mix/account/set-auto-margin",
        "v2/mix/order/place-order",
        "v2/mix/order/batch-place-order",
        "v2/mix/order/place-plan-order",
        "v2/mix/order/place-tpsl-order",
        "v2/mix/order/place-pos-tpsl",
        "v2/mix/order/modify-tpsl-order",
    }
)


def check_needed(path: str, params: Params) -> None:
    """Raises 40019 when `path` needs a productType or a marginCoin that `params` do not name."""
    if path not in _NO_PRODUCT:
        required(params, "productType")
    if path in _MARGIN_COIN:
        required(params, "marginCoin")
