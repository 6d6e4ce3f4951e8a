"""What the exchange tells afterwards: paging, ranges, shapes of lists, state, determinism."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from trading_floor import BTC_ROW, START_MS, TIERS, Trader, contracts, refused

from engine.simulator.contract import Contract
from engine.simulator.exchange import Exchange
from engine.simulator.private import ROUTES, PrivateEndpoints

DAY_MS = 86_400_000


def busy() -> Trader:
    trader = Trader(balance="1000")
    for _ in range(5):
        trader.quote("100000")
        trader.order("buy", "0.001")
    return trader


def test_fills_are_paged_back_by_id() -> None:
    trader = busy()
    first = trader.rest.fills({"limit": "2"})
    second = trader.rest.fills({"limit": "2", "idLessThan": first["endId"]})
    third = trader.rest.fills({"limit": 2, "idLessThan": second["endId"]})
    ids = [row["tradeId"] for page in (first, second, third) for row in page["fillList"]]
    assert ids == sorted(ids, key=int, reverse=True)
    assert len(set(ids)) == 5
    assert trader.rest.fills({"idLessThan": third["endId"]}) == {"fillList": None, "endId": None}


def test_a_range_of_time_is_inclusive_and_may_not_be_too_long() -> None:
    trader = busy()
    times = [int(f["cTime"]) for f in trader.fills()]
    some = trader.rest.fills({"startTime": str(times[1]), "endTime": str(times[3])})
    assert [int(row["cTime"]) for row in some["fillList"]] == [times[3], times[2], times[1]]
    assert refused(trader.rest.fills, {"startTime": "0", "endTime": str(8 * DAY_MS)}) == "40017"
    assert refused(trader.rest.bill, {"startTime": "2", "endTime": "1"}) == "40017"


def test_what_is_older_than_ninety_days_is_gone_from_the_lists() -> None:
    trader = busy()
    trader.exchange.advance(START_MS + 91 * DAY_MS)
    assert trader.rest.fills({})["fillList"] is None
    assert trader.rest.orders_history({"productType": "usdt-futures"})["entrustedList"] is None


def test_lists_are_filtered_by_symbol_order_and_business() -> None:
    trader = busy()
    eth = trader.order("buy", "0.1", symbol="ETHUSDT")
    assert len(trader.rest.fills({"symbol": "ethusdt"})["fillList"]) == 1
    assert len(trader.rest.fills({"orderId": eth["orderId"]})["fillList"]) == 1
    assert len(trader.rest.orders_history({"symbol": "BTCUSDT"})["entrustedList"]) == 5
    assert len(trader.rest.bill({"businessType": "buy"})["bills"]) == 6
    assert refused(trader.rest.orders_plan_pending, {"productType": "USDT-FUTURES"}) == "40019"


def test_bills_tell_the_balance_after_each() -> None:
    trader = busy()
    trader.quote("101000")
    trader.reduce("sell", "0.005")
    rows = trader.bills()
    balance = Decimal(0)
    for row in rows:
        balance += Decimal(row["amount"]) + Decimal(row["fee"])
        assert Decimal(row["balance"]) == balance
    assert balance == trader.account.wallet
    assert (rows[-1]["businessType"], rows[-1]["amount"]) == ("sell", "5")


def test_a_closed_position_is_told_with_all_that_it_cost() -> None:
    trader = busy()
    trader.quote("101000")
    trader.reduce("sell", "0.002")
    trader.reduce("sell", "0.003")
    (row,) = trader.rest.history_position({"symbol": "BTCUSDT", "limit": "20"})["list"]
    assert (row["openAvgPrice"], row["closeAvgPrice"], row["openTotalPos"], row["closeTotalPos"]) == (
        "100000",
        "101000",
        "0.005",
        "0.005",
    )
    assert (row["pnl"], row["openFee"], row["closeFee"], row["netProfit"]) == ("5", "-0.3", "-0.303", "4.397")
    assert trader.account.wallet == Decimal(1000) + Decimal(row["netProfit"])


def test_detail_calls_it_state_and_lists_call_it_status() -> None:
    trader = busy()
    row = trader.rest.orders_history({"limit": "1"})["entrustedList"][0]
    assert row["status"] == "filled"
    assert trader.detail(row["orderId"])["state"] == "filled"
    assert "status" not in trader.detail(row["orderId"])


def test_every_route_has_its_method() -> None:
    for method in ROUTES.values():
        assert callable(getattr(PrivateEndpoints, method))
    assert len(set(ROUTES.values())) == len(ROUTES)


def test_the_state_of_everything_is_json() -> None:
    trader = busy()
    trader.stop("pos_loss", "99000")
    trader.order("buy", "0.001", price="98000")
    state = json.loads(json.dumps(trader.exchange.state()))
    account = state["accounts"]["trader"]
    assert (account["balance"], account["positions"][0]["total"]) == ("999.7", "0.005")
    assert (len(account["orders"]), len(account["plan_orders"])) == (1, 1)
    assert state["marks"] == {"BTCUSDT": "100000", "ETHUSDT": "3000"}
    assert "1 positions, 1 orders, 1 plan orders" in repr(trader.exchange)


def test_the_same_seed_and_the_same_acts_give_the_same_exchange() -> None:
    assert busy().exchange.state() == busy().exchange.state()


def test_two_accounts_do_not_touch_each_other() -> None:
    trader = busy()
    trader.exchange.open_account("other", Decimal(5))
    other = PrivateEndpoints(trader.exchange, "other")
    assert other.all_position({}) == []
    assert {push.account_id for push in trader.pushes} == {"trader"}
    with pytest.raises(KeyError):
        PrivateEndpoints(trader.exchange, "nobody")
    with pytest.raises(ValueError, match="exists already"):
        trader.exchange.open_account("other", Decimal(5))
    with pytest.raises(ValueError, match="is not possible"):
        trader.exchange.open_account("third", Decimal("NaN"))


def test_contract_rows_and_tiers_are_as_published() -> None:
    exchange = Exchange(contracts())
    assert exchange.contract("btcusdt")["maxMarketOrderQty"] == "220"
    assert exchange.tiers("BTCUSDT")[0] == {
        "symbol": "BTCUSDT",
        "level": "1",
        "startUnit": "0",
        "endUnit": "150000",
        "leverage": "125",
        "keepMarginRate": "0.004",
    }
    assert refused(exchange.contract, "NOPEUSDT") == "40034"
    with pytest.raises(ValueError, match="'fundInterval' is missing"):
        Contract.from_wire({k: v for k, v in BTC_ROW.items() if k != "fundInterval"}, TIERS)
    with pytest.raises(ValueError, match="no margin tier"):
        Contract.from_wire(BTC_ROW, [])
