"""Orders meet the market: depth, forces, minima, flips, reduce-only, client ids."""

from __future__ import annotations

from decimal import Decimal

import pytest
from trading_floor import Trader, refused

THIN = [("100010", "0.001"), ("100020", "0.001"), ("100030", "0.001")]


def test_a_market_order_walks_the_levels_and_pays_for_its_size() -> None:
    trader = Trader()
    trader.quote("100000", asks=THIN)
    order = trader.order("buy", "0.0025")
    assert [(f["price"], f["baseVolume"]) for f in trader.fills()] == [
        ("100010", "0.001"),
        ("100020", "0.001"),
        ("100030", "0.0005"),
    ]
    row = trader.detail(order["orderId"])
    assert (row["state"], row["priceAvg"], row["quoteVolume"]) == ("filled", "100018", "250.045")
    assert row["fee"] == "-0.150027"
    assert trader.position()["openPriceAvg"] == "100018"


def test_what_the_book_does_not_have_is_cancelled() -> None:
    trader = Trader(balance="1000")
    trader.quote("100000", asks=THIN)
    order = trader.order("buy", "0.005")
    row = trader.detail(order["orderId"])
    assert (row["state"], row["baseVolume"], row["size"]) == ("canceled", "0.003", "0.005")
    assert trader.position()["total"] == "0.003"


def test_taken_depth_stays_taken_until_the_next_quote() -> None:
    trader = Trader(balance="1000")
    trader.quote("100000", asks=THIN)
    trader.order("buy", "0.0015")
    trader.order("buy", "0.0005")
    assert trader.fills()[-1]["price"] == "100020"
    trader.quote("100000", asks=THIN)
    trader.order("buy", "0.0005")
    assert trader.fills()[-1]["price"] == "100010"


def test_a_limit_order_rests_and_is_filled_at_its_own_price_as_maker() -> None:
    trader = Trader()
    order = trader.order("buy", "0.002", price="99000")
    assert trader.detail(order["orderId"])["state"] == "live"
    # margin 9.9 and the taker fee are held back
    assert trader.free() == Decimal("100") - Decimal("9.9") - Decimal("0.1188")
    trader.quote("98990", asks=[("98995", "0.0005")])
    row = trader.detail(order["orderId"])
    assert (row["state"], row["baseVolume"], row["priceAvg"]) == ("partially_filled", "0.0005", "99000")
    trader.quote("98990")
    row = trader.detail(order["orderId"])
    assert (row["state"], row["baseVolume"], row["fee"]) == ("filled", "0.002", "-0.0396")
    assert [f["tradeScope"] for f in trader.fills()] == ["maker", "maker"]
    assert trader.rest.orders_pending({}) == {"entrustedList": None, "endId": None}


@pytest.mark.parametrize(
    ("force", "state", "filled"),
    [
        ("ioc", "canceled", "0.001"),
        ("fok", "canceled", "0"),
        ("gtc", "partially_filled", "0.001"),
        ("GTC", "partially_filled", "0.001"),
    ],
)
def test_a_limit_order_keeps_its_force(force: str, state: str, filled: str) -> None:
    trader = Trader()
    trader.quote("100000", asks=THIN)
    order = trader.order("buy", "0.002", price="100015", force=force)
    row = trader.detail(order["orderId"])
    assert (row["state"], row["baseVolume"], row["force"]) == (state, filled, force.lower())


def test_a_post_only_order_that_would_take_is_cancelled_and_one_that_waits_is_maker() -> None:
    trader = Trader()
    taking = trader.order("buy", "0.001", price="100000", force="post_only")
    waiting = trader.order("buy", "0.001", price="99990", force="post_only")
    assert trader.detail(taking["orderId"])["state"] == "canceled"
    assert trader.detail(waiting["orderId"])["state"] == "live"
    assert trader.fills() == []


def test_a_market_order_beyond_the_position_flips_it_with_two_fills() -> None:
    trader = Trader()
    trader.order("buy", "0.001")
    order = trader.order("sell", "0.003")
    assert [(f["baseVolume"], f["tradeSide"]) for f in trader.fills()] == [
        ("0.001", "buy_single"),
        ("0.001", "sell_single"),
        ("0.002", "sell_single"),
    ]
    row = trader.position()
    assert (row["holdSide"], row["total"], row["openPriceAvg"]) == ("short", "0.002", "100000")
    assert trader.detail(order["orderId"])["state"] == "filled"
    (closed,) = trader.rest.history_position({})["list"]
    assert (closed["holdSide"], closed["closeTotalPos"]) == ("long", "0.001")
    assert trader.books_balance()


def test_a_reduce_only_order_never_opens() -> None:
    trader = Trader()
    assert refused(trader.reduce, "sell", "0.001") == "22002"
    trader.order("buy", "0.001")
    assert refused(trader.reduce, "buy", "0.001") == "22002"
    order = trader.reduce("sell", "0.005")
    assert trader.detail(order["orderId"])["size"] == "0.001"
    assert trader.is_flat()


def test_newer_reduce_only_orders_push_older_ones_out_and_answer_without_an_order_id() -> None:
    trader = Trader()
    trader.order("buy", "0.002")
    first = trader.reduce("sell", "0.001", price="101000")
    second = trader.reduce("sell", "0.001", price="102000")
    third = trader.reduce("sell", "0.0015", price="103000", clientOid="third")
    assert third == {"clientOid": "third"}
    assert trader.detail(first["orderId"])["state"] == "canceled"
    assert trader.detail(second["orderId"])["state"] == "canceled"
    (left,) = trader.rest.orders_pending({"symbol": "BTCUSDT"})["entrustedList"]
    assert (left["clientOid"], left["status"], left["reduceOnly"]) == ("third", "live", "YES")


def test_a_client_id_is_used_once_in_the_life_of_the_account() -> None:
    trader = Trader()
    trader.order("buy", "0.001", clientOid="ladder-1")
    trader.reduce("sell", "0.001")
    assert refused(trader.order, "buy", "0.001", clientOid="ladder-1") == "40786"
    trader.order("buy", "0.001")
    assert refused(trader.stop, "pos_loss", "99000", clientOid="ladder-1") == "40786"
    trader.stop("pos_loss", "99000", clientOid="stop-1")
    assert refused(trader.order, "buy", "0.001", clientOid="stop-1") == "40786"
    assert trader.rest.detail({"symbol": "btcusdt", "clientOid": "ladder-1"})["state"] == "filled"


@pytest.mark.parametrize("client_oid", ["x" * 51, "Größe", "a b", "火星"])
def test_martian_client_ids_are_refused(client_oid: str) -> None:
    assert refused(Trader().order, "buy", "0.001", clientOid=client_oid) == "40305"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"size": "0.00015"}, "40808"),
        ({"size": "0.0001", "price": "49000.5", "orderType": "limit"}, "45110"),
        ({"size": "0.001", "price": "99000.55"}, "40808"),
        ({"size": "0.001", "price": "105000.1"}, "40815"),
        ({"size": "0.001", "side": "sell", "price": "94999.9"}, "40816"),
        ({"size": "221"}, "45112"),
        ({"size": "0.1"}, "40762"),
        ({"size": "0"}, "40017"),
        ({"size": "NaN"}, "40017"),
        ({"size": "1e99"}, "40017"),
        ({"size": "-1"}, "40017"),
        ({"size": ""}, "40019"),
        ({"side": "long"}, "40017"),
        ({"symbol": "DOGEUSDT"}, "40034"),
        ({"productType": "COIN-FUTURES"}, "40020"),
        ({"marginCoin": "BTC"}, "40020"),
        ({"marginMode": "cross"}, "40017"),
        ({"orderType": "limit"}, "40019"),
    ],
)
def test_what_bitget_refuses_is_refused_with_its_code(more: dict[str, str], code: str) -> None:
    trader = Trader()
    body = {"side": "buy", "size": "0.001"} | more
    if body.get("price") == "49000.5":
        trader.quote("49000")
    assert refused(trader.order, **body) == code
    assert trader.is_flat()
    assert trader.rest.orders_history({})["entrustedList"] is None


def test_a_size_under_the_minimum_is_refused_and_a_whole_crumb_may_still_be_closed() -> None:
    trader = Trader(leverage="1")
    trader.order("buy", "0.0001")
    trader.quote("40000")  # the crumb is worth 4 USDT now
    assert refused(trader.order, "buy", "0.0001") == "45110"
    trader.reduce("sell", "0.0001")
    assert trader.is_flat()


def test_a_contract_that_is_not_normal_takes_no_opening_orders() -> None:
    trader = Trader()
    trader.order("buy", "0.001")
    trader.exchange.set_status("BTCUSDT", "limit_open")
    assert refused(trader.order, "buy", "0.001") == "45119"
    trader.reduce("sell", "0.0005")
    trader.exchange.set_status("BTCUSDT", "maintain")
    assert refused(trader.reduce, "sell", "0.0005") == "41114"
    assert trader.exchange.contract("BTCUSDT")["symbolStatus"] == "maintain"


def test_the_other_margin_mode_is_refused_beside_a_position() -> None:
    trader = Trader()
    trader.order("buy", "0.001")
    assert refused(trader.order, "buy", "0.001", marginMode="crossed") == "45117"


def test_a_modified_order_is_a_new_order() -> None:
    trader = Trader()
    old = trader.order("buy", "0.001", price="99000", clientOid="old")
    body = {
        "symbol": "BTCUSDT",
        "orderId": old["orderId"],
        "newClientOid": "new",
        "newSize": "0.002",
        "newPrice": "98000",
    }
    new = trader.rest.modify_order(body)
    assert new["clientOid"] == "new"
    assert new["orderId"] != old["orderId"]
    assert trader.detail(old["orderId"])["state"] == "canceled"
    row = trader.detail(new["orderId"])
    assert (row["price"], row["size"], row["state"]) == ("98000", "0.002", "live")
    assert trader.free() == Decimal("100") - Decimal("9.8") - Decimal("0.1176")


def test_a_refused_modification_leaves_the_order_as_it_was() -> None:
    trader = Trader()
    old = trader.order("buy", "0.001", price="99000")
    body = {"symbol": "BTCUSDT", "orderId": old["orderId"], "newSize": "1", "newPrice": "99000"}
    assert refused(trader.rest.modify_order, body) == "40762"
    assert trader.detail(old["orderId"])["state"] == "live"
    assert refused(trader.rest.modify_order, body | {"newSize": "0.001"}) == "40923"


def test_cancelling_answers_for_live_finished_and_unknown_orders() -> None:
    trader = Trader()
    order = trader.order("buy", "0.001", price="99000", clientOid="mine")
    answer = trader.rest.cancel_order({"symbol": "BTCUSDT", "clientOid": "mine"})
    assert answer == {"clientOid": "mine", "orderId": order["orderId"]}
    assert refused(trader.rest.cancel_order, {"symbol": "BTCUSDT", "orderId": order["orderId"]}) == "22001"
    assert refused(trader.rest.cancel_order, {"symbol": "BTCUSDT", "orderId": "1"}) == "40768"
    assert refused(trader.rest.detail, {"symbol": "BTCUSDT", "orderId": "1"}) == "40109"
    assert refused(trader.rest.cancel_order, {"symbol": "BTCUSDT"}) == "40924"
    assert trader.free() == Decimal("100")


def test_a_batch_answers_for_every_order_on_its_own() -> None:
    trader = Trader()
    common = {"symbol": "BTCUSDT", "marginMode": "isolated", "productType": "USDT-FUTURES"}
    leg = {"side": "buy", "orderType": "limit", "price": "90000", "size": "0.001", "force": "gtc"}
    answer = trader.rest.batch_place_order(
        common | {"orderList": [leg | {"clientOid": "b1"}, leg | {"size": "0.0000", "clientOid": "b2"}, leg]}
    )
    assert [row["clientOid"] == "b1" for row in answer["successList"]] == [True, False]
    assert [(row["clientOid"], row["errorCode"]) for row in answer["failureList"]] == [("b2", "40017")]
    ids = [{"orderId": row["orderId"]} for row in answer["successList"]]
    cancelled = trader.rest.batch_cancel_orders(
        {"symbol": "BTCUSDT", "orderIdList": [ids[0], {"orderId": "7"}]}
    )
    assert [row["errorCode"] for row in cancelled["failureList"]] == ["40768"]
    everything = trader.rest.batch_cancel_orders({"symbol": "BTCUSDT"})
    assert [row["orderId"] for row in everything["successList"]] == [ids[1]["orderId"]]
    assert refused(trader.rest.cancel_all_orders, {"productType": "USDT-FUTURES"}) == "22001"
    assert refused(trader.rest.batch_place_order, common | {"orderList": [leg] * 21}) == "40306"


def test_flash_close_closes_at_market_and_says_when_there_is_nothing() -> None:
    trader = Trader()
    assert refused(trader.rest.close_positions, {"productType": "USDT-FUTURES"}) == "22002"
    trader.order("buy", "0.001")
    trader.order("sell", "0.03", symbol="ETHUSDT")
    trader.reduce("sell", "0.001", price="101000")
    answer = trader.rest.close_positions({"symbol": "BTCUSDT", "holdSide": "long"})
    assert [row["symbol"] for row in answer["successList"]] == ["BTCUSDT"]
    assert answer["failureList"] == []
    assert trader.detail(answer["successList"][0]["orderId"])["state"] == "filled"
    assert [row["symbol"] for row in trader.rest.all_position({})] == ["ETHUSDT"]
    assert trader.rest.orders_pending({})["entrustedList"] is None


def test_a_reversal_turns_the_position_around() -> None:
    trader = Trader()
    trader.order("buy", "0.001")
    trader.rest.click_backhand({"symbol": "BTCUSDT", "marginCoin": "USDT", "side": "buy", "size": ""})
    row = trader.position()
    assert (row["holdSide"], row["total"]) == ("short", "0.001")
    assert trader.books_balance()


def test_pushes_come_in_bitgets_order() -> None:
    trader = Trader()
    trader.told()
    trader.quote("100000", asks=THIN)
    trader.order("buy", "0.0015")
    assert trader.told() == [
        ("orders", "live"),
        ("orders", "partially_filled"),
        ("fill", "0.001@100010"),
        ("orders", "filled"),
        ("fill", "0.0005@100020"),
        ("positions", "long 0.0015"),
        ("account", ""),
    ]
    trader.quote("100500")
    assert trader.told() == []  # a price alone pushes nothing
    trader.reduce("sell", "0.0015")
    assert trader.told()[-3:] == [("positions-history", ""), ("positions", ""), ("account", "")]


def test_a_refused_order_pushes_nothing() -> None:
    trader = Trader()
    trader.told()
    assert refused(trader.order, "buy", "10") == "40762"
    assert trader.told() == []


def test_who_left_hears_nothing_more() -> None:
    trader = Trader()
    heard: list[str] = []
    leave = trader.exchange.subscribe(lambda push: heard.append(push.channel))
    leave()
    leave()
    trader.order("buy", "0.001")
    assert heard == []


def test_without_a_market_nothing_trades() -> None:
    from trading_floor import contracts

    from engine.simulator.exchange import Exchange
    from engine.simulator.private import PrivateEndpoints

    exchange = Exchange(contracts())
    exchange.open_account("a", Decimal(100))
    rest = PrivateEndpoints(exchange, "a")
    body = {
        "symbol": "BTCUSDT",
        "side": "buy",
        "size": "0.001",
        "orderType": "market",
        "marginMode": "isolated",
    }
    assert refused(rest.place_order, body) == "40823"
    assert rest.all_position({}) == []
    assert rest.accounts({})[0]["available"] == "100"


def test_resting_reduce_only_orders_go_when_the_position_shrinks_below_them() -> None:
    trader = Trader()
    trader.order("buy", "0.002")
    older = trader.reduce("sell", "0.001", price="101000")
    newer = trader.reduce("sell", "0.001", price="102000")
    trader.reduce("sell", "0.0005")
    assert trader.detail(older["orderId"])["state"] == "canceled"
    assert trader.detail(newer["orderId"])["state"] == "live"
    assert trader.position()["locked"] == "0.001"
