"""Rows that others recorded at Bitget, reproduced digit for digit (WIRE §4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading_floor import BTC_ROW, ETH_ROW, TIERS

from engine.core.instrument import Tier
from engine.simulator.contract import Contract
from engine.simulator.exchange import Exchange
from engine.simulator.private import PrivateEndpoints
from engine.simulator.quote import Quote
from tests.unit.venue.recorded_wire import POSITION

# all-position, SUSDT-FUTURES, 2025-01-20: 10x long, opened as maker at 0.0002, taker rate 0.0004
OF_THAT_DAY = ("symbol", "marginCoin", "cTime", "uTime")
RECORDED_10X = {key: value for key, value in POSITION.items() if key not in OF_THAT_DAY}
# all-position, 2025-06-26: two 1x longs
RECORDED_ETH_1X = {
    "marginSize": "48.4478",
    "total": "0.02",
    "leverage": "1",
    "openPriceAvg": "2422.39",
    "unrealizedPL": "0.1872",
    "liquidationPrice": "0",
    "keepMarginRate": "0.005",
    "markPrice": "2431.75",
    "marginRatio": "0.0056",
}
RECORDED_BTC_1X = {
    "marginSize": "42.71004",
    "total": "0.0004",
    "leverage": "1",
    "openPriceAvg": "106775.1",
    "unrealizedPL": "0.16276",
    "liquidationPrice": "0",
    "keepMarginRate": "0.004",
    "markPrice": "107182",
    "marginRatio": "0.0046",
}


def opened_long(
    contract: Contract, recorded: dict[str, str], *, taker: str, maker: str | None = None
) -> dict[str, Any]:
    """The row of a hedge-mode long of the recorded size, entry and mark; as maker when a rate is given."""
    exchange = Exchange([contract], now_ms=1)
    rates = {"taker": Decimal(taker), "maker": Decimal(maker or "0.0002")}
    exchange.open_account("a", Decimal(10_000), position_mode="hedge_mode", **rates)
    rest = PrivateEndpoints(exchange, "a")
    symbol, entry = contract.symbol, recorded["openPriceAvg"]

    def show(price: str, ask: str) -> None:
        levels = ((Decimal(ask), Decimal(100)),)
        mark = Decimal(price)
        exchange.on_quote(Quote(symbol, exchange.now_ms + 1, mark, mark, mark, levels, levels))

    above = str(Decimal(entry) + 100)
    show(entry, above if maker else entry)
    body = {
        "symbol": symbol,
        "marginMode": "isolated",
        "side": "buy",
        "tradeSide": "open",
        "size": recorded["total"],
    }
    rest.set_margin_mode(body)
    rest.set_leverage(body | {"leverage": recorded["leverage"]})
    rest.place_order(body | {"orderType": "limit", "price": entry, "force": "gtc"})
    show(entry, entry)
    show(recorded["markPrice"], recorded["markPrice"])
    (row,) = rest.single_position({"symbol": symbol})
    return row


def test_the_recorded_10x_long_is_reproduced_to_the_last_digit() -> None:
    row = opened_long(Contract.from_wire(BTC_ROW, TIERS), RECORDED_10X, taker="0.0004", maker="0.0002")
    assert {key: row[key] for key in RECORDED_10X} == RECORDED_10X


def test_the_recorded_one_times_longs_cannot_be_liquidated() -> None:
    tier = Tier(
        over=Decimal(0), up_to=Decimal(10**6), max_leverage=Decimal(100), maintenance=Decimal("0.005")
    )
    eth = opened_long(Contract.from_wire(ETH_ROW, [tier]), RECORDED_ETH_1X, taker="0.0006")
    btc = opened_long(Contract.from_wire(BTC_ROW, TIERS), RECORDED_BTC_1X, taker="0.0006")
    assert {key: eth[key] for key in RECORDED_ETH_1X} == RECORDED_ETH_1X
    assert {key: btc[key] for key in RECORDED_BTC_1X} == RECORDED_BTC_1X


def test_the_recorded_crossed_short_is_reproduced_from_its_margin_ratio() -> None:
    """RDNTUSDT, 2024-06-04: 30 short at 0.21331, mark 0.21339, liquidation 2.059608083806."""
    row = BTC_ROW | {
        "symbol": "RDNTUSDT",
        "pricePlace": "5",
        "volumePlace": "0",
        "sizeMultiplier": "1",
        "minTradeNum": "1",
        "maxMarketOrderQty": "100000",
    }
    tier = Tier(over=Decimal(0), up_to=Decimal(10**6), max_leverage=Decimal(50), maintenance=Decimal("0.02"))
    exchange = Exchange([Contract.from_wire(row, [tier])], now_ms=1)
    # equity = 30·0.21339·(0.02 + 0.0006)/0.002327505513, to which comes what it has lost and paid
    equity = Decimal(30) * Decimal("0.21339") * Decimal("0.0206") / Decimal("0.002327505513")
    paid = Decimal(30) * (Decimal("0.21339") - Decimal("0.21331")) + Decimal("0.0006") * 30 * Decimal(
        "0.21331"
    )
    exchange.open_account("a", equity + paid, position_mode="hedge_mode")
    rest = PrivateEndpoints(exchange, "a")
    for ts, price in ((2, Decimal("0.21331")), (3, Decimal("0.21339"))):
        levels = ((price, Decimal(1000)),)
        exchange.on_quote(Quote("RDNTUSDT", ts, price, price, price, levels, levels))
        if ts == 2:
            body = {"symbol": "RDNTUSDT", "marginMode": "crossed", "leverage": "1", "orderType": "market"}
            rest.set_leverage(body)
            rest.place_order(body | {"side": "sell", "tradeSide": "open", "size": "30"})
    (shown,) = rest.all_position({})
    assert shown["marginSize"] == "6.3993"
    assert shown["marginRatio"] == "0.002327505513"
    assert abs(Decimal(shown["liquidationPrice"]) - Decimal("2.059608083806")) < Decimal("1e-8")
