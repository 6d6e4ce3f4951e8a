"""What the exchange does by itself: stops that fill, liquidation, funding, the account, and not knowing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.arming import first_orders
from engine.core.cycle import Status
from engine.core.events import Reduce
from engine.core.instrument import Side
from engine.core.ledger import breakeven
from engine.core.settings import Limits
from engine.core.stops import resting_stops, worst_case
from tests.acceptance.scene import BTC, ETH, Scene, scene

D = Decimal
RUNG_1 = ["0.001 @ 100000", "0.0021 @ 99293.2"]
RUNG_2 = ["0.001 @ 97088.6", "0.0011 @ 95000", "0.0022 @ 94328.5"]


def worst(s: Scene) -> Decimal:
    cycle = s.cycle()
    return worst_case(cycle, s.on.engine.state.instruments[cycle.symbol], resting_stops(cycle))


# -- stops that fill -----------------------------------------------------------------------------------------


async def test_a_stop_that_fills_takes_its_own_leg_and_the_others_stay(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.mark("99293.2")
        await s.is_told_that("stop at 99,293.2 filled 0.0021 @ 99,293.2")
        await s.on.at_rest()
        assert (s.legs(), s.stops()) == (["0.001 @ 100000"], ["0.001 @ 100000"])
        await s.mark("100000")
        await s.is_told_that("closed (by its stop): net −4.50")
        assert (s.held(), s.stops()) == (0, [])


async def test_the_rest_of_a_stop_that_filled_in_part_is_closed_after_three_seconds(tmp_path: Path) -> None:
    async with scene(tmp_path, ideal=False) as s:
        await s.opens_and_climbs("94900")
        s.thin_market(D(99_400), ask_size="0.0005")
        await s.until(lambda: s.cycle().held_qty < D("0.003"), "a part of the stop is filled")
        left = s.cycle().held_qty
        assert left > D("0.001")
        await s.later(1)
        await s.quiet(0.1)
        assert s.cycle().held_qty == left, "three seconds have not passed"
        await s.later(2.5)
        await s.is_told_that("filled only in part")
        await s.is_told_that("closing 0.0016 filled 0 only; the rest is closed or gets its stop next")
        s.thin_market(D(99_400))
        await s.until(lambda: s.held() == D("-0.001"), "the rest of that leg is closed at market")
        assert len(s.sent()) < 10, "an empty book is not hammered with orders"


async def test_a_gap_beyond_every_stop_fills_where_the_market_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000", "90250")
        await s.mark("97200")
        await s.is_told_that("closed (by its stop)")
        assert (s.held(), s.stops(), s.on.cycles()) == (0, [], {})


# -- what the exchange does ----------------------------------------------------------------------------------


async def test_a_liquidation_is_booked_and_named(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.mark("104600")
        await s.is_told_that("0.002 liquidated")
        await s.is_told_that("closed (by liquidation)")
        await s.on.reconcile()
        account = s.on.sim.exchange.account(s.on.sim.keys[0].account_id)
        cycle = s.cycle()
        assert cycle.realised - cycle.fees + cycle.funding == account.equity() - 100


async def test_auto_deleveraging_takes_the_newest_leg_and_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.on.sim.exchange.force_adl(s.on.sim.keys[0].account_id, BTC, Side.SHORT, D("0.0005"))
        await s.is_told_that("0.0005 reduced by auto-deleveraging @ 95,000.0")
        await s.on.at_rest()
        assert s.legs() == ["0.001 @ 100000", "0.0016 @ 95000"]
        assert s.stops() == s.believed() == ["0.001 @ 100000", "0.0016 @ 99293.2"]


async def opens_and_loses_less_than_a_day_may(s: Scene, mark: str) -> None:
    await s.opens()
    await s.mark(mark)
    await s.on.reconcile()
    assert not s.on.engine.state.day.limit_hit


async def test_a_liquidation_counts_to_the_daily_loss(tmp_path: Path) -> None:
    """The price alone is a loss of 9.32; with the margin that is gone and the fee it is 10.12."""
    async with scene(tmp_path, limits=Limits(daily_loss=D("0.1"))) as s:
        await opens_and_loses_less_than_a_day_may(s, "104500")
        await s.mark("104600")
        await s.is_told_that("closed (by liquidation)")
        await s.is_told_that("Daily loss limit reached: 10.12 USDT of 10.0 % of 100.00")
        await s.mark("100000")
        await s.opens()
        await s.mark("95000")
        await s.is_told_that("is blocked: the daily loss limit is hit")
        assert s.held() == D("-0.002")


async def test_auto_deleveraging_counts_to_the_daily_loss(tmp_path: Path) -> None:
    """The price alone is a loss of 4.92; what the forced close costs makes it 5.01."""
    async with scene(tmp_path, limits=Limits(daily_loss=D("0.05"))) as s:
        await opens_and_loses_less_than_a_day_may(s, "102400")
        s.on.sim.exchange.force_adl(s.on.sim.keys[0].account_id, BTC, Side.SHORT, D("0.0015"))
        await s.is_told_that("0.0015 reduced by auto-deleveraging @ 102,400.0")
        await s.is_told_that("Daily loss limit reached: 5.01 USDT of 5.0 % of 100.00")
        await s.mark("95000")
        await s.is_told_that("is blocked: the daily loss limit is hit")
        assert s.held() == D("-0.0005")


async def test_funding_is_booked_to_the_cycle_and_moves_its_breakeven(tmp_path: Path) -> None:
    async with scene(tmp_path, ideal=False) as s:
        await s.opens(Side.LONG)
        before = s.cycle()
        s.on.sim.world.funding.hold(BTC, D("0.001"))
        due = s.on.sim.world.funding.due_ms
        await s.on.sim.feed.advance(due - s.on.sim.market.now_ms)
        await s.on.reconcile()
        await s.until(lambda: s.cycle().funding < 0, "funding is booked")
        mark = s.on.sim.market[BTC].quote.mark
        assert abs(s.cycle().funding + mark * D("0.002") * D("0.001")) < D("0.01")
        await s.is_told_that("funding −0.2")
        contract = s.on.engine.state.instruments[BTC]
        paid = -s.cycle().funding / s.cycle().held_qty
        moved = breakeven(s.cycle(), contract) - breakeven(before, contract)
        assert abs(moved - paid / (1 - contract.taker)) < D("1e-9"), (
            "it comes back at a price that much higher"
        )
        position = s.on.sim.exchange.account(s.on.sim.keys[0].account_id).position(BTC, Side.LONG)
        assert s.cycle().seen.margin == position.margin


@pytest.mark.parametrize("first", [Side.LONG, Side.SHORT])
async def test_in_hedge_mode_each_side_gets_its_own_funding(tmp_path: Path, first: Side) -> None:
    async with scene(tmp_path, ideal=False, position_mode="hedge_mode", balance=D(1000)) as s:
        for side, qty in ((first, "0.002"), (first.opposite, "0.004")):
            await s.on.hand.open(BTC, side, D(20), size=D(qty))
            await s.is_told_that(f"BTCUSDT {side.value} seen")
        s.on.sim.world.funding.hold(BTC, D("0.001"))
        await s.on.sim.feed.advance(s.on.sim.world.funding.due_ms - s.on.sim.market.now_ms)
        await s.on.reconcile()
        paid = {c.side: c.funding for c in s.on.engine.state.cycles.values()}
        assert paid[Side.LONG] < 0 < paid[Side.SHORT]
        assert abs(paid[first]) * 2 == abs(paid[first.opposite])


@pytest.mark.parametrize("status", ["maintain", "limit_open"])
async def test_a_contract_that_is_not_normal_pauses_the_ladder_and_keeps_the_stops(
    tmp_path: Path, status: str
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.on.sim.exchange.set_status(BTC, status)
        await s.looks_at_the_contracts()
        await s.is_told_that(f"paused, BTCUSDT is '{status}' on Bitget. Stops are kept.")
        await s.mark("90250")
        await s.quiet()
        assert (s.cycle().rungs, s.stops(), s.cycle().status) == (1, RUNG_1, Status.PAUSED)
        s.on.sim.exchange.set_status(BTC, "normal")
        await s.looks_at_the_contracts()
        await s.until(lambda: s.cycle().rungs == 2, "the ladder goes on")


# -- the account ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["50", "-40"])
async def test_a_transfer_is_no_profit_and_no_loss_of_the_day(tmp_path: Path, amount: str) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.on.sim.feed.advance(60_000)
        s.on.sim.exchange.transfer(s.on.sim.keys[0].account_id, D(amount))
        await s.on.reconcile()
        await s.is_told_that("Transfer")
        view = s.account_view()
        assert view.day_pnl is not None and abs(view.day_pnl) < D("0.2"), "only the fee of the entry"
        assert not s.on.engine.state.day.limit_hit
        assert not s.was_told("Daily loss limit")
        await s.mark("95000")
        await s.until(lambda: s.cycle().rungs == 1, "the ladder is not held up")


async def test_a_symbol_outside_the_list_is_shown_and_never_touched(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.on.hand.open("SOLUSDT", Side.LONG, D(10), margin=D(10))
        await s.is_told_that("SOLUSDT long")
        await s.is_told_that("is not managed: SOLUSDT is not in the list of managed symbols")
        await s.mark("200", "SOLUSDT")
        await s.on.reconcile()
        assert (s.on.cycles(), s.stops("SOLUSDT")) == ({}, [])
        [row] = s.on.engine.state.unmanaged.values()
        assert not row.can_adopt


async def test_a_position_closed_down_to_one_lot_keeps_its_stop(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.003", reduceOnly=True)
        await s.on.at_rest()
        await s.until(lambda: s.legs() == ["0.0001 @ 100000"], "one lot is left")
        await s.until(lambda: s.stops() == s.believed() == ["0.0001 @ 100000"], "the other stop is cancelled")


async def test_one_lot_has_no_half_and_the_engine_lives_with_that(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.order("buy", "0.0019", reduceOnly=True)
        await s.until(lambda: s.legs() == ["0.0001 @ 100000"], "one lot is left")
        await s.on.at_rest()
        assert s.cycle().armed is not None
        assert first_orders(s.on.engine.state) == (), "half of one lot is no order that could lie ready"
        await s.mark("95000")
        await s.is_told_that("is blocked: half of the leg (0) is below Bitget's minimum")
        assert s.held() == D("-0.0001")


async def test_the_crumb_that_a_stop_leaves_is_merged_into_the_next_reduce(tmp_path: Path) -> None:
    """At 40,000 one lot is worth 4 USDT, and Bitget takes no order under 5 but for all that is held."""
    async with scene(tmp_path, ideal=False, markets={BTC: D(40_000), ETH: D(3_000)}) as s:
        await s.opens(qty="0.005")
        await s.mark("37900")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.on.at_rest()
        front = s.cycle().front
        stop = next(stop for stop in s.cycle().stops if stop.leg == front.number)
        lot = D("0.0001")
        s.thin_market(stop.trigger + 1, ask_size=str(front.qty - lot))
        await s.until(lambda: s.cycle().front.qty == lot, "all of the stop but a crumb is filled")
        await s.later(4)
        await s.is_told_that("filled only in part")
        for _ in range(5):
            await s.later(9)
            await s.on.at_rest()
        assert not s.was_told("was refused"), "an order for the crumb alone is not even tried"
        held = s.cycle().held_qty
        s.thin_market(stop.trigger + 1)
        await s.is_told(Reduce(BTC, Side.SHORT, D("0.5")))
        await s.until(lambda: -s.held() < held, "half of what is left")
        await s.on.at_rest()
        assert len(s.cycle().legs) == 1, "the crumb went with it"


async def test_a_crumb_whose_stop_does_not_trigger_waits_without_a_word(tmp_path: Path) -> None:
    async with scene(tmp_path, markets={BTC: D(40_000), ETH: D(3_000)}) as s:
        await s.opens(qty="0.005")
        await s.mark("38000")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.on.at_rest()
        front = s.cycle().front
        await s.order("buy", str(front.qty - D("0.0001")), reduceOnly=True)
        await s.until(lambda: s.cycle().front.qty == D("0.0001"), "a crumb of the newest leg is left")
        await s.until(lambda: "0.0001" in s.stops()[-1], "its stop has shrunk")
        await s.on.at_rest()
        held, sent = s.held(), len(s.sent())
        [stop] = [stop for stop in s.cycle().stops if stop.leg == front.number]
        for _ in range(5):
            await s.sees(stop.trigger + 1)
            await s.later(3)
            await s.quiet(0.1)
        assert (s.held(), len(s.sent())) == (held, sent)
        assert not s.was_told("has not triggered it")


async def test_a_last_crumb_that_bitget_refuses_to_close_ends_the_cycle_as_dust(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0030", reduceOnly=True)
        await s.until(lambda: s.cycle().held_qty == D("0.0001"), "one lot is left")
        await s.on.at_rest()
        place = {"fault": "reject", "path": "v2/mix/order/place-order", "code": "45110", "count": None}
        s.fault({**place, "msg": "less than the minimum amount 5 USDT"})
        await s.is_told(Reduce(BTC, Side.SHORT, D(1)))
        await s.is_told_that("closed (what was left is too little for an order)")


# -- not knowing ---------------------------------------------------------------------------------------------


async def test_an_error_while_reading_is_not_flat(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        positions = {"path": "v2/mix/position/all-position", "count": 1}
        for fault in (
            {"fault": "server_error"},
            {"fault": "malformed"},
            {"fault": "too_many"},
            {"fault": "garbled", "field": "total"},
            {"fault": "response_lost"},
        ):
            s.fault({**positions, **fault})
            await s.on.reconcile()
            assert s.cycle().held_qty == D("0.0031")
        assert not s.was_told("closed")
        assert s.stops() == s.believed() == RUNG_1


async def test_a_position_missing_from_the_stream_is_not_closed_before_a_second_source_says_so(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.fault({"fault": "stale_snapshot", "channel": "positions"})
        await s.order("sell", "0.001")
        s.fault({"fault": "disconnect", "side": "private"})
        await s.until(lambda: len(s.cycle().legs) == 3, "the add is known all the same")
        await s.on.reconcile()
        assert s.cycle().held_qty == D("0.0041")
