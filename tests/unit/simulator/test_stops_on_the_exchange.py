"""Take profits, stop losses, triggers and trailing orders (WIRE §6)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from trading_floor import Trader, refused


def short(**options: object) -> Trader:
    trader = Trader(**options)  # type: ignore[arg-type]
    trader.order("sell", "0.002")
    return trader


def test_a_partial_stop_closes_its_part_through_an_order_of_its_own() -> None:
    trader = short()
    stop = trader.stop("loss_plan", "102000", size="0.001", clientOid="rung-1-stop")
    (waiting,) = trader.plans()
    assert (waiting["planStatus"], waiting["size"], waiting["side"], waiting["posSide"]) == (
        "live",
        "0.001",
        "buy",
        "net",
    )
    trader.quote("101999.9")
    assert trader.position()["total"] == "0.002"
    trader.quote("102000", asks=[("102050", "1")])
    assert trader.position()["total"] == "0.001"
    (executed,) = trader.plans(history=True)
    assert (executed["orderId"], executed["planStatus"]) == (stop["orderId"], "executed")
    assert (executed["baseVolume"], executed["priceAvg"]) == ("0.001", "102050")
    child = trader.detail(executed["executeOrderId"])
    assert (child["orderSource"], child["reduceOnly"], child["priceAvg"]) == ("loss_market", "YES", "102050")
    assert child["clientOid"] != "rung-1-stop"
    assert child["orderId"] != stop["orderId"]


def test_a_whole_position_stop_has_no_size_and_follows_the_position() -> None:
    trader = short()
    trader.stop("pos_loss", "103000", size="0.001")
    row = trader.position()
    (waiting,) = trader.plans()
    assert (waiting["size"], waiting["marginMode"], waiting["planType"]) == ("0", "", "pos_loss")
    assert (row["stopLoss"], row["stopLossId"]) == ("103000", waiting["orderId"])
    trader.order("sell", "0.001")
    trader.quote("103000")
    assert trader.is_flat()
    assert trader.fills()[-1]["baseVolume"] == "0.003"
    (executed,) = trader.plans(history=True)
    assert trader.detail(executed["executeOrderId"])["orderSource"] == "pos_loss_market"


def test_a_gap_hurts_a_real_stop_and_not_an_ideal_one() -> None:
    real, ideal = short(), short(ideal=True)
    for trader in (real, ideal):
        trader.stop("pos_loss", "101000")
        trader.quote("103000", asks=[("103010", "10")])
        assert trader.is_flat()
        assert trader.books_balance()
    assert real.fills()[-1]["price"] == "103010"
    assert ideal.fills()[-1]["price"] == "101000"


def test_an_ideal_gap_passes_the_stops_in_their_order() -> None:
    trader = short(ideal=True)
    trader.stop("loss_plan", "102000", size="0.001")
    trader.stop("loss_plan", "101000", size="0.0005")
    trader.quote("104000")
    assert [(f["price"], f["baseVolume"]) for f in trader.fills()[1:]] == [
        ("101000", "0.0005"),
        ("102000", "0.001"),
    ]
    assert trader.position()["total"] == "0.0005"


def test_a_stop_behind_the_liquidation_never_fills() -> None:
    trader = short()
    trader.stop("pos_loss", "106000")
    trader.quote("106000")
    assert trader.is_flat()
    assert [p["planStatus"] for p in trader.plans(history=True)] == ["cancelled"]
    assert trader.fills()[-1]["tradeSide"] == "burst_buy_single"


@pytest.mark.parametrize("ideal", [True, False])
def test_a_gap_beyond_stop_and_liquidation(ideal: bool) -> None:
    """On a path the stop comes first; in one jump the liquidation does."""
    trader = short(ideal=ideal)
    trader.stop("pos_loss", "102000")
    trader.quote("107000")
    assert trader.is_flat()
    assert trader.fills()[-1]["tradeSide"] == ("buy_single" if ideal else "burst_buy_single")
    assert trader.books_balance()


def test_stops_vanish_with_the_position() -> None:
    trader = short()
    trader.stop("loss_plan", "102000", size="0.001")
    trader.stop("profit_plan", "95000", size="0.002")
    trader.stop("pos_profit", "90000")
    trader.told()
    trader.reduce("buy", "0.002")
    assert trader.plans() == []
    assert [p["planStatus"] for p in trader.plans(history=True)] == ["cancelled"] * 3
    assert [gist for channel, gist in trader.told() if channel == "orders-algo"] == ["cancelled"] * 3


def test_a_stop_larger_than_the_position_is_cut_when_it_fires() -> None:
    trader = short()
    trader.stop("loss_plan", "102000", size="0.002")
    trader.reduce("buy", "0.0015")
    trader.quote("102000")
    assert trader.is_flat()
    assert trader.fills()[-1]["baseVolume"] == "0.0005"


def test_a_limit_stop_rests_at_its_execution_price() -> None:
    trader = short()
    trader.stop("pos_loss", "101000", executePrice="101100")
    trader.quote("101000", asks=[("101200", "1")])
    (resting,) = trader.rest.orders_pending({})["entrustedList"]
    assert (resting["price"], resting["orderSource"], resting["side"]) == ("101100", "pos_loss_limit", "buy")
    trader.quote("101050")
    assert trader.is_flat()
    assert trader.fills()[-1]["price"] == "101100"
    (executed,) = trader.plans(history=True)
    assert executed["priceAvg"] == "101100"


@pytest.mark.parametrize(
    ("side", "plan_type", "trigger", "trigger_type", "code"),
    [
        ("buy", "pos_loss", "100000", "mark_price", "40917"),
        ("buy", "loss_plan", "100001", "fill_price", "40834"),
        ("buy", "pos_profit", "99999", "mark_price", "40915"),
        ("buy", "profit_plan", "99999", "fill_price", "40830"),
        ("sell", "pos_loss", "99999", "mark_price", "45122"),
        ("sell", "loss_plan", "99999", "fill_price", "40836"),
        ("sell", "pos_profit", "100001", "mark_price", "40832"),
        ("sell", "profit_plan", "100001", "fill_price", "40832"),
        ("sell", "pos_loss", "101000.05", "mark_price", "40808"),
    ],
)
def test_a_trigger_on_the_wrong_side_is_refused(
    side: str, plan_type: str, trigger: str, trigger_type: str, code: str
) -> None:
    trader = Trader()
    trader.order(side, "0.002")
    assert refused(trader.stop, plan_type, trigger, size="0.001", triggerType=trigger_type) == code


def test_without_a_position_there_is_nothing_to_protect() -> None:
    trader = Trader()
    assert refused(trader.stop, "pos_loss", "99000") == "40837"
    assert refused(trader.stop, "loss_plan", "99000", size="0.001") == "43023"


def test_a_position_has_one_whole_stop_and_one_whole_profit() -> None:
    trader = short()
    trader.stop("pos_loss", "101000")
    trader.stop("pos_profit", "99000")
    assert refused(trader.stop, "pos_loss", "102000") == "43031"
    assert refused(trader.stop, "pos_profit", "98000") == "43030"


def test_a_stop_is_moved_in_place() -> None:
    trader = short()
    stop = trader.stop("loss_plan", "103000", size="0.001", clientOid="s")
    body = {
        "symbol": "BTCUSDT",
        "marginCoin": "USDT",
        "clientOid": "s",
        "triggerPrice": "102000",
        "size": "0.0015",
    }
    assert trader.rest.modify_tpsl_order(body)["orderId"] == stop["orderId"]
    (waiting,) = trader.plans()
    assert (waiting["triggerPrice"], waiting["size"], waiting["orderId"]) == (
        "102000",
        "0.0015",
        stop["orderId"],
    )
    assert refused(trader.rest.modify_tpsl_order, body | {"triggerPrice": "99000"}) == "45122"
    assert refused(trader.rest.modify_tpsl_order, body | {"size": ""}) == "40019"
    trader.quote("102000")
    assert trader.position()["total"] == "0.0005"
    assert refused(trader.rest.modify_tpsl_order, body) == "43021"
    assert refused(trader.rest.modify_tpsl_order, body | {"clientOid": "unknown"}) == "43020"


def test_both_in_one_request_make_two_plans_and_two_answers() -> None:
    trader = short()
    answers = trader.rest.place_pos_tpsl(
        {
            "symbol": "BTCUSDT",
            "marginCoin": "USDT",
            "holdSide": "sell",
            "stopSurplusTriggerPrice": "95000",
            "stopSurplusTriggerType": "mark_price",
            "stopSurplusSize": "0.001",
            "stopSurplusClientOid": "tp",
            "stopLossTriggerPrice": "101000",
            "stopLossTriggerType": "mark_price",
            "stopLossClientOid": "sl",
        }
    )
    assert [(a["stopSurplusClientOid"], a["stopLossClientOid"]) for a in answers] == [("tp", ""), ("", "sl")]
    assert {(p["planType"], p["size"]) for p in trader.plans()} == {
        ("profit_plan", "0.001"),
        ("pos_loss", "0"),
    }


def test_presets_become_the_stops_of_the_position_and_later_ones_modify_them() -> None:
    trader = Trader()
    trader.order("buy", "0.001", presetStopLossPrice="98000", presetStopSurplusPrice="110000")
    row = trader.position()
    assert (row["stopLoss"], row["takeProfit"]) == ("98000", "110000")
    trader.order("buy", "0.001", presetStopLossPrice="99000")
    moved = trader.position()
    assert (moved["stopLoss"], moved["takeProfit"]) == ("99000", "110000")
    assert moved["stopLossId"] == row["stopLossId"]
    assert refused(trader.order, "buy", "0.001", presetStopLossPrice="100001") == "40834"
    trader.quote("99000")
    assert trader.is_flat()


def test_plan_orders_are_cancelled_by_id_or_by_family() -> None:
    trader = short()
    first = trader.stop("loss_plan", "102000", size="0.001")
    trader.stop("pos_profit", "90000")
    body = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES"}
    answer = trader.rest.cancel_plan_order(
        body | {"orderIdList": [{"orderId": first["orderId"]}, {"orderId": "5"}], "planType": "pos_loss"}
    )
    assert [row["orderId"] for row in answer["successList"]] == [first["orderId"]]
    assert [row["errorCode"] for row in answer["failureList"]] == ["43025"]
    assert trader.rest.cancel_plan_order(body) == {"successList": [], "failureList": []}
    assert len(trader.rest.cancel_plan_order(body | {"planType": "profit_loss"})["successList"]) == 1
    assert trader.plans() == []
    again = trader.rest.cancel_plan_order(body | {"orderIdList": [{"orderId": first["orderId"]}]})
    assert [row["errorCode"] for row in again["failureList"]] == ["43021"]


TRIGGER = {
    "symbol": "BTCUSDT",
    "productType": "USDT-FUTURES",
    "marginMode": "isolated",
    "marginCoin": "USDT",
    "planType": "normal_plan",
    "triggerType": "mark_price",
    "orderType": "market",
    "size": "0.001",
}


def test_a_trigger_order_opens_when_its_price_is_reached_from_either_side() -> None:
    trader = Trader()
    below = trader.rest.place_plan_order(TRIGGER | {"side": "buy", "triggerPrice": 99000, "clientOid": "dip"})
    trader.rest.place_plan_order(
        TRIGGER | {"side": "buy", "triggerPrice": "101000", "stopLossTriggerPrice": "99500"}
    )
    trader.quote("99500")
    assert trader.is_flat()
    trader.quote("98990")
    assert trader.position()["total"] == "0.001"
    assert trader.position()["stopLoss"] == ""
    trader.quote("101000")
    assert trader.position()["total"] == "0.002"
    assert trader.position()["stopLoss"] == "99500"
    rows = trader.plans(history=True, family="normal_plan")
    assert [r["planStatus"] for r in rows] == ["executed", "executed"]
    assert rows[1]["orderId"] == below["orderId"]


def test_a_trigger_order_without_margin_fails_when_it_fires() -> None:
    trader = Trader()
    trader.rest.place_plan_order(TRIGGER | {"side": "sell", "triggerPrice": "99000", "size": "0.5"})
    trader.quote("99000")
    assert [r["planStatus"] for r in trader.plans(history=True, family="normal_plan")] == ["fail_execute"]
    assert trader.is_flat()


def test_a_trigger_with_more_decimals_than_the_tick_is_refused() -> None:
    trader = Trader()
    assert (
        refused(trader.rest.place_plan_order, TRIGGER | {"side": "buy", "triggerPrice": 99000.0123})
        == "40808"
    )


def test_a_trigger_order_is_modified_in_place() -> None:
    trader = Trader()
    placed = trader.rest.place_plan_order(TRIGGER | {"side": "buy", "triggerPrice": "99000"})
    body = {"orderId": placed["orderId"], "productType": "USDT-FUTURES"}
    trader.rest.modify_plan_order(
        body | {"newTriggerPrice": "101000", "newSize": "0.002", "triggerPrice": 101000}
    )
    (row,) = trader.plans(family="normal_plan")
    assert (row["triggerPrice"], row["size"], row["orderId"]) == ("101000", "0.002", placed["orderId"])
    trader.quote("101000")
    assert trader.position()["total"] == "0.002"
    assert refused(trader.rest.modify_plan_order, body | {"newTriggerPrice": "99000"}) == "43026"
    assert refused(trader.rest.modify_plan_order, {"orderId": "1"}) == "43025"


def test_a_trailing_stop_wakes_up_follows_and_fires_on_the_way_back() -> None:
    trader = Trader()
    trader.order("buy", "0.002")
    trader.stop("moving_plan", "102000", size="0.001", rangeRate="1")
    trader.quote("100500")
    trader.quote("99600")  # asleep: coming back does nothing
    assert trader.position()["total"] == "0.002"
    trader.quote("102500")
    trader.quote("104000")
    trader.quote("102961")
    assert trader.position()["total"] == "0.002"
    trader.quote("102960")  # 1 % under 104,000
    assert trader.position()["total"] == "0.001"
    assert refused(trader.stop, "moving_plan", "110000", size="0.001", rangeRate="11") == "43011"
    assert refused(trader.stop, "moving_plan", "110000", size="0.001") == "40019"


def test_a_trailing_order_buys_the_rebound() -> None:
    trader = Trader(ideal=True)
    body = TRIGGER | {"planType": "track_plan", "side": "buy", "triggerPrice": "98000", "callbackRatio": "1"}
    trader.rest.place_plan_order(body)
    for price in ("97000", "95000", "95900"):
        trader.quote(price)
        assert trader.is_flat()
    trader.quote("96500")
    assert trader.position()["openPriceAvg"] == "95950"  # 1 % over the low, where an ideal market passed it


def test_a_stop_on_the_last_price_does_not_look_at_the_mark() -> None:
    trader = short()
    trader.stop("pos_loss", "101000", triggerType="fill_price")
    trader.quote("101500", last="100900")
    assert trader.position()["total"] == "0.002"
    trader.quote("100500", last="101000")
    assert trader.is_flat()


def test_a_firing_stop_is_told_step_by_step() -> None:
    trader = short()
    trader.stop("pos_loss", "101000")
    trader.told()
    trader.quote("101000")
    assert trader.told() == [
        ("orders-algo", "executing"),
        ("orders-algo", "executed"),
        ("orders", "live"),
        ("orders", "filled"),
        ("fill", "0.002@101000"),
        ("positions-history", ""),
        ("positions", ""),
        ("account", ""),
    ]


def test_the_last_stop_of_several_finds_nothing_left_and_is_cancelled() -> None:
    trader = short()
    for _ in range(3):
        trader.stop("loss_plan", "101000", size="0.001")
    trader.quote("101500")
    assert trader.is_flat()
    assert sorted(p["planStatus"] for p in trader.plans(history=True)) == [
        "cancelled",
        "executed",
        "executed",
    ]
    assert sum(Decimal(f["baseVolume"]) for f in trader.fills()[1:]) == Decimal("0.002")
