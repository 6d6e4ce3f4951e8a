"""An armed order is signed before the price comes."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from watched import asked, opened, outcome, running

from engine.core.actions import PlaceMarket
from engine.core.events import OrdersRead
from engine.core.exchange import Accepted, Refused, Unknown
from engine.core.instrument import Side
from engine.simulator.private import PrivateEndpoints
from engine.simulator.server import ACCOUNT, SimulatedBitget
from engine.venue import rest
from engine.venue.orders import PLACE

ONE = PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.001"))
NONE = PlaceMarket("open-0", "BTCUSDT", Side.LONG, True, D(0))
TWO = PlaceMarket("open-2", "BTCUSDT", Side.LONG, True, D("0.001"))
A_MINUTE_MS = 60_000


async def test_an_order_made_ready_goes_out_as_it_was_signed_then() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue.have_ready([ONE])
        venue._client.options["timeDifference"] = A_MINUTE_MS
        assert isinstance(await outcome(venue, TWO), Unknown), "signed now it is out of the exchange's window"
        assert isinstance(await outcome(venue, ONE), Accepted)
        ids = [request["params"]["clientOid"] for request in await asked(sim, PLACE)]
        assert ids == ["open-2", "open-1"]


async def test_an_order_made_ready_is_sent_once() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue.have_ready([ONE, TWO])
        assert isinstance(await outcome(venue, ONE), Accepted)
        again = await outcome(venue, ONE)
        assert isinstance(again, Refused)
        assert again.code == "40786"


async def test_what_lay_ready_too_long_is_signed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "READY_S", 0.0)
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue.have_ready([ONE])
        venue._client.options["timeDifference"] = A_MINUTE_MS
        assert isinstance(await outcome(venue, ONE), Unknown)


async def test_what_was_made_ready_in_another_position_mode_is_made_again() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        venue.have_ready([TWO])
        PrivateEndpoints(sim.exchange, ACCOUNT).set_position_mode(
            {"productType": "USDT-FUTURES", "posMode": "hedge_mode"}
        )
        assert isinstance(await outcome(venue, ONE), Refused)
        await told.one(OrdersRead)
        assert isinstance(await outcome(venue, TWO), Accepted)


async def test_what_cannot_be_written_down_hinders_nothing_and_is_refused_when_it_is_asked_for() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue.have_ready([NONE, ONE])
        refused = await outcome(venue, NONE)
        assert isinstance(refused, Refused)
        assert refused.code == "local"
        assert isinstance(await outcome(venue, ONE), Accepted)


async def test_what_was_made_ready_by_a_clock_that_was_wrong_is_made_again() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        venue._client.options["timeDifference"] = A_MINUTE_MS
        venue.have_ready([ONE])
        await venue.follow_clock()
        assert isinstance(await outcome(venue, ONE), Accepted)
