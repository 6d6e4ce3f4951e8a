"""The websocket's rows, as recorded, in the core's words; and what happens to rows that say nonsense."""

from __future__ import annotations

import json
from decimal import Decimal as D

import msgspec
import pytest
import recorded_wire as wire

from engine.core.exchange import OrderKind, OrderState
from engine.core.instrument import Side
from engine.venue import frames
from engine.venue.frames import AccountPush, OrderPush, PlanPush, PositionPush
from engine.venue.malformed import Malformed
from engine.venue.rows import FillRow, positions_of


def raw(*rows: dict[str, object]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(rows).encode())


def test_a_price_frame_gives_mark_and_last_to_the_digit() -> None:
    frame = frames.ticker_frame(json.dumps(wire.TICKER))
    assert frame is not None
    tick = frames.tick_of(frame.data[0], arrived=7)
    assert (tick.symbol, tick.mark, tick.last, tick.arrived) == ("BTCUSDT", D("43476.4"), D("43480.4"), 7)
    assert frame.ts == 1701843962812


def test_a_position_push_is_a_position() -> None:
    [position] = positions_of(frames.rows("positions", raw(wire.POSITION_PUSH), PositionPush))
    assert position.symbol == "BTCUSDT"
    assert position.side is Side.LONG
    assert (position.qty, position.entry, position.margin) == (D("0.001"), D("43849"), D("2.19245"))
    assert (position.leverage, position.liquidation) == (D(20), D("17629.684814834"))
    assert (position.isolated, position.hedged, position.auto_margin) == (False, True, False)
    assert position.opened == 1652331666985


def test_an_empty_positions_push_is_flat() -> None:
    assert positions_of(frames.rows("positions", raw(), PositionPush)) == ()


def test_a_position_of_size_zero_is_not_there() -> None:
    row = wire.changed(wire.POSITION_PUSH, total="0")
    assert positions_of(frames.rows("positions", raw(row), PositionPush)) == ()


def test_a_negative_liquidation_price_means_that_there_is_none() -> None:
    row = wire.changed(wire.POSITION_PUSH, liquidationPrice="-12.5")
    [position] = positions_of(frames.rows("positions", raw(row), PositionPush))
    assert position.liquidation == D(0)


def test_the_free_margin_is_what_can_be_locked_not_what_is_available() -> None:
    [row] = frames.rows("account", raw(wire.ACCOUNT_PUSH), AccountPush)
    assert (row.balance().equity, row.balance().free) == (D("26.14309528"), D("20.77728028"))


def test_an_accepted_order_has_no_trade() -> None:
    [row] = frames.rows("orders", raw(wire.ORDER_PUSH), OrderPush)
    assert row.trade() is None
    assert row.order().state is OrderState.LIVE
    assert row.order().filled == D(0)


@pytest.mark.parametrize("field", ["pnl", "fillFee", "fillTime"])
def test_an_order_push_that_lacks_its_profit_leaves_the_trade_to_the_fill_channel(field: str) -> None:
    [row] = frames.rows("orders", raw(wire.changed(wire.FILLED_ORDER_PUSH, **{field: None})), OrderPush)
    assert row.trade() is None
    assert row.order().filled == D("0.2")


def test_pitfall_19_filled_is_all_fills_and_the_trade_is_the_last_one() -> None:
    [row] = frames.rows("orders", raw(wire.FILLED_ORDER_PUSH), OrderPush)
    assert row.order().filled == D("0.2")
    trade = row.trade()
    assert trade is not None
    assert (trade.base_volume, trade.price, trade.fee()) == (D("0.1"), D("93.62"), D("0.0056172"))


def test_a_stop_push_speaks_of_the_whole_position_without_a_size() -> None:
    [row] = frames.rows("orders-algo", raw(wire.PLAN_PUSH), PlanPush)
    resting, order = row.resting(), row.order()
    assert (resting.kind, resting.side, resting.reduces) == (OrderKind.POS_LOSS, Side.LONG, True)
    assert resting.qty is None
    assert (resting.trigger, resting.price, resting.by_mark) == (D(24000), None, True)
    assert (order.state, order.child) == (OrderState.LIVE, "")


@pytest.mark.parametrize(
    ("short", "kind"),
    [
        ("pl", OrderKind.NORMAL_PLAN),
        ("track", OrderKind.TRACK_PLAN),
        ("sl", OrderKind.LOSS_PLAN),
        ("tp", OrderKind.PROFIT_PLAN),
        ("psl", OrderKind.POS_LOSS),
        ("ptp", OrderKind.POS_PROFIT),
        ("mtpsl", OrderKind.MOVING_PLAN),
    ],
)
def test_every_short_plan_type_is_known(short: str, kind: OrderKind) -> None:
    [row] = frames.rows("orders-algo", raw(wire.changed(wire.PLAN_PUSH, planType=short, size="1")), PlanPush)
    assert row.kind() is kind


def test_a_plan_type_that_nobody_knows_is_malformed_and_not_guessed() -> None:
    [row] = frames.rows("orders-algo", raw(wire.changed(wire.PLAN_PUSH, planType="xyz")), PlanPush)
    with pytest.raises(Malformed, match="planType 'xyz'"):
        row.order()


def test_a_fill_pays_its_fee() -> None:
    [row] = frames.rows("fill", raw(wire.FILL), FillRow)
    assert row.fee() == D("0.0048522")


def test_a_fee_taken_in_another_coin_costs_no_usdt() -> None:
    fee = {"feeCoin": "BGB", "deduction": "yes", "totalDeductionFee": "-0.001", "totalFee": "-0.001"}
    [row] = frames.rows("fill", raw(wire.changed(wire.FILL, feeDetail=[fee])), FillRow)
    assert row.fee() == D(0)


@pytest.mark.parametrize("nonsense", ["NaN", "Infinity", "", "abc", "-Infinity"])
@pytest.mark.parametrize("field", ["total", "openPriceAvg", "marginSize", "leverage"])
def test_a_number_that_cannot_be_read_is_an_error_and_never_a_zero(field: str, nonsense: str) -> None:
    row = wire.changed(wire.POSITION_PUSH, **{field: nonsense})
    with pytest.raises(Malformed) as caught:
        frames.rows("positions", raw(row), PositionPush)
    assert str(caught.value).startswith("positions:")
    assert field in str(caught.value) or _snake(field) in str(caught.value)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize(
    "field", ["total", "openPriceAvg", "holdSide", "instId", "liquidationPrice", "cTime"]
)
def test_a_renamed_field_is_missing_by_name(field: str) -> None:
    with pytest.raises(Malformed, match=f"`{field}`"):
        frames.rows("positions", raw(wire.changed(wire.POSITION_PUSH, **{field: None})), PositionPush)


@pytest.mark.parametrize("nonsense", ["NaN", "0", "-1", "Infinity", "", "1e"])
def test_a_price_that_is_no_price_gives_no_tick(nonsense: str) -> None:
    bad = json.dumps(wire.TICKER).replace('"markPrice": "43476.4"', f'"markPrice": "{nonsense}"')
    with pytest.raises(Malformed, match="ticker"):
        frame = frames.ticker_frame(bad)
        if frame is None:
            frames.tickers(frames.envelope("public", bad).data)
        else:
            frames.tick_of(frame.data[0], 0)


def test_a_frame_that_is_no_json_is_malformed() -> None:
    with pytest.raises(Malformed, match="private"):
        frames.envelope("private", '{"action":"snapsh')
