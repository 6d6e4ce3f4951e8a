"""A contract that Bitget lists no more: the other positions stay under care, also after a restart."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from watched import Told, keys_of, opened

from engine.core.events import BalanceRead, InstrumentsRead
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.port import VenueRefused

BTC, ETH = "BTCUSDT", "ETHUSDT"
ONLY_ETH = {ETH: D(3_000)}


async def test_one_that_was_known_is_off_and_the_others_go_on() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (_, told):
        [before] = told.all(InstrumentsRead)
    async with SimulatedBitget(markets=ONLY_ETH) as sim:
        venue, told = Bitget(keys_of(sim), url=sim.url), Told()
        await venue.open(told, (BTC, ETH), before.instruments)
        [now] = told.all(InstrumentsRead)
        assert {each.symbol: each.status for each in now.instruments} == {BTC: "off", ETH: "normal"}
        assert isinstance(await venue._reads.balance(), BalanceRead), "nothing is asked for what is gone"
        await venue.close()


async def test_one_that_was_never_known_is_a_mistake() -> None:
    async with SimulatedBitget(markets=ONLY_ETH) as sim:
        venue = Bitget(keys_of(sim), url=sim.url)
        with pytest.raises(VenueRefused, match="BTCUSDT is not a USDT perpetual on Bitget"):
            await venue.open(Told(), (BTC, ETH))
        await venue.close()
