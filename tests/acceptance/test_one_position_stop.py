"""Bitget keeps one stop for the whole position. One that Ratchet did not place there is never in its way.

The trader is plain ccxt; an entry brings its stop as `presetStopLossPrice`, as an alert's entry does.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.cycle import Status
from engine.core.events import Breakeven, Enter
from engine.core.instrument import Side
from engine.core.settings import Ladder
from engine.protocol import Mode
from engine.runtime.snapshot import orders_of, snapshot_of
from tests.acceptance.scene import BTC, Scene, scene

D = Decimal
RUNG_1 = ["0.001 @ 100000", "0.0021 @ 99293.2"]
BREAKEVEN = "0.0031 @ 98071.2"
ONE = (BTC, Side.SHORT)


async def climbs(s: Scene) -> None:
    await s.mark("95000")
    await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
    await s.on.at_rest()


async def moves_to_breakeven(s: Scene) -> str:
    answer = await s.is_told(Breakeven(*ONE))
    await s.until(lambda: not any(stop in s.stops() for stop in RUNG_1), "the legs' stops are gone")
    await s.on.at_rest()
    await s.on.reconcile()
    return answer


async def test_breakeven_after_a_rung_of_an_entry_that_brought_its_stop(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        entry = Enter(BTC, Side.SHORT, qty=D("0.002"), leverage=D(20), stop=D(102_000))
        assert "entering 0.002" in await s.is_told(entry)
        await s.until(lambda: s.stops() == ["all @ 102000"], "the entry's stop")
        await s.until(lambda: BTC in s.on.cycles(), "it is adopted")
        await s.on.at_rest()
        await climbs(s)
        assert s.stops() == ["all @ 102000", *RUNG_1]
        said = await moves_to_breakeven(s)
        assert said == (
            "BTCUSDT short: stops from now on: one stop at the cycle's breakeven. The position stop that "
            "is set on Bitget at 102,000.0 is left alone."
        )
        assert s.stops() == ["all @ 102000", BREAKEVEN]
        assert not [row for row in s.sent("place-tpsl-order") if row["code"] == "43031"]
        assert s.cycle().status is Status.BREAKEVEN
        await s.mark("90250")
        await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "the ladder goes on")
        await s.on.at_rest()
        assert s.stops() == ["all @ 102000", "0.0043 @ 95833.2"]
        assert s.believed() == ["0.0043 @ 95833.2"]
        await s.mark("95833.2")
        await s.is_told_that("closed (by its stop)")
        await s.until(lambda: s.stops() == [], "the entry's stop dies with the position")


@pytest.mark.parametrize(
    ("theirs", "ends"), [("97000", "trader's stop"), ("98071.2", "trader's stop"), ("99000", "stop")]
)
async def test_breakeven_beside_one_that_the_trader_set(tmp_path: Path, theirs: str, ends: str) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0031", stopLossPrice=float(theirs))
        await s.on.reconcile()
        await moves_to_breakeven(s)
        assert sorted(s.stops()) == sorted([BREAKEVEN, f"all @ {theirs}"])
        await s.mark(theirs if D(theirs) < D("98071.2") else "98071.2")
        await s.is_told_that("closed (")
        await s.on.at_rest()
        assert s.cycle().closed_reason == ends
        assert (s.held(), s.stops()) == (0, [])
        assert not [line for line in s.told() if "could not carry out" in line or "refused" in line]


@pytest.mark.parametrize(("brings", "rests"), [("104200", "103996.6"), ("103000", "103000")])
async def test_an_entry_onto_a_position_moves_its_stop_only_towards_the_market(
    tmp_path: Path, brings: str, rests: str
) -> None:
    """The stop that an order brings becomes that of the position, and Ratchet's own hard stop is that one."""
    async with scene(tmp_path, Ladder(hard_stop=True)) as s:
        await s.opens(qty="0.001")
        assert s.stops() == ["all @ 103996.6"]
        await s.asks(Enter(BTC, Side.SHORT, qty=D("0.001"), stop=D(brings)))
        await s.until(lambda: s.cycle().held_qty == D("0.002"), "it is entered")
        await s.on.at_rest()
        await s.on.reconcile()
        assert s.stops() == [f"all @ {rests}"]
        assert not s.was_told("loosened")
        assert s.was_told("is not sent") is (brings != rests)


async def test_the_stop_that_an_entry_brought_is_told_as_such_until_the_trader_moves_it(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.is_told(Enter(BTC, Side.SHORT, qty=D("0.001"), leverage=D(20), stop=D(102_000)))
        await s.until(lambda: BTC in s.on.cycles(), "it is adopted")
        await s.on.at_rest()
        await s.on.reconcile()
        assert whose(s) == ("entry's stop", "1 stop rests on Bitget (1 of the entry)")
        [order] = orders_of(s.on.engine.state)
        assert (order.ours, order.why) == (True, "brought by the entry")

        await s.asks(Enter(BTC, Side.SHORT, qty=D("0.001")))
        await s.is_told_that("BTCUSDT short: the entry added 0.001 @ 100,000.0: leg 2")
        assert not s.was_told("you added")
        await s.on.at_rest()
        assert whose(s)[0] == "entry's stop"

        await s.moves_stop("102000", to="101500")
        await s.on.reconcile()
        assert whose(s) == ("trader's stop", "1 stop rests on Bitget (1 yours)")
        [order] = orders_of(s.on.engine.state)
        assert (order.ours, order.why) == (False, "the trader's own")

        await s.mark("101500")
        await s.is_told_that("closed (by your own stop)")
        assert s.on.engine.state.brought == {}


def whose(s: Scene) -> tuple[str, str]:
    """Whose the one stop of the position is, as a client and the drill tell it."""
    [position] = snapshot_of(s.on.engine, Mode.SIM).positions
    [stop] = position.stops
    assert not stop.ours
    assert {leg.stop for leg in position.legs} == {stop.trigger}, "it protects every leg"
    return stop.why, position.if_machine_dies.partition(",")[0]
