"""What a trader reads when something is wrong before the first order; each over real sockets."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from decimal import Decimal as D

import pytest
from watched import QUICK, Told, asked, keys_of, opened, running

from engine.core.events import InstrumentsRead
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from engine.venue.port import VenueRefused


async def refused(
    sim: SimulatedBitget, keys: Keys | None = None, symbols: tuple[str, ...] = ("BTCUSDT",)
) -> str:
    venue = Bitget(keys or keys_of(sim), url=sim.url, patience=QUICK, backoff_s=(0.01, 0.05))
    try:
        with pytest.raises(VenueRefused) as caught:
            async with asyncio.timeout(60):
                await venue.open(Told(), symbols)
    finally:
        await venue.close()
    text = str(caught.value)
    assert text.endswith((".", ")"))
    for secret in (sim.key, sim.secret, sim.passphrase):
        assert secret not in text
    return text


async def test_a_good_account_opens_with_its_own_fees_and_tiers() -> None:
    async with SimulatedBitget(taker=D("0.0004"), maker=D("0.0001")) as sim, opened(sim) as (venue, told):
        [body] = told.all(InstrumentsRead)
        btc, eth = body.instruments
        assert (btc.symbol, eth.symbol) == ("BTCUSDT", "ETHUSDT")
        assert (btc.taker, btc.maker, btc.tick, btc.lot) == (D("0.0004"), D("0.0001"), D("0.1"), D("0.0001"))
        assert btc.tiers[0].maintenance == D("0.004")
        assert venue.latency_ms() > 0
        assert abs(venue.market_ms() - sim.market.now_ms) < 2_000


async def test_a_wrong_key() -> None:
    async with SimulatedBitget() as sim:
        assert "does not know this API key" in await refused(
            sim, Keys("bg_" + "0" * 32, sim.secret, sim.passphrase)
        )


async def test_a_wrong_secret() -> None:
    async with SimulatedBitget() as sim:
        assert "secret does not belong" in await refused(sim, Keys(sim.key, "wrong", sim.passphrase))


async def test_a_wrong_passphrase() -> None:
    async with SimulatedBitget() as sim:
        assert "refuses the passphrase" in await refused(sim, Keys(sim.key, sim.secret, "wrong"))


async def test_a_key_that_may_not_trade() -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "no_trade_permission"})
        assert "Futures: read and write" in await refused(sim)


async def test_a_key_bound_to_other_addresses() -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "reject", "path": "v3/account/settings", "code": "40018"})
        assert "public IP" in await refused(sim)


async def test_a_start_waits_until_maintenance_is_over(caplog: pytest.LogCaptureFixture) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "reject", "path": "v2/mix/market/contracts", "code": "40200", "count": 2})
        async with opened(sim) as (_, told):
            assert [i.symbol for i in told.all(InstrumentsRead)[0].instruments] == ["BTCUSDT", "ETHUSDT"]
        codes = [row["code"] for row in await asked(sim, "v2/mix/market/contracts")]
        assert codes[:3] == ["40200", "40200", "00000"]
    assert "Bitget is under maintenance" in caplog.text


async def test_pitfall_34_a_unified_account_is_recognised_and_explained() -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "unified_account"})
        text = await refused(sim)
        assert "Unified Trading Account" in text
        assert "classic" in text


async def test_pitfall_34_a_failing_probe_is_repeated_and_never_taken_for_an_answer() -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "server_error", "path": "v3/account/settings", "count": 2})
        async with opened(sim):
            assert [row["code"] for row in await asked(sim, "v3/account/settings")] == ["502", "502", "40084"]


async def test_a_unified_account_that_hides_from_the_probe_is_told_by_its_code() -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add(
            [
                {"fault": "reject", "path": "v3/account/settings", "code": "40404"},
                {"fault": "unified_account"},
            ]
        )
        assert "Unified Trading Account" in await refused(sim)


@pytest.mark.parametrize(
    ("symbol", "near"), [("BTCUSD", "BTCUSDT"), ("ethusdt", "ETHUSDT"), ("SOLUSTD", "SOLUSDT")]
)
async def test_a_symbol_that_does_not_exist_is_named_with_one_like_it(symbol: str, near: str) -> None:
    async with SimulatedBitget() as sim:
        text = await refused(sim, symbols=("BTCUSDT", symbol))
        assert symbol in text
        assert f"Did you mean {near}?" in text


async def test_a_symbol_that_is_suspended_is_watched_and_told(caplog: pytest.LogCaptureFixture) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add(
            {
                "fault": "garbled",
                "path": "v2/mix/market/contracts",
                "field": "symbolStatus",
                "value": "maintain",
            }
        )
        async with opened(sim) as (_, told):
            assert told.all(InstrumentsRead)[0].instruments[0].status == "maintain"
    assert "BTCUSDT cannot be traded normally now: Bitget says maintain" in caplog.text


async def test_no_symbol_at_all() -> None:
    async with SimulatedBitget() as sim:
        assert "name at least one" in await refused(sim, symbols=())


@pytest.mark.parametrize(
    ("skew_ms", "words"), [(12_000, r"1[12]\.\d s behind"), (-3_600_000, r"3(600|599)\.\d s ahead of")]
)
async def test_a_clock_that_is_far_off_is_refused_with_its_error(skew_ms: int, words: str) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "clock_skew", "ms": skew_ms})
        assert re.search(words, await refused(sim))


@pytest.mark.parametrize("skew_ms", [4_000, -4_000])
async def test_pitfall_32_a_small_skew_is_corrected_in_requests_and_in_the_login(skew_ms: int) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "clock_skew", "ms": skew_ms})
        async with running(sim) as (venue, told):
            await told.until(lambda: told.links("private") == [True])
            before = sim.clock_ms()
            assert before - 500 < venue._client.nonce() < sim.clock_ms() + 500


async def test_a_dead_network_is_waited_for_and_not_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "network_down", "ms": 400})
        with caplog.at_level(logging.WARNING, "ratchet.venue"):
            async with opened(sim) as (_, told):
                assert told.all(InstrumentsRead)
        assert "cannot be reached" in caplog.text


async def test_nobody_listening_is_waited_for_until_cancelled() -> None:
    venue = Bitget(Keys("bg_1", "s", "p"), url="http://127.0.0.1:9", patience=QUICK, backoff_s=(0.01, 0.05))
    task = asyncio.create_task(venue.open(Told(), ("BTCUSDT",)))
    await asyncio.sleep(0.2)
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    await venue.close()


async def test_the_preflight_leaves_no_order_behind() -> None:
    async with SimulatedBitget() as sim, opened(sim):
        assert await asked(sim, "v2/mix/order/place-order") == []
        [probe] = await asked(sim, "v2/mix/order/cancel-order")
        assert probe["code"] != "00000"
