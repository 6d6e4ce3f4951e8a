"""Every option of the ladder and every limit of the account, at work over the wire."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.events import (
    Approve,
    Breakeven,
    Deny,
    SetStopMode,
)
from engine.core.instrument import Side
from engine.core.settings import (
    Add,
    Bank,
    Basis,
    Ladder,
    Rungs,
    Sequence,
    StopMode,
)
from engine.core.words import MODE_WORDS
from engine.protocol import Mode
from engine.runtime.snapshot import snapshot_of
from tests.acceptance.scene import BTC, Scene, scene

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
        assert f"stops from now on: {MODE_WORDS[mode]}" in await s.is_told(SetStopMode(BTC, Side.SHORT, mode))
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
        await s.until(lambda: len(s.stops()) == 1, "only the new stop rests")
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
        (shown,) = snapshot_of(s.on.engine, Mode.SIM).positions
        assert (shown.next_rung, shown.blocked) == (None, "leg 1 had its rung; the next needs a leg of yours")


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
        await s.is_told_that("Bank 0.001, add 4.99 USDT margin")
