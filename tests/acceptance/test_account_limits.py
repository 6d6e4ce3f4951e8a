"""Every limit of the account and the kill switch, at work over the wire."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.cycle import Status
from engine.core.events import (
    Flatten,
    Halt,
    Reduce,
    Resume,
)
from engine.core.instrument import Side
from engine.core.settings import (
    Ladder,
    Limits,
    Managed,
    Settings,
    Window,
)
from tests.acceptance.scene import BTC, ETH, Scene, scene

D = Decimal


def trigger(s: Scene) -> Decimal:
    armed = s.cycle().armed
    assert armed is not None
    return armed.trigger


# -- limits --------------------------------------------------------------------------------------------------


async def test_max_rungs(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(max_rungs=1)) as s:
        await s.opens_and_climbs("95000")
        await s.mark("90250")
        await s.is_told_that("rung 2 at 90,250.0 is blocked: max_rungs = 1 is reached")
        assert s.cycle().rungs == 1


async def test_max_cycle_margin(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(max_cycle_margin=D("0.12"))) as s:
        await s.opens()
        await s.mark("95000")
        await s.is_told_that("is blocked: the cycle's margin would pass")
        assert s.held() == D("-0.002")


async def test_a_rung_that_ends_below_the_cycles_margin_is_not_blocked_by_what_it_frees(
    tmp_path: Path,
) -> None:
    """After the bank 5 of the 10 are free again: 15 of 109.88 is 13.7 %."""
    async with scene(tmp_path, Ladder(max_cycle_margin=D("0.14"))) as s:
        await s.opens_and_climbs("95000")
        assert s.cycle().rungs == 1


async def test_a_blocked_rung_is_told_once_however_the_numbers_move(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(max_cycle_margin=D("0.12"))) as s:
        await s.opens()
        for mark in ("94990", "94900", "94800", "94700", "94600"):
            await s.mark(mark)
            await s.on.reconcile()
        told = [line for line in s.told() if "is blocked" in line]
        assert len(told) == 1, told


async def test_outside_the_trading_window_nothing_is_added_and_the_stops_stay(tmp_path: Path) -> None:
    """Market time is Sunday 4 May 2025, 15:33 UTC."""
    friday_night = Window(0, 5 * 24 * 60)
    async with scene(tmp_path, limits=Limits(windows=(friday_night,))) as s:
        await s.opens()
        await s.mark("95000")
        await s.is_told_that("is blocked: outside the trading window")
        until_monday = (24 * 60 - 15 * 60 - 33) * 60_000
        await s.on.sim.feed.advance(until_monday)
        await s.mark("94990")
        await s.until(lambda: s.cycle().rungs == 1, "on Monday it runs")


async def test_the_daily_loss_stops_the_ladder_until_midnight(tmp_path: Path) -> None:
    async with scene(tmp_path, limits=Limits(daily_loss=D("0.05"), max_cycles=2)) as s:
        await s.opens(Side.LONG, "0.13", 40, ETH)
        await s.mark("2950", ETH)
        await s.on.reconcile()
        await s.is_told_that("Daily loss limit reached")
        await s.opens()
        await s.mark("95000")
        await s.is_told_that("BTCUSDT short: rung 1 at 95,000.0 is blocked: the daily loss limit is hit")
        await s.on.sim.feed.advance(10 * 3_600_000)
        await s.on.reconcile()
        await s.is_told_that("A new day: the daily loss limit is open again.")
        await s.mark("94990")
        await s.until(lambda: s.cycle().rungs == 1, "the new day")


async def test_equity_below_the_floor_pulls_the_kill_switch(tmp_path: Path) -> None:
    async with scene(tmp_path, limits=Limits(kill_below=D("0.95"), daily_loss=D("0.9"))) as s:
        await s.opens(Side.LONG, "0.13", 40, ETH)
        await s.mark("2950", ETH)
        await s.on.reconcile()
        await s.is_told_that("Kill switch: equity")
        assert s.on.engine.state.kill is not None
        await s.mark("3080", ETH)
        await s.is_told_that("is blocked: the kill switch is on")
        assert s.held(ETH) == D("0.13")
        await s.on.reconcile()
        await s.is_told(Resume())
        await s.until(lambda: s.cycle(ETH).rungs == 1, "above the floor again it runs, resumed")


async def test_a_third_position_is_shown_and_managed_when_a_place_is_free(tmp_path: Path) -> None:
    managed = (Managed(BTC, D(20)), Managed(ETH, D(40)), Managed("SOLUSDT", D(10)))
    settings = Settings("main", managed=managed)
    async with scene(tmp_path, settings=settings, balance=D(300)) as s:
        await s.opens()
        await s.opens(Side.LONG, "0.13", 40, ETH)
        await s.on.hand.open("SOLUSDT", Side.LONG, D(10), margin=D(10))
        await s.is_told_that("is not managed: max_cycles = 2 is reached")
        await s.order("buy", "0.002", reduceOnly=True)
        await s.is_told_that("SOLUSDT long seen")


async def test_a_wild_last_price_does_not_fire(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        s.thin_market(D(95_000), last=D(95_600))
        await s.later(1)
        await s.quiet()
        assert s.held() == D("-0.002")
        s.thin_market(D(95_000), last=D(95_400))
        await s.until(lambda: s.cycle().rungs == 1, "mark and last agree again")


async def test_a_stale_price_does_not_fire(tmp_path: Path) -> None:
    async with scene(tmp_path, limits=Limits(windows=(Window(0, 1),))) as s:
        await s.opens()
        await s.mark("95000")
        await s.is_told_that("outside the trading window")
        await s.later(6, prices_come=False)
        await s.on.at_rest()
        assert s.on.engine.state.cycles, "the window opens now, but the price is old"
        assert s.held() == D("-0.002")


async def test_a_price_beyond_a_stop_that_does_not_trigger_is_answered_after_five_seconds(
    tmp_path: Path,
) -> None:
    """The stop at Bitget is there, but the price that we see never reaches it there."""
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        tick = s.on.engine.prices.of(BTC)
        assert tick is not None
        await s.sees(D(99_500))
        await s.later(3)
        await s.sees(D(99_500))
        await s.quiet(0.1)
        assert s.held() == D("-0.0031")
        await s.later(3)
        await s.is_told_that("the price is beyond the stop at 99,293.2 and Bitget has not triggered it")
        await s.until(lambda: s.held() == D("-0.001"), "that leg is closed by us, and no more")
        assert s.sent()[-1]["params"]["reduceOnly"] == "YES"


# -- the kill switch -----------------------------------------------------------------------------------------


async def test_a_halt_cancels_working_entries_and_leaves_stops_and_targets(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("sell", "0.001", kind="limit", price="99000")
        await s.order("sell", "0.001", triggerPrice=99_500)
        await s.order("buy", "0.001", kind="limit", price="80000", reduceOnly=True)
        stops = [row for row in s.plans() if row["planType"] == "loss_plan"]
        await s.is_told(Halt("enough"))
        await s.until(lambda: len(s.working()) == 1, "the entry is cancelled, the exit is not")
        assert s.working()[0]["reduceOnly"] == "YES"
        await s.until(lambda: s.plans() == stops, "the waiting entry is cancelled, the stops are not")
        await s.mark("90250")
        await s.is_told_that("is blocked: the kill switch is on")
        assert s.held() == D("-0.0031")


async def test_an_entry_placed_after_the_halt_is_the_traders_own(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.is_told(Halt())
        await s.on.at_rest()
        await s.order("sell", "0.001", kind="limit", price="110000")
        await s.on.reconcile()
        await s.quiet()
        assert len(s.working()) == 1


@pytest.mark.parametrize("fault", ["lost", "response_lost", "server_error", "too_many"])
async def test_a_cancel_of_an_entry_that_is_lost_is_sent_again(tmp_path: Path, fault: str) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        await s.order("sell", "0.001", kind="limit", price="110000")
        await s.on.reconcile()
        s.fault({"fault": fault, "path": "v2/mix/order/cancel-order"})
        await s.is_told(Halt())
        await s.until(lambda: not s.working(), "the entry is cancelled")
        await s.until(lambda: not s.on.engine.state.pending, "nothing is left open")


async def test_flatten_closes_everything_until_flat_and_stays_halted(tmp_path: Path) -> None:
    async with scene(tmp_path, balance=D(200)) as s:
        await s.opens_and_climbs("95000")
        await s.opens(Side.LONG, "0.13", 40, ETH)
        reject = {"fault": "reject", "path": "v2/mix/order/place-order", "code": "40015"}
        s.fault(
            {**reject, "symbol": BTC}, {"fault": "lost", "path": "v2/mix/order/place-order", "symbol": ETH}
        )
        assert "closing 2 managed positions at market until flat" in await s.is_told(Flatten())
        await s.until(lambda: s.held() == s.held(ETH) == 0, "flat")
        await s.until(lambda: not s.on.cycles(), "both cycles have ended")
        assert (s.stops(), s.stops(ETH)) == ([], [])
        assert s.on.engine.state.kill is not None


async def test_a_part_asked_for_from_the_desk_shrinks_the_stops(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        assert "closing 50.0 % at market" in await s.is_told(Reduce(BTC, Side.SHORT, D("0.5")))
        await s.until(lambda: s.held() == D("-0.0016"), "half, in lots")
        await s.until(lambda: s.stops() == s.believed(), "the stops fit")
        await s.on.at_rest()
        assert s.cycle().status is Status.BREAKEVEN
