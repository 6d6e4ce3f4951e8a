"""Every option of the ladder and every limit of the account, at work over the wire."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.cycle import Status
from engine.core.events import (
    Approve,
    Breakeven,
    Deny,
    Flatten,
    Halt,
    Reduce,
    Resume,
    SetStopMode,
)
from engine.core.instrument import Side
from engine.core.settings import (
    Add,
    Bank,
    Basis,
    Ladder,
    Limits,
    Managed,
    Rungs,
    Sequence,
    Settings,
    StopMode,
    Window,
)
from tests.acceptance.scene import BTC, ETH, Scene, scene

D = Decimal


def trigger(s: Scene) -> Decimal:
    armed = s.cycle().armed
    assert armed is not None
    return armed.trigger


# -- where the next rung is ----------------------------------------------------------------------------------


async def test_on_a_fixed_grid_every_rung_is_measured_from_the_first_leg(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(basis=Basis.FIXED_GRID)) as s:
        await s.opens_and_climbs("95000", "90000")
        assert trigger(s) == 85_000


async def test_a_gap_over_several_lines_of_the_grid_makes_one_rung(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(basis=Basis.FIXED_GRID)) as s:
        await s.opens_and_climbs("88000")
        await s.quiet()
        assert (s.cycle().rungs, trigger(s)) == (1, 85_000)
        await s.mark("85000")
        await s.until(lambda: s.cycle().rungs == 2, "the next line of the grid")


async def test_the_grid_stays_where_it_is_when_the_first_leg_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(basis=Basis.FIXED_GRID)) as s:
        await s.opens_and_climbs("95000")
        await s.moves_stop("100000", "95500")
        await s.is_told_that("it is kept as a floor")
        await s.mark("95500")
        await s.until(lambda: s.legs() == ["0.0021 @ 95000"], "the first leg is gone")
        await s.on.at_rest()
        assert trigger(s) == 90_000


async def test_a_gap_through_several_triggers_makes_one_rung_at_the_market(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("85000")
        await s.quiet()
        assert (s.cycle().rungs, s.legs()) == (1, ["0.001 @ 100000", "0.0023 @ 85000"])
        assert trigger(s) == D(85_000) * D("0.95")


async def test_a_return_of_half_the_margin_is_enough_when_roe_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(roe=D("0.5"))) as s:
        await s.opens()
        assert trigger(s) == 97_500


async def test_a_net_trigger_pays_both_fees_first(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(net=True)) as s:
        await s.opens()
        qty, price, fee = D("0.002"), trigger(s), D("0.0006")
        assert abs(qty * (100_000 - price) - fee * qty * (100_000 + price) - 10) < D("1e-9")


# -- what a rung does ----------------------------------------------------------------------------------------


async def test_add_first_gives_the_numbers_of_example_d(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(sequence=Sequence.ADD_FIRST)) as s:
        cycle = await s.opens_and_climbs("95000", "90250")
        assert round(cycle.held_entry, 2) == D("94454.90")
        assert round(cycle.realised, 4) == D("6.6439")
        assert s.stops() == ["0.001 @ 98229.9", "0.0011 @ 95000", "0.0022 @ 94328.5"]
        sides = [row["params"]["side"] for row in s.sent() if "clientOid" in row["params"]]
        assert [side for side in sides if side] == ["sell", "buy", "sell", "buy"]


async def test_bank_all_takes_half_of_every_leg(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(bank=Bank.ALL)) as s:
        await s.opens_and_climbs("95000", "90250")
        assert s.legs() == ["0.0005 @ 100000", "0.0011 @ 95000", "0.0022 @ 90250"]


async def test_bank_original_takes_half_of_the_first_leg_only(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(bank=Bank.ORIGINAL)) as s:
        await s.opens_and_climbs("95000", "90250")
        assert s.legs() == ["0.0005 @ 100000", "0.0021 @ 95000", "0.0022 @ 90250"]


async def test_another_bank_fraction(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(bank_fraction=D("0.25"))) as s:
        await s.opens_and_climbs("95000")
        assert s.legs()[0] == "0.0015 @ 100000"


async def test_a_leg_of_a_share_of_the_equity(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(add=Add.PERCENT_OF_EQUITY, add_fraction=D("0.05"))) as s:
        await s.opens()
        await s.mark("96000")
        await s.on.reconcile()
        await s.mark("95000")
        await s.until(lambda: s.cycle().rungs == 1, "the rung")
        await s.on.at_rest()
        assert s.legs() == ["0.001 @ 100000", "0.0011 @ 95000"], "5 % of 107.88, times 20, in lots"


# -- where the stops lie -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "stops"),
    [
        (StopMode.LEG_ENTRY, ["0.001 @ 97088.6", "0.0011 @ 95000", "0.0022 @ 94328.5"]),
        (StopMode.LEG_NET, ["0.001 @ 97088.6", "0.0011 @ 94886", "0.0022 @ 94328.5"]),
        (StopMode.CYCLE_BREAKEVEN, ["all @ 95833.2"]),
        (StopMode.PREVIOUS_ENTRY, ["all @ 95000"]),
    ],
)
async def test_each_stop_mode_rests_where_it_says(tmp_path: Path, mode: StopMode, stops: list[str]) -> None:
    async with scene(tmp_path, Ladder(stops=mode)) as s:
        await s.opens_and_climbs("95000", "90250")
        assert s.stops() == s.believed() == stops


@pytest.mark.parametrize("mode", [StopMode.CYCLE_BREAKEVEN, StopMode.PREVIOUS_ENTRY, StopMode.LEG_NET])
async def test_another_mode_from_the_desk_and_back(tmp_path: Path, mode: StopMode) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000", "90250")
        before = s.stops()
        assert f"stops are {mode.value} now" in await s.is_told(SetStopMode(BTC, Side.SHORT, mode))
        await s.until(lambda: s.stops() != before and s.stops() == s.believed(), "the stops have moved")
        await s.on.at_rest()
        await s.is_told(SetStopMode(BTC, Side.SHORT, StopMode.LEG_ENTRY))
        await s.until(lambda: s.stops() == s.believed() == before, "the stops are back")


@pytest.mark.parametrize("fault", ["lost", "response_lost", "server_error"])
async def test_a_cancel_of_a_spare_stop_that_is_lost_is_sent_again(tmp_path: Path, fault: str) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.fault({"fault": fault, "path": "v2/mix/order/cancel-plan-order"})
        await s.is_told(Breakeven(BTC, Side.SHORT))
        await s.until(lambda: len(s.stops()) == 1, "only the new stop rests", within_s=12)
        await s.until(lambda: s.stops() == s.believed(), "and Ratchet knows")


async def test_a_hard_stop_rests_before_the_first_rung_and_goes_after_it(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(hard_stop=True)) as s:
        await s.opens()
        await s.until(lambda: s.stops() == ["all @ 103996.6"], "half a percent before 104,519.21")
        await s.on.at_rest()
        await s.mark("95000")
        await s.until(lambda: s.stops() == ["0.001 @ 100000", "0.0021 @ 99293.2"], "the ladder's own stops")
        await s.on.at_rest()
        assert s.stops() == s.believed()


async def test_a_hard_stop_beside_the_traders_own_stop_for_everything(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(hard_stop=True)) as s:
        await s.on.hand.leverage(BTC, D(20))
        await s.order("sell", "0.002", stopLoss={"triggerPrice": 101_000})
        await s.until(lambda: BTC in s.on.cycles(), "adopted")
        await s.quiet(1.0)
        cycle = s.cycle()
        assert not cycle.error, s.told()
        assert "all @ 101000" in s.stops()


# -- asking --------------------------------------------------------------------------------------------------


async def asked(s: Scene) -> None:
    await s.opens()
    await s.mark("95000")
    await s.is_told_that("rung 1 asks")
    await s.on.at_rest()
    assert s.held() == D("-0.002"), "nothing is done before the answer"


async def test_an_asked_rung_runs_when_approved(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(rungs=Rungs.ASK)) as s:
        await asked(s)
        assert "rung 1 is under way" in await s.is_told(Approve(s.cycle().id, 1))
        await s.until(lambda: s.cycle().rungs == 1, "the rung")
        await s.on.at_rest()
        assert s.stops() == ["0.001 @ 100000", "0.0021 @ 99293.2"]
        assert "Nothing waits for this answer" in await s.is_told(Approve(s.cycle().id, 1))


async def test_a_denied_rung_does_not_run_and_is_not_asked_again(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(rungs=Rungs.ASK)) as s:
        await asked(s)
        await s.is_told(Deny(s.cycle().id, 1))
        await s.mark("94000")
        await s.later(2)
        await s.quiet()
        assert (s.cycle().approval, s.held()) == (None, D("-0.002"))


async def test_no_answer_is_a_no(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(rungs=Rungs.ASK, approval_s=30)) as s:
        await asked(s)
        await s.later(31)
        await s.is_told_that("rung 1 is not run: it was not answered")
        assert "Nothing waits for this answer" in await s.is_told(Approve(s.cycle().id, 1))
        assert s.held() == D("-0.002")


async def test_a_price_that_leaves_the_band_takes_the_question_back(tmp_path: Path) -> None:
    async with scene(tmp_path, Ladder(rungs=Rungs.ASK)) as s:
        await asked(s)
        await s.mark("95600")
        await s.is_told_that("rung 1 is not run: the price left its band")
        assert s.held() == D("-0.002")


async def test_a_question_names_the_margin_that_it_would_add(tmp_path: Path) -> None:
    ladder = Ladder(rungs=Rungs.ASK, add=Add.PERCENT_OF_EQUITY, add_fraction=D("0.05"))
    async with scene(tmp_path, ladder) as s:
        await asked(s)
        assert s.was_told("Bank 0.001, add 4.99 USDT margin")


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
        await s.is_told(Resume())
        await s.until(lambda: s.cycle(ETH).rungs == 1, "resumed it runs")


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
        await s.until(lambda: s.held() == s.held(ETH) == 0, "flat", within_s=20)
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
