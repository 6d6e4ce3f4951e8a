"""What happens at the exchange without Ratchet: the trader's hand with plain ccxt, the market, Bitget itself.

Each row of the ladder's table “Events from outside”: what Ratchet believes, what rests on the exchange, and
what the trader is told.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import ccxt
import pytest

from engine.core.cycle import Hand, Status
from engine.core.events import Enter, Pause, Unpause
from engine.core.instrument import Side
from engine.core.ledger import liquidation_in_force
from engine.core.stops import resting_stops, worst_case
from engine.protocol import Mode
from engine.runtime.snapshot import snapshot_of
from tests.acceptance.scene import AT_CCXT, BTC, Scene, scene

D = Decimal
RUNG_1 = ["0.001 @ 100000", "0.0021 @ 99293.2"]
RUNG_2 = ["0.001 @ 97088.6", "0.0011 @ 95000", "0.0022 @ 94328.5"]


def worst(s: Scene) -> Decimal:
    cycle = s.cycle()
    return worst_case(cycle, s.on.engine.state.instruments[cycle.symbol], resting_stops(cycle))


async def test_example_a_through_the_wire(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000", "90250")
        assert s.legs() == ["0.001 @ 100000", "0.0011 @ 95000", "0.0022 @ 90250"]
        assert s.stops() == s.believed() == RUNG_2
        assert round(worst(s), 4) == D("2.9733")


# -- the trader's hand ---------------------------------------------------------------------------------------


async def test_what_the_trader_adds_is_a_leg_and_the_new_front(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.mark("94000")
        await s.order("sell", "0.001")
        await s.is_told_that("you added 0.001 @ 94,000.0: leg 3")
        await s.until(lambda: len(s.stops()) == 3, "the new leg has its stop")
        await s.on.at_rest()
        cycle = s.cycle()
        assert (cycle.front.by, cycle.rungs) == (Hand.TRADER, 1)
        assert cycle.armed is not None and cycle.armed.trigger == D(94_000) * D("0.95")
        assert s.legs() == ["0.001 @ 100000", "0.0021 @ 95000", "0.001 @ 94000"]
        assert s.stops() == s.believed()
        assert sum(D(stop.split()[0]) for stop in s.stops()) == -s.held() == D("0.0041")


async def test_an_add_that_fills_in_pieces_is_one_leg(tmp_path: Path) -> None:
    async with scene(tmp_path, ideal=False) as s:
        await s.opens()
        before = s.on.sim.market[BTC].quote.mark
        await s.order("sell", "0.003", kind="limit", price=str(before + 50))
        for _ in range(3):
            s.thin_market(before, bid_size="0.001", bid=before + 50)
        await s.until(lambda: s.cycle().held_qty == D("0.005"), "all three pieces are booked")
        await s.on.at_rest()
        assert [leg.qty for leg in s.cycle().legs] == [D("0.002"), D("0.003")]


async def test_what_the_trader_closes_is_taken_from_the_traders_newest_leg_first(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.mark("94000")
        await s.order("sell", "0.001")
        await s.until(lambda: len(s.cycle().legs) == 3, "the leg is there")
        await s.on.at_rest()
        await s.order("buy", "0.0015", reduceOnly=True)
        await s.is_told_that("you closed 0.0015 @ 94,000.0")
        await s.on.at_rest()
        assert s.legs() == ["0.001 @ 100000", "0.0016 @ 95000"]
        await s.until(lambda: len(s.stops()) == 2, "the stop of the leg that is gone is gone")
        await s.on.at_rest()
        assert s.stops() == s.believed() == ["0.001 @ 99811.3", "0.0016 @ 99293.2"], (
            "the guard's place is kept"
        )
        assert s.cycle().status is Status.BREAKEVEN


async def test_when_the_trader_closes_everything_nothing_is_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0031", reduceOnly=True)
        await s.is_told_that("closed (by you)")
        await s.until(lambda: s.stops() == [], "no stop rests")
        await s.on.at_rest()
        assert (s.held(), s.cycle().closed_reason, s.on.cycles()) == (0, "trader", {})


async def test_a_flash_close_from_the_app_ends_the_cycle_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.trader.close_position(AT_CCXT[BTC], params={"productType": "USDT-FUTURES"})
        await s.is_told_that("closed (by you)")
        assert (s.held(), s.stops()) == (0, [])


async def test_a_flip_is_the_end_of_one_cycle_and_the_beginning_of_another(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0051")
        await s.is_told_that("BTCUSDT long seen: 0.002 @ 95,000.0")
        await s.on.at_rest()
        [old] = s.on.engine.state.closed
        assert (old.side, old.closed_reason) == (Side.SHORT, "trader")
        new = s.cycle()
        assert (new.side, new.rungs, s.legs()) == (Side.LONG, 0, ["0.002 @ 95000"])
        assert (s.stops(), new.stops) == ([], ())
        assert new.fees == D("0.0006") * 95_000 * D("0.002")


async def test_a_flip_by_click_backhand_is_the_same(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        params = {
            "symbol": BTC,
            "productType": "USDT-FUTURES",
            "marginCoin": "USDT",
            "size": "0.0031",
            "side": "sell",
        }
        await s.trader.private_mix_post_v2_mix_order_click_backhand(params)
        await s.until(lambda: s.cycle().side is Side.LONG, "the long is adopted")
        await s.on.at_rest()
        assert (s.held(), s.stops(), s.on.engine.state.closed[-1].closed_reason) == (
            D("0.0031"),
            [],
            "trader",
        )


async def test_another_leverage_keeps_the_legs_and_blocks_the_next_rung_until_it_is_back(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        liquidation = s.cycle().seen.liquidation
        await s.on.hand.leverage(BTC, D(10))
        await s.on.reconcile()
        await s.is_told_that("leverage changed from 20x to 10x")
        assert s.cycle().seen.liquidation > liquidation
        assert [leg.leverage for leg in s.cycle().legs] == [20, 20]
        await s.mark("90250")
        await s.is_told_that("is blocked: the leverage on Bitget is 10x, expected 20x")
        assert (s.held(), s.cycle().rungs) == (D("-0.0031"), 1)
        await s.on.hand.leverage(BTC, D(20))
        await s.on.reconcile()
        await s.until(lambda: s.cycle().rungs == 2, "the rung runs when the leverage is back")


async def test_margin_that_is_added_moves_the_liquidation_and_the_worst_case(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        before = worst(s)
        await s.on.hand.margin(BTC, D(5))
        await s.on.reconcile()
        await s.is_told_that("margin 10.00 → 15.00")
        assert worst(s) == before - 5
        await s.on.hand.margin(BTC, D(-5))
        await s.on.reconcile()
        assert worst(s) == before


async def test_margin_taken_out_pulls_the_guarded_stop_nearer(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000", "90250")
        await s.on.hand.margin(BTC, D(3))
        await s.on.reconcile()
        assert s.stops() == RUNG_2, "a stop is never loosened by the desk"
        await s.on.hand.margin(BTC, D(-3))
        await s.on.reconcile()
        cycle = s.cycle()
        limit = liquidation_in_force(cycle, s.on.engine.state.instruments[BTC]) * D("0.995")
        assert all(stop.trigger <= limit for stop in cycle.stops)


async def test_auto_add_margin_pauses_and_keeps_the_stops(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await auto_margin(s, "on")
        await s.on.reconcile()
        await s.is_told_that("paused, auto-add-margin was switched on. Stops are kept.")
        assert s.cycle().status is Status.PAUSED
        await s.mark("90250")
        await s.is_told_that("is blocked: auto-add-margin was switched on")
        assert s.stops() == RUNG_1
        assert "auto-add-margin was switched on. It goes on when that ends" in await s.is_told(
            Unpause(BTC, Side.SHORT)
        )
        await auto_margin(s, "off")
        await s.on.reconcile()
        await s.until(lambda: s.cycle().rungs == 2, "the ladder goes on")


async def test_a_pause_by_the_trader_outlives_auto_add_margin_on_and_off(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.is_told(Pause(BTC, Side.SHORT))
        await auto_margin(s, "on")
        await s.on.reconcile()
        await auto_margin(s, "off")
        await s.on.reconcile()
        assert s.cycle().status is Status.PAUSED
        await s.mark("90250")
        await s.is_told_that("is blocked: by cli on test")
        assert s.cycle().rungs == 1


async def auto_margin(s: Scene, to: str) -> None:
    params = {"symbol": BTC, "autoMargin": to, "marginCoin": "USDT", "holdSide": "short"}
    await s.trader.private_mix_post_v2_mix_account_set_auto_margin(params)


async def crossed(s: Scene) -> None:
    params = {"symbol": BTC, "productType": "USDT-FUTURES", "marginCoin": "USDT", "marginMode": "crossed"}
    await s.trader.private_mix_post_v2_mix_account_set_margin_mode(params)


async def test_a_crossed_position_is_shown_and_not_touched(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.on.hand.leverage(BTC, D(20))
        await crossed(s)
        await s.order("sell", "0.002", marginMode="cross")
        await s.is_told_that("is not managed: the margin mode is crossed; the ladder needs isolated margin")
        await s.mark("95000")
        await s.quiet()
        assert (s.on.cycles(), s.stops(), s.held()) == ({}, [], D("-0.002"))


async def test_a_living_position_cannot_be_crossed_but_it_can_come_back_crossed(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        with pytest.raises(ccxt.ExchangeError, match="45117"):
            await crossed(s)
        await s.mark("90250")
        await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "the ladder goes on")
        await s.on.at_rest()
        await s.order("buy", "0.0043", reduceOnly=True)
        await s.is_told_that("closed (by you)")
        await s.until(lambda: s.stops() == [], "no stop rests")
        await crossed(s)
        await s.order("sell", "0.002", marginMode="cross")
        await s.is_told_that("is not managed: the margin mode is crossed; the ladder needs isolated margin")
        assert (s.on.cycles(), s.stops(), s.held()) == ({}, [], D("-0.002"))


async def test_an_entry_from_the_desk_is_isolated_whatever_mode_the_trader_has_set(tmp_path: Path) -> None:
    """The order says so itself, and the ladder takes it up."""
    async with scene(tmp_path) as s:
        await crossed(s)
        await s.is_told(Enter(BTC, Side.SHORT, margin=D(10), leverage=D(20)))
        await s.until(lambda: BTC in s.on.cycles(), "adopted")
        await s.on.at_rest()
        assert (s.cycle().seen.isolated, s.held(), s.cycle().seen.margin) == (True, D("-0.002"), D(10))
        await s.mark("95000")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.until(lambda: s.stops() == RUNG_1, "covered")


async def test_a_position_that_is_crossed_under_care_is_paused_and_keeps_its_stops(tmp_path: Path) -> None:
    """No request of a trader does that; Bitget itself can."""
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        position = s.on.sim.exchange.account(s.on.sim.keys[0].account_id).position(BTC, Side.SHORT)
        assert position is not None
        position.margin_mode = "crossed"
        await s.on.reconcile()
        await s.is_told_that("paused, the margin mode was changed to crossed. Stops are kept.")
        assert s.cycle().status is Status.PAUSED
        await s.mark("90250")
        await s.is_told_that("is blocked: the margin mode was changed to crossed")
        assert (s.stops(), s.held()) == (RUNG_1, D("-0.0031"))
        position.margin_mode = "isolated"
        await s.on.reconcile()
        await s.until(lambda: s.cycle().rungs == 2, "the ladder goes on")


async def test_a_stop_tightened_by_hand_is_a_floor(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.moves_stop("99293.2", "97000")
        await s.is_told_that("you tightened the stop 99,293.2 → 97,000.0; it is kept as a floor")
        await s.on.reconcile()
        assert s.stops() == s.believed() == ["0.001 @ 100000", "0.0021 @ 97000"]
        await s.mark("90250")
        await s.until(lambda: s.cycle().rungs == 2, "the next rung")
        await s.on.at_rest()
        assert s.stops() == RUNG_2, "the next rung tightens further and loosens nothing"


async def test_a_stop_tightened_by_hand_stays_where_the_next_rung_would_have_it_looser(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.moves_stop("100000", "95500")
        await s.is_told_that("it is kept as a floor")
        await s.mark("90250")
        await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "the next rung")
        await s.on.at_rest()
        assert s.stops() == ["0.001 @ 95500", "0.0011 @ 95000", "0.0022 @ 94328.5"]


async def test_a_loosened_stop_is_put_back_once_and_then_left_to_the_trader(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.moves_stop("99293.2", "99900")
        await s.is_told_that("the stop at 99,293.2 was loosened to 99,900.0; it is put back once")
        await s.until(lambda: s.stops() == RUNG_1, "it is back")
        await s.on.at_rest()
        await s.moves_stop("99293.2", "99900")
        await s.is_told_that("Ratchet leaves the stops to you and stops scaling")
        await s.on.reconcile()
        assert s.stops() == ["0.001 @ 100000", "0.0021 @ 99900"]
        assert (s.cycle().status, s.cycle().reason) == (Status.PAUSED, "trader moved the stop")
        await s.mark("90250")
        await s.is_told_that("is blocked: trader moved the stop")
        await s.is_told(Unpause(BTC, Side.SHORT))
        await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "unpaused it goes on")
        assert s.stops() == RUNG_2


async def test_a_cancelled_stop_is_put_back_once_within_five_seconds(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.cancels_stop("99293.2")
        await s.is_told_that("the stop at 99,293.2 was taken away; it is put back once")
        await s.until(lambda: s.stops() == RUNG_1, "it is back", within_s=5)
        await s.on.at_rest()
        await s.cancels_stop("99293.2")
        await s.is_told_that("was taken away again")
        await s.quiet()
        assert s.stops() == ["0.001 @ 100000"]
        assert s.cycle().reason == "trader moved the stop"


async def test_a_stop_that_died_with_its_position_is_nobodys_hand_although_the_close_is_told_late(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.fault(
            *({"fault": "stream_gap", "channel": c, "count": None} for c in ("orders", "fill", "positions"))
        )
        await s.order("buy", "0.0031", reduceOnly=True)
        await s.until(lambda: s.cycle().closed, "the close is read")
        assert s.cycle().closed_reason == "trader"
        assert not s.was_told("taken away")


async def test_the_traders_own_stop_and_target_are_left_alone_and_counted(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        at_liquidation = worst(s)
        await s.order("buy", "0.002", stopLossPrice=101_000)
        await s.order("buy", "0.002", takeProfitPrice=80_000)
        await s.on.reconcile()
        assert s.stops() == ["all @ 101000", "all @ 80000"]
        assert worst(s) == -D("0.12") - 2 - D("0.0006") * D("202"), (
            "a loss of 2 and both fees instead of the margin"
        )
        assert worst(s) > at_liquidation
        [row] = snapshot_of(s.on.engine, Mode.SIM).positions
        assert row.if_machine_dies == (
            "1 stop rests on Bitget (1 yours), nearest 101,000.0; no further rung; at worst −2.25 USDT."
        )
        await s.mark("95000")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.on.at_rest()
        assert s.stops() == ["all @ 101000", *RUNG_1, "all @ 80000"]


async def test_the_traders_own_stop_that_fills_ends_the_cycle_in_its_name(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.order("buy", "0.002", stopLossPrice=101_000)
        await s.on.reconcile()
        await s.mark("101000")
        await s.is_told_that("your own stop closed 0.002 @ 101,000.0 (−2.00)")
        await s.is_told_that("closed (by your own stop)")


async def test_the_traders_own_target_takes_its_part(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0011", takeProfitPrice=94_000, planType="profit_plan")
        await s.on.reconcile()
        await s.mark("94000")
        await s.is_told_that("your own take profit closed 0.0011 @ 94,000.0")
        await s.on.at_rest()
        assert s.legs() == ["0.001 @ 100000", "0.001 @ 95000"]
        assert s.stops() == s.believed() == ["0.001 @ 100000", "0.001 @ 99293.2"]


# -- Bitget changes a contract -------------------------------------------------------------------------------


async def test_a_coarser_tick_moves_the_stops_onto_it_and_the_ladder_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.on.sim.exchange.set_contract(BTC, pricePlace="0", priceEndStep="1")
        await s.looks_at_the_contracts()
        await s.until(lambda: s.stops() == ["0.001 @ 100000", "0.0021 @ 99293"], "the stop is on the tick")
        await s.on.at_rest()
        await s.mark("90250")
        await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "rung 2")
        await s.on.at_rest()
        assert s.stops() == s.believed() == ["0.001 @ 97088", "0.0011 @ 95000", "0.0022 @ 94328"]
        assert not s.was_told("refused")


async def test_a_tick_that_nobody_has_read_yet_leaves_no_leg_bare_and_is_read_at_once(tmp_path: Path) -> None:
    """The stop of the new leg lies between two ticks: the leg is closed again, the others stay covered."""
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.on.sim.exchange.set_contract(BTC, pricePlace="0", priceEndStep="1")
        await s.mark("90250")
        await s.is_told_that("no stop could be placed for the new leg")
        await s.until(lambda: s.held() == D("-0.0021"), "the new leg is closed again")
        assert s.stops() == ["0.001 @ 100000", "0.0011 @ 95000"]
        await s.until(lambda: s.on.engine.state.instruments[BTC].tick == 1, "the new tick is known")
        await s.later(3)
        await s.until(lambda: s.stops() == ["0.001 @ 97088", "0.0011 @ 95000"], "the stop is on the tick")
        await s.until(lambda: not s.cycle().rung, "the rung is over")
        await s.on.at_rest()
        assert s.stops() == s.believed()
