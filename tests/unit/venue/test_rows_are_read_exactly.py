"""REST rows, as recorded, in the core's words."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
import recorded_wire as wire

from engine.core.exchange import OrderKind, OrderState
from engine.core.instrument import Side
from engine.venue.malformed import Malformed, Row, plain, shaped
from engine.venue.rows import (
    AccountRow,
    BillRow,
    ContractRow,
    FeeRates,
    FillRow,
    OrderDetail,
    PlanRow,
    PositionRow,
    TierRow,
    page_of,
)


def test_a_recorded_position_keeps_every_digit() -> None:
    position = shaped("positions", wire.POSITION, PositionRow).position()
    assert position.liquidation == D("91279.851345922058")
    assert (position.qty, position.entry, position.margin) == (D("0.016"), D("100975.8"), D("161.56128"))
    assert (position.isolated, position.hedged, position.opened) == (True, True, 1737339040134)


def test_the_account_tells_balance_and_position_mode() -> None:
    row = shaped("account", wire.ACCOUNT, AccountRow)
    assert row.pos_mode == "hedge_mode"
    assert row.balance().equity == D(0)


def test_a_filled_order_has_its_average_price() -> None:
    order = shaped("order", wire.CLOSED_LONG, OrderDetail).order()
    assert (order.state, order.filled, order.price) == (OrderState.FILLED, D("0.1"), D("68.67"))
    assert order.client_id == "1139547338494877697"


def test_a_resting_limit_order_in_hedge_mode_opens_its_position() -> None:
    resting = shaped("orders", wire.PENDING, OrderDetail).resting()
    assert (resting.side, resting.reduces, resting.price) == (Side.LONG, False, D(25000))
    assert (resting.qty, resting.trigger, resting.kind) == (D("0.002"), None, OrderKind.LIMIT)


@pytest.mark.parametrize(
    ("side", "reduce_only", "belongs_to"),
    [
        ("buy", "NO", Side.LONG),
        ("sell", "NO", Side.SHORT),
        ("sell", "YES", Side.LONG),
        ("buy", "YES", Side.SHORT),
    ],
)
def test_a_one_way_order_belongs_to_the_position_it_opens_or_closes(
    side: str, reduce_only: str, belongs_to: Side
) -> None:
    row = wire.changed(
        wire.PENDING, side=side, reduceOnly=reduce_only, posSide="net", posMode="one_way_mode", tradeSide=""
    )
    resting = shaped("orders", row, OrderDetail).resting()
    assert (resting.side, resting.reduces) == (belongs_to, reduce_only == "YES")


def test_a_plan_order_that_opens_is_no_stop() -> None:
    resting = shaped("plan orders", wire.PLAN, PlanRow).resting()
    assert (resting.kind, resting.side, resting.reduces) == (OrderKind.NORMAL_PLAN, Side.LONG, False)
    assert resting.trigger == D(24000)


@pytest.mark.parametrize(("side", "position"), [("sell", Side.LONG), ("buy", Side.SHORT)])
def test_a_one_way_stop_closes_what_its_side_is_against(side: str, position: Side) -> None:
    row = wire.changed(
        wire.PLAN,
        planType="loss_plan",
        side=side,
        posSide="net",
        posMode="one_way_mode",
        tradeSide=f"{side}_single",
        planStatus="live",
    )
    resting = shaped("plan orders", row, PlanRow).resting()
    assert (resting.side, resting.reduces, resting.qty) == (position, True, D("0.001"))


def test_a_triggered_stop_names_its_child() -> None:
    row = wire.changed(wire.PLAN, planType="pos_loss", planStatus="executed", executeOrderId="77", size="0")
    order = shaped("plan orders", row, PlanRow).order()
    assert (order.state, order.child, order.qty) == (OrderState.FILLED, "77", None)


def test_a_bill_is_its_amount_and_what_was_charged_for_it() -> None:
    assert shaped("bills", wire.BILL, BillRow).bill().amount == D("-11.64958799")
    funding = wire.changed(wire.BILL, businessType="contract_settle_fee", amount="-0.5", fee="-0.01")
    assert shaped("bills", funding, BillRow).bill().amount == D("-0.51")


def test_a_contract_has_tick_lot_tiers_and_the_accounts_own_fees() -> None:
    contract = shaped("contracts", wire.CONTRACT, ContractRow)
    rates = shaped("trade-rate", {"makerFeeRate": "0.00014", "takerFeeRate": "0.0004"}, FeeRates)
    instrument = contract.instrument([shaped("tiers", wire.TIER, TierRow)], rates)
    assert (instrument.tick, instrument.lot, instrument.min_notional) == (D("0.01"), D("0.01"), D(5))
    assert (instrument.taker, instrument.maker) == (D("0.0004"), D("0.00014"))
    assert instrument.max_market_qty == D(1900)
    assert instrument.maintenance(D(1000)) == D("0.004")


def test_a_contract_without_tiers_cannot_be_used() -> None:
    contract = shaped("contracts", wire.CONTRACT, ContractRow)
    rates = shaped("trade-rate", {"makerFeeRate": "0", "takerFeeRate": "0"}, FeeRates)
    with pytest.raises(Malformed, match="ETHUSDT has no tier"):
        contract.instrument([], rates)


def test_a_list_may_be_null_but_not_missing() -> None:
    assert page_of("orders", {"entrustedList": None, "endId": None}, "entrustedList").rows == []
    with pytest.raises(Malformed, match="entrustedList is missing"):
        page_of("orders", {"orders": []}, "entrustedList")
    with pytest.raises(Malformed):
        page_of("orders", [], "entrustedList")


@pytest.mark.parametrize(
    ("row", "shape", "field"),
    [
        *((wire.CLOSING_FILL, FillRow, field) for field in ("profit", "tradeSide", "posMode")),
        *((wire.PENDING, OrderDetail, field) for field in ("clientOid", "reduceOnly", "posSide", "posMode")),
        (wire.PLAN, PlanRow, "clientOid"),
        (wire.POSITION, PositionRow, "autoMargin"),
    ],
)
def test_a_row_is_refused_when_what_its_meaning_hangs_on_has_another_name(
    row: dict[str, Any], shape: type[Row], field: str
) -> None:
    shaped("row", row, shape)
    with pytest.raises(Malformed, match=f"`{field}`"):
        shaped("row", {name: value for name, value in row.items() if name != field}, shape)


@pytest.mark.parametrize("field", ["fee", "size", "price"])
def test_garbage_in_an_order_is_an_error(field: str) -> None:
    row = (
        wire.changed(wire.PENDING, size="NaN") if field == "size" else wire.changed(wire.PENDING, price="1,5")
    )
    with pytest.raises(Malformed):
        shaped("orders", row, OrderDetail).resting()


@pytest.mark.parametrize(
    ("value", "text"), [("0.0010", "0.001"), ("1E+3", "1000"), ("100000", "100000"), ("1E-8", "0.00000001")]
)
def test_numbers_are_sent_without_an_exponent(value: str, text: str) -> None:
    assert plain(D(value)) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0", "-1"])
def test_what_is_no_positive_number_is_not_sent(value: str) -> None:
    with pytest.raises(ValueError, match="not a positive number"):
        plain(D(value))
