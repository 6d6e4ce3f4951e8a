"""Hedge mode: long and short at once, and the wire's own idea of sides (WIRE §5)."""

from __future__ import annotations

import pytest
from trading_floor import Trader, refused


def hedger() -> Trader:
    trader = Trader(hedge=True)
    trader.order("buy", "0.002", tradeSide="Open")
    trader.order("sell", "0.001", tradeSide="open")
    return trader


def test_long_and_short_live_side_by_side() -> None:
    rows = hedger().rest.single_position({"symbol": "BTCUSDT"})
    assert [(r["holdSide"], r["total"], r["posMode"]) for r in rows] == [
        ("long", "0.002", "hedge_mode"),
        ("short", "0.001", "hedge_mode"),
    ]


def test_closing_a_long_is_buy_and_close_on_the_wire() -> None:
    trader = hedger()
    order = trader.order("buy", "0.0005", tradeSide="Close")
    row = trader.detail(order["orderId"])
    assert (row["side"], row["tradeSide"], row["posSide"], row["reduceOnly"]) == (
        "buy",
        "close",
        "long",
        "YES",
    )
    assert [r["total"] for r in trader.rest.all_position({})] == ["0.0015", "0.001"]
    assert trader.fills()[-1]["tradeSide"] == "close"
    assert [b["businessType"] for b in trader.bills()] == [
        "trans_from_exchange",
        "open_long",
        "open_short",
        "close_long",
    ]


def test_the_close_of_a_long_sells_to_the_bids() -> None:
    trader = hedger()
    trader.quote("100000", bids=[("99990", "1")], asks=[("100010", "1")])
    trader.order("buy", "0.001", tradeSide="close")
    trader.order("sell", "0.001", tradeSide="close")
    assert [f["price"] for f in trader.fills()[-2:]] == ["99990", "100010"]


def test_without_trade_side_hedge_mode_refuses() -> None:
    assert refused(Trader(hedge=True).order, "buy", "0.001") == "40774"


def test_a_limit_close_reserves_its_size() -> None:
    trader = hedger()
    trader.order("buy", "0.0015", tradeSide="close", price="101000")
    long = trader.rest.all_position({})[0]
    assert (long["total"], long["available"], long["locked"]) == ("0.002", "0.0005", "0.0015")
    assert refused(trader.order, "buy", "0.001", tradeSide="close", price="102000") == "40757"
    closing = trader.order("buy", "0.002", tradeSide="close")
    assert trader.detail(closing["orderId"])["size"] == "0.0005"
    assert refused(trader.order, "buy", "0.001", tradeSide="close") == "40757"


def test_closing_what_is_not_there_is_refused() -> None:
    trader = Trader(hedge=True)
    trader.order("buy", "0.001", tradeSide="open")
    assert refused(trader.order, "sell", "0.001", tradeSide="close") == "22002"


def test_leverage_is_set_for_one_side_alone() -> None:
    trader = Trader(hedge=True)
    answer = trader.rest.set_leverage({"symbol": "BTCUSDT", "leverage": "10", "holdSide": "long"})
    assert (answer["longLeverage"], answer["shortLeverage"]) == ("10", "20")
    account = trader.rest.account({"symbol": "BTCUSDT", "marginCoin": "usdt"})
    assert (account["isolatedLongLever"], account["isolatedShortLever"]) == (10, 20)
    assert (account["posMode"], account["marginMode"]) == ("hedge_mode", "isolated")


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_hold_side_of_a_stop_is_long_or_short_in_hedge_mode(side: str) -> None:
    trader = hedger()
    assert refused(trader.stop, "pos_loss", "99000", holdSide=side) == "40017"


def test_a_stop_of_the_long_leaves_the_short_alone() -> None:
    trader = hedger()
    trader.stop("pos_loss", "99000", holdSide="long")
    trader.stop("pos_loss", "101000", holdSide="short")
    trader.quote("98999")
    (short,) = trader.rest.all_position({})
    assert (short["holdSide"], short["stopLoss"]) == ("short", "101000")
    (executed,) = trader.plans(history=True)
    child = trader.detail(executed["executeOrderId"])
    assert (child["side"], child["tradeSide"], child["posSide"]) == ("buy", "close", "long")


def test_the_position_mode_changes_only_when_there_is_nothing() -> None:
    trader = hedger()
    body = {"productType": "USDT-FUTURES", "posMode": "one_way_mode"}
    assert refused(trader.rest.set_position_mode, body) == "40920"
    trader.rest.close_positions({})
    assert trader.rest.set_position_mode(body) == {"posMode": "one_way_mode"}
    assert trader.rest.account({"symbol": "BTCUSDT"})["posMode"] == "one_way_mode"
