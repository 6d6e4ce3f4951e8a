"""Margin that moves: leverage, added margin, funding, liquidation, auto-deleveraging."""

from __future__ import annotations

from decimal import Decimal

from trading_floor import START_MS, Trader, refused

from engine.core.instrument import Side

HOUR_MS = 3_600_000


def long(**options: object) -> Trader:
    trader = Trader(**options)  # type: ignore[arg-type]
    trader.order("buy", "0.002")
    return trader


def businesses(trader: Trader) -> list[str]:
    return [bill["businessType"] for bill in trader.bills()]


def test_liquidation_costs_the_whole_margin_to_the_last_unit() -> None:
    trader = long()
    before = trader.account.wallet
    limit = Decimal(trader.position()["liquidationPrice"])
    trader.quote(str(limit.quantize(Decimal("0.1")) + 1))
    assert not trader.is_flat()
    trader.told()
    trader.quote(str(limit.quantize(Decimal("0.1")) - 1))
    assert trader.is_flat()
    assert trader.account.wallet == before - 10
    assert trader.books_balance()
    assert businesses(trader)[-2:] == ["burst_sell", "risk_captital_user_transfer"]
    fill = trader.fills()[-1]
    assert (fill["tradeSide"], fill["side"], fill["enterPointSource"]) == ("burst_sell_single", "sell", "SYS")
    order = trader.detail(fill["orderId"])
    assert (order["orderSource"], order["state"]) == ("liquidation", "filled")
    assert (
        trader.rest.orders_history({"orderSource": "liquidation"})["entrustedList"][0]["orderId"]
        == fill["orderId"]
    )
    assert trader.told()[-2:] == [("positions", ""), ("account", "")]


def test_liquidation_comes_exactly_at_the_printed_price() -> None:
    for side, over in (("buy", -1), ("sell", 1)):
        trader = Trader()
        trader.order(side, "0.002")
        limit = Decimal(trader.position()["liquidationPrice"])
        trader.quote(str(limit - over * Decimal("0.000001")))
        assert not trader.is_flat()
        trader.quote(str(limit + over * Decimal("0.000001")))
        assert trader.is_flat()


def test_a_short_in_hedge_mode_is_liquidated_under_its_own_names() -> None:
    trader = Trader(hedge=True)
    trader.order("sell", "0.002", tradeSide="open")
    trader.order("buy", "0.001", tradeSide="open")
    trader.quote("105000")
    (left,) = trader.rest.all_position({})
    assert left["holdSide"] == "long"
    assert trader.fills()[-1]["tradeSide"] == "burst_close_short"
    assert "burst_short_loss_query" in businesses(trader)


def test_added_margin_moves_the_liquidation_away_and_comes_back() -> None:
    trader = long()
    before = Decimal(trader.position()["liquidationPrice"])
    body = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginCoin": "USDT", "holdSide": "long"}
    assert trader.rest.set_margin(body | {"amount": "5"}) == ""
    row = trader.position()
    assert row["marginSize"] == "15"
    assert Decimal(row["liquidationPrice"]) < before
    assert trader.free() == Decimal("100") - 15 - Decimal("0.12")
    assert refused(trader.rest.set_margin, body | {"amount": "1000"}) == "40800"
    assert refused(trader.rest.set_margin, body | {"amount": "-5.1"}) == "40801"
    assert refused(trader.rest.set_margin, body | {"amount": "0"}) == "40017"
    trader.rest.set_margin(body | {"amount": "-5"})
    assert Decimal(trader.position()["liquidationPrice"]) == before
    assert businesses(trader)[-2:] == ["append_margin", "reduce_margin"]
    assert trader.books_balance()


def test_margin_of_a_losing_position_stays_where_it_is_needed() -> None:
    trader = long()
    body = {"symbol": "BTCUSDT", "holdSide": "long"}
    trader.rest.set_margin(body | {"amount": "5"})
    trader.quote("98000")  # 4 USDT down: only one of the five is free to leave
    assert refused(trader.rest.set_margin, body | {"amount": "-1.01"}) == "40801"
    trader.rest.set_margin(body | {"amount": "-1"})
    assert trader.position()["marginSize"] == "14"


def test_changing_leverage_re_margins_the_open_position() -> None:
    trader = long()
    trader.rest.set_leverage({"symbol": "BTCUSDT", "leverage": "10"})
    row = trader.position()
    assert (row["marginSize"], row["leverage"]) == ("20", "10")
    assert businesses(trader)[-1] == "adjust_down_lever_append_margin"
    trader.rest.set_leverage({"symbol": "BTCUSDT", "leverage": "40"})
    assert trader.position()["marginSize"] == "5"
    assert refused(trader.rest.set_leverage, {"symbol": "BTCUSDT", "leverage": "126"}) == "40797"
    assert refused(trader.rest.set_leverage, {"symbol": "BTCUSDT", "leverage": "0"}) == "40017"
    assert refused(trader.rest.set_leverage, {"symbol": "BTCUSDT", "leverage": "1"}) == "40893"
    assert trader.position()["leverage"] == "40"
    assert trader.books_balance()


def test_leverage_that_would_liquidate_at_once_is_refused() -> None:
    trader = long()
    trader.quote("96000")
    assert refused(trader.rest.set_leverage, {"symbol": "BTCUSDT", "leverage": "50"}) == "40893"
    assert trader.position()["leverage"] == "20"


def test_auto_margin_is_asked_before_the_liquidation() -> None:
    trader = long(balance="25")
    trader.rest.set_auto_margin(
        {"symbol": "BTCUSDT", "autoMargin": "on", "marginCoin": "USDT", "holdSide": "long"}
    )
    assert trader.position()["autoMargin"] == "on"
    trader.quote("95400")
    row = trader.position()
    assert row["marginSize"] == "20"
    assert "auto_append_margin" in businesses(trader)
    trader.quote("87000")
    assert trader.is_flat()
    assert trader.books_balance()


def test_long_pays_positive_funding_out_of_its_margin() -> None:
    trader = long()
    trader.exchange.set_funding_rate("BTCUSDT", Decimal("0.0001"))
    free = trader.free()
    before = Decimal(trader.position()["liquidationPrice"])
    assert trader.exchange.next_funding_time("BTCUSDT") == START_MS + 8 * HOUR_MS
    trader.exchange.advance(START_MS + 8 * HOUR_MS - 1)
    assert trader.position()["totalFee"] == ""
    trader.exchange.advance(START_MS + 8 * HOUR_MS)
    row = trader.position()
    assert (row["totalFee"], row["marginSize"]) == ("-0.02", "9.98")
    assert Decimal(row["liquidationPrice"]) > before
    assert trader.free() == free
    bill = trader.bills()[-1]
    assert (bill["businessType"], bill["amount"], bill["fee"]) == ("contract_settle_fee", "-0.02", "0")
    assert bill["cTime"] == str(START_MS + 8 * HOUR_MS)
    assert trader.rest.bill({"businessType": "contract_settle_fee", "marginCoin": "USDT"})["bills"] == [bill]


def test_several_funding_times_in_one_leap_settle_one_by_one() -> None:
    trader = Trader()
    trader.order("sell", "0.002")
    trader.exchange.set_funding_rate("BTCUSDT", Decimal("0.0001"))
    trader.exchange.advance(START_MS + 25 * HOUR_MS)
    assert trader.position()["totalFee"] == "0.06"
    assert trader.exchange.now_ms == START_MS + 25 * HOUR_MS
    times = [int(b["cTime"]) for b in trader.bills() if b["businessType"] == "contract_settle_fee"]
    assert times == [START_MS + hours * HOUR_MS for hours in (8, 16, 24)]


def test_funding_can_be_what_liquidates() -> None:
    trader = long()
    trader.quote("95450")
    trader.exchange.set_funding_rate("BTCUSDT", Decimal("0.01"))
    trader.exchange.advance(START_MS + 8 * HOUR_MS)
    assert trader.is_flat()
    assert trader.books_balance()
    assert trader.rest.history_position({})["list"][0]["totalFunding"] == "-1.909"


def test_the_ideal_exchange_settles_no_funding() -> None:
    trader = long(ideal=True)
    trader.exchange.set_funding_rate("BTCUSDT", Decimal("0.01"))
    trader.exchange.advance(START_MS + 9 * HOUR_MS)
    assert trader.position()["totalFee"] == ""
    assert trader.exchange.next_funding_time("BTCUSDT") == START_MS + 16 * HOUR_MS


def test_crossed_positions_share_the_wallet_and_go_together() -> None:
    trader = Trader(balance="30", mode="crossed")
    trader.order("buy", "0.002")
    trader.order("buy", "0.05", symbol="ETHUSDT")
    rows = trader.rest.all_position({})
    assert len({row["marginRatio"] for row in rows}) == 1
    assert trader.free() == Decimal(30) - Decimal("0.21") - 10 - Decimal("7.5")
    trader.quote("95000")
    assert not trader.is_flat()  # 10 USDT down: an isolated 20x would be gone
    trader.quote("85500")
    assert trader.is_flat()
    assert trader.account.wallet == 0
    assert trader.books_balance()


def test_the_printed_crossed_liquidation_price_is_where_it_happens() -> None:
    trader = Trader(balance="30", mode="crossed")
    trader.order("sell", "0.002")
    limit = Decimal(trader.position()["liquidationPrice"])
    trader.quote(str(limit - Decimal("0.01")))
    assert not trader.is_flat()
    trader.quote(str(limit + Decimal("0.01")))
    assert trader.is_flat()


def test_margin_cannot_be_added_to_a_crossed_position() -> None:
    trader = Trader(mode="crossed")
    trader.order("buy", "0.001")
    body = {"symbol": "BTCUSDT", "holdSide": "long", "amount": "1", "autoMargin": "on"}
    assert refused(trader.rest.set_margin, body) == "40875"
    assert refused(trader.rest.set_auto_margin, body) == "40874"
    assert refused(trader.rest.set_margin, body | {"symbol": "ETHUSDT"}) == "40802"
    assert refused(trader.rest.set_auto_margin, body | {"symbol": "ETHUSDT"}) == "40838"


def test_the_tier_follows_the_notional() -> None:
    trader = Trader(balance="100000")
    trader.order("buy", "1.5")
    assert trader.position()["keepMarginRate"] == "0.004"
    trader.quote("100001")
    assert trader.position()["keepMarginRate"] == "0.005"
    trader.rest.set_leverage({"symbol": "BTCUSDT", "leverage": "100"})
    assert refused(trader.order, "buy", "8") == "40921"
    assert refused(trader.rest.set_leverage, {"symbol": "BTCUSDT", "leverage": "125"}) == "40797"


def test_margin_mode_changes_only_when_there_is_nothing() -> None:
    trader = long()
    body = {"symbol": "BTCUSDT", "marginMode": "crossed"}
    assert refused(trader.rest.set_margin_mode, body) == "45117"
    trader.rest.close_positions({})
    assert trader.rest.set_margin_mode(body)["marginMode"] == "crossed"


def test_auto_deleveraging_reduces_at_the_mark_and_is_booked_under_its_name() -> None:
    trader = long()
    trader.quote("105000")
    trader.exchange.force_adl("trader", "BTCUSDT", Side.LONG, Decimal("0.0015"))
    assert trader.position()["total"] == "0.0005"
    fill = trader.fills()[-1]
    assert (fill["tradeSide"], fill["price"]) == ("dte_sys_adl_sell_in_single_side_mode", "105000")
    assert businesses(trader)[-1] == "adl_sell_in_single_side_mode"
    assert refused(trader.exchange.force_adl, "trader", "BTCUSDT", Side.SHORT, Decimal(1)) == "22002"


def test_estimates_agree_with_what_then_happens() -> None:
    trader = Trader()
    most = trader.rest.max_open(
        {"symbol": "BTCUSDT", "marginCoin": "USDT", "posSide": "long", "orderType": "market"}
    )
    expected = trader.rest.liq_price(
        {"symbol": "BTCUSDT", "posSide": "long", "openAmount": "0.002", "openPrice": "100000"}
    )
    assert trader.rest.liq_price({"symbol": "BTCUSDT"}) == {"liqPrice": "0"}
    assert refused(trader.order, "buy", str(Decimal(most["maxOpen"]) + Decimal("0.0001"))) == "40762"
    trader.order("buy", "0.002")
    assert Decimal(expected["liqPrice"]).quantize(Decimal("1e-9")) == Decimal(
        trader.position()["liquidationPrice"]
    ).quantize(Decimal("1e-9"))
    assert trader.rest.liq_price({"symbol": "BTCUSDT"})["liqPrice"] == trader.position()["liquidationPrice"]


def test_the_account_pays_its_own_rates() -> None:
    trader = long(taker=Decimal("0.0004"), maker=Decimal("0.0001"))
    assert trader.fills()[0]["feeDetail"][0]["totalFee"] == "-0.08"
    assert trader.rest.trade_rate({"symbol": "BTCUSDT", "businessType": "mix"}) == {
        "makerFeeRate": "0.0001",
        "takerFeeRate": "0.0004",
    }


def test_money_comes_and_goes_by_transfer() -> None:
    trader = long()
    trader.exchange.transfer("trader", Decimal(50))
    trader.exchange.transfer("trader", Decimal(-20))
    assert refused(trader.exchange.transfer, "trader", Decimal(-1000)) == "40762"
    assert businesses(trader)[-2:] == ["trans_from_exchange", "trans_to_exchange"]
    assert trader.equity() == Decimal("129.88")


def test_only_orders_push_positions_and_only_orders_and_transfers_push_the_account() -> None:
    trader = long()
    trader.told()
    trader.rest.set_margin({"symbol": "BTCUSDT", "holdSide": "long", "amount": "5"})
    trader.rest.set_leverage({"symbol": "BTCUSDT", "leverage": "10"})
    trader.exchange.set_funding_rate("BTCUSDT", Decimal("0.0001"))
    trader.exchange.advance(START_MS + 8 * HOUR_MS)
    assert trader.told() == []
    trader.stop("pos_loss", "99000")
    assert trader.told() == [("orders-algo", "live")]
    trader.exchange.transfer("trader", Decimal(1))
    assert trader.told() == [("account", "")]
    trader.order("buy", "0.001", price="98000")
    assert trader.told() == [("orders", "live"), ("positions", "long 0.002"), ("account", "")]
