"""Every request that ccxt sends is answered in a shape that ccxt reads."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from engine.simulator.server import SimulatedBitget

BTC = "BTC/USDT:USDT"
GOLDEN = Path(__file__).parents[2].parent / "shared/data/bitget/ccxt_4.5.90_golden_requests.json"
REFUSALS_BY_NATURE = (
    "22001",
    "22002",
    "40109",
    "40768",
    "40801",
    "40917",
    "43001",
    "43020",
    "43025",
    "45117",
)
"""Codes that a right request may meet on this desk: no such order, no margin to take out, a mode in use."""

READS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("fetch_time", [], {}),
    ("fetch_ticker", [BTC], {}),
    ("fetch_tickers", [], {}),
    ("fetch_ohlcv", [BTC, "1h", None, 200], {}),
    ("fetch_ohlcv", [BTC, "1d", None, 90], {}),
    ("fetch_order_book", [BTC, 15], {}),
    ("fetch_trades", [BTC, None, 100], {}),
    ("fetch_funding_rate", [BTC, {"method": "publicMixGetV2MixMarketFundingTime"}], {}),
    ("fetch_funding_rates", [], {}),
    ("fetch_funding_intervals", [], {}),
    ("fetch_balance", [], {}),
    ("fetch_leverage", [BTC], {}),
    ("fetch_margin_mode", [BTC], {}),
    ("fetch_trading_fee", [BTC], {}),
    ("fetch_position", [BTC], {}),
    ("fetch_positions", [[BTC]], {}),
    ("fetch_positions_history", [[BTC], None, 20], {}),
    ("fetch_open_orders", [BTC, None, None, {"trigger": True, "planType": "profit_loss"}], {}),
    ("fetch_canceled_and_closed_orders", [BTC], {}),
    ("fetch_my_trades", [BTC], {}),
    ("fetch_ledger", ["USDT", None, None, {"type": "swap"}], {}),
    ("fetch_funding_history", [BTC], {}),
    ("private_mix_get_v2_mix_account_max_open", [{"symbol": "BTCUSDT", "productType": "USDT-FUTURES"}], {}),
    ("private_mix_get_v2_mix_market_position_long_short", [{"symbol": "BTCUSDT", "period": "5m"}], {}),
]


async def test_every_read_is_answered_in_a_shape_that_ccxt_reads(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000)) as sim:
        exchange = await connect(sim)
        for name, args, kwargs in READS:
            assert await getattr(exchange, name)(*args, **kwargs) is not None, name


async def test_every_golden_request_has_an_answer(connect: Any) -> None:
    """On a desk with a long and nothing else, no golden request may be unknown, malformed or unread."""
    if not GOLDEN.exists():
        pytest.skip("the golden requests are not here (../shared/data/bitget)")
    calls = json.loads(GOLDEN.read_text(encoding="utf-8"))["calls"]
    failures: list[str] = []
    async with SimulatedBitget() as first:
        exchange = await connect(first)
    for call in calls:
        if call["error"]:
            continue
        mode = position_mode(call)
        each = SimulatedBitget(balance=Decimal(10_000), position_mode=mode, speed=0, keys=first.keys)
        async with each as sim:
            exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], sim.url)
            opened = {"marginMode": "isolated", "hedged": mode == "hedge_mode"}
            await exchange.create_order(BTC, "market", "buy", 0.05, params=opened)
            try:
                await getattr(exchange, call["call"])(*call["args"], **call["kwargs"])
            except ccxt.BaseError as error:
                if not any(f'"{code}"' in str(error) for code in REFUSALS_BY_NATURE):
                    failures.append(f"{call['call']} {call['args']} {call['kwargs']}: {error}")
    assert failures == []


def position_mode(call: dict[str, Any]) -> str:
    """The position mode that a golden call is written for."""
    is_one_way = call["call"] == "create_order" and "hedged" not in call["kwargs"].get("params", {})
    return "one_way_mode" if is_one_way else "hedge_mode"


async def test_the_ratios_that_ccxt_does_not_know_are_there_too(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        for path, field in (("long-short", "longRatio"), ("taker-buy-sell", "buyVolume")):
            _, answer = await ask(sim, "GET", f"v2/mix/market/{path}", {"symbol": "BTCUSDT", "period": "1h"})
            assert len(answer["data"]) == 30
            assert Decimal(answer["data"][-1][field]) >= 0
