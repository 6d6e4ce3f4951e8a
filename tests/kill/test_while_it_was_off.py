"""What the market does to a position while no engine runs: the next start reads it, books it and says it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from engine.core.instrument import Side
from engine.protocol import Snapshot
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from tests.acceptance.scene import AT_CCXT, trader_of
from tests.kill.process import EngineProcess

BTC = "BTCUSDT"
D = Decimal


def told(now: Snapshot, words: str) -> bool:
    return any(words in line.text for line in now.log)


async def test_a_liquidation_while_the_engine_is_off_is_booked_and_named_at_the_start(tmp_path: Path) -> None:
    """Then the trader opens anew with ccxt, as large as before: the new position is a cycle of its own."""
    markets = {BTC: D(100_000)}
    async with (
        SimulatedBitget(ideal=True, markets=markets, balance=D(100)) as sim,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        engine, trader = EngineProcess(tmp_path, sim), trader_of(sim)
        try:
            await trader.load_markets()
            engine.start()
            await engine.shows(lambda now: now.engine.reconciled, "it is up")
            await hand.leverage(BTC, D(20))
            isolated = {"marginMode": "isolated", "hedged": False}
            await trader.create_order(AT_CCXT[BTC], "market", "sell", 0.002, None, isolated)
            await engine.shows(lambda now: now.positions and now.positions[0].managed, "under care")
            engine.kill()
            await hand.mark(BTC, D(104_600))
            assert engine.held() == {}
            engine.start()
            now = await engine.shows(lambda now: told(now, "closed (by liquidation)"), "it says so")
            assert told(now, "0.002 liquidated @ ")
            assert now.positions == ()
            await hand.mark(BTC, D(100_000))
            await trader.create_order(AT_CCXT[BTC], "market", "sell", 0.002, None, isolated)
            now = await engine.shows(lambda now: now.positions and now.positions[0].managed, "the next one")
            assert (now.positions[0].side, now.positions[0].size) == (Side.SHORT, D("0.002"))
            engine.kill()
        finally:
            engine.end()
            await trader.close()


async def test_a_position_that_began_and_was_liquidated_while_the_engine_was_off_is_told_once(
    tmp_path: Path,
) -> None:
    """No row ever told of it: only its trades do, and the equity."""
    markets = {BTC: D(100_000)}
    async with (
        SimulatedBitget(ideal=True, markets=markets, balance=D(100)) as sim,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        engine = EngineProcess(tmp_path, sim)
        try:
            engine.start()
            up = await engine.shows(lambda now: now.engine.reconciled, "it is up")
            later = up.engine.market + 1_000
            await engine.shows(lambda now: now.engine.market > later, "what comes is after its first start")
            engine.kill()
            await hand.open(BTC, Side.SHORT, D(20), margin=D(10))
            await hand.mark(BTC, D(104_600))
            assert engine.held() == {}
            engine.start()
            now = await engine.shows(lambda now: told(now, "was not under care"), "it says so")
            [line] = [each for each in now.log if "was not under care" in each.text]
            assert line.text.startswith("BTCUSDT short: 0.002 liquidated @ ")
            assert now.positions == ()
            engine.kill()
            await hand.open(BTC, Side.SHORT, D(20), margin=D(5))
            engine.start()
            now = await engine.shows(lambda now: now.positions and now.positions[0].managed, "the next one")
            assert sum("was not under care" in each.text for each in now.log) == 1
        finally:
            engine.end()
