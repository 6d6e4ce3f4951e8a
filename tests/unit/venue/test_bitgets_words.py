"""Directions and causes: hedge mode's flip, forced closes, and where a fill came from."""

from __future__ import annotations

import pytest

from engine.core.exchange import Cause
from engine.core.instrument import Side
from engine.venue.malformed import Malformed
from engine.venue.terms import cause_of, direction_of

HEDGE = "hedge_mode"
ONE_WAY = "one_way_mode"


@pytest.mark.parametrize(
    ("side", "trade_side", "buys", "position", "reduces"),
    [
        ("buy", "open", True, Side.LONG, False),
        ("sell", "open", False, Side.SHORT, False),
        ("buy", "close", False, Side.LONG, True),
        ("sell", "close", True, Side.SHORT, True),
        ("buy", "Close", False, Side.LONG, True),
        ("sell", "burst_close_long", False, Side.LONG, True),
        ("buy", "burst_close_long", False, Side.LONG, True),
        ("buy", "reduce_close_short", True, Side.SHORT, True),
        ("sell", "dte_sys_adl_close_short", True, Side.SHORT, True),
        ("buy", "delivery_close_long", False, Side.LONG, True),
    ],
)
def test_pitfall_3_hedge_mode_names_the_position_and_not_the_trade(
    side: str, trade_side: str, buys: bool, position: Side, reduces: bool
) -> None:
    way = direction_of("fill", side=side, trade_side=trade_side, pos_mode=HEDGE)
    assert way == (buys, position, reduces)


def test_the_position_side_outweighs_the_wires_side() -> None:
    way = direction_of("fill", side="sell", trade_side="close", pos_mode=HEDGE, pos_side="long")
    assert way == (False, Side.LONG, True)


@pytest.mark.parametrize(
    ("side", "trade_side", "reduce_only", "reduces"),
    [
        ("buy", "buy_single", "", None),
        ("sell", "sell_single", "yes", True),
        ("sell", "burst_sell_single", "", True),
        ("buy", "dte_sys_adl_buy_in_single_side_mode", "", True),
    ],
)
def test_one_way_mode_means_what_it_says(
    side: str, trade_side: str, reduce_only: str, reduces: bool | None
) -> None:
    way = direction_of("fill", side=side, trade_side=trade_side, pos_mode=ONE_WAY, reduce_only=reduce_only)
    assert way == (side == "buy", None, reduces)


def test_a_side_that_is_neither_is_malformed() -> None:
    with pytest.raises(Malformed, match="neither buy nor sell"):
        direction_of("fill", side="", trade_side="open", pos_mode=HEDGE)


@pytest.mark.parametrize(
    ("source", "trade_side", "cause"),
    [
        ("normal", "open", Cause.ORDER),
        ("market", "sell_single", Cause.ORDER),
        ("loss_market", "close", Cause.STOP),
        ("pos_loss_market", "close", Cause.STOP),
        ("pos_loss_limit", "sell_single", Cause.STOP),
        ("profit_market", "close", Cause.TAKE_PROFIT),
        ("pos_profit_limit", "close", Cause.TAKE_PROFIT),
        ("Trader_loss", "close", Cause.STOP),
        ("follower_loss_market", "close", Cause.STOP),
        ("liquidation", "close", Cause.LIQUIDATION),
        ("market", "burst_close_long", Cause.LIQUIDATION),
        ("loss_market", "burst_sell_single", Cause.LIQUIDATION),
        ("market", "reduce_close_short", Cause.LIQUIDATION),
        ("market", "dte_sys_adl_close_long", Cause.ADL),
        ("market", "offset_close_short", Cause.ADL),
        ("delivery_close_long", "delivery_close_long", Cause.ORDER),
        ("", "open", Cause.ORDER),
    ],
)
def test_the_cause_of_a_fill(source: str, trade_side: str, cause: Cause) -> None:
    assert cause_of(source, trade_side) is cause
