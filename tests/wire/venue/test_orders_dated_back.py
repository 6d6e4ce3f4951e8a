"""An order is dated back, so that Bitget's own window ends it when it has been lost on its way for long."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from watched import opened, outcome

from engine.core.actions import PlaceMarket, PlaceStop
from engine.core.exchange import Accepted, Unknown
from engine.core.instrument import Side
from engine.simulator import signing
from engine.simulator.server import SimulatedBitget

ONE = PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.002"))
TWO = PlaceMarket("close-2", "BTCUSDT", Side.LONG, False, D("0.001"))
STOP = PlaceStop("stop-1", "BTCUSDT", Side.LONG, D("0.001"), D(90_000))
LATE_MS = 17_000


async def test_an_order_that_comes_late_is_not_taken_and_a_stop_still_is() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        assert isinstance(await outcome(venue, ONE), Accepted)
        sim.faults.add({"fault": "clock_skew", "ms": LATE_MS})
        assert isinstance(await outcome(venue, STOP), Accepted), "Bitget's window is 30 s"
        late = await outcome(venue, TWO)
        assert late == Unknown("the request's time stamp was out of the window")


async def test_an_order_that_was_made_ready_is_dated_back_too() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue.have_ready([ONE])
        sim.faults.add({"fault": "clock_skew", "ms": LATE_MS})
        assert isinstance(await outcome(venue, ONE), Unknown)


async def test_a_clock_that_was_wrong_is_set_and_orders_are_dated_back_again() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "clock_skew", "ms": LATE_MS})
        assert isinstance(await outcome(venue, ONE), Unknown)
        await venue.follow_clock()
        assert isinstance(await outcome(venue, ONE), Accepted)
        sim.faults.add({"fault": "clock_skew", "ms": 2 * LATE_MS})
        assert isinstance(await outcome(venue, TWO), Unknown)


async def test_where_the_window_is_narrower_than_it_is_said_to_be_orders_are_dated_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "WINDOW_MS", 10_000)
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        assert isinstance(await outcome(venue, ONE), Unknown)
        await venue.follow_clock()
        assert isinstance(await outcome(venue, ONE), Accepted)
        assert isinstance(await outcome(venue, TWO), Accepted)
