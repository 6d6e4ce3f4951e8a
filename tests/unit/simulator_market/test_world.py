"""A replayed market is the recorded one, tick by tick, from any start and with any seed."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from engine.simulator.candles import MINUTE_MS, Candle, Recording
from engine.simulator.catalogue import RECORDED, recorded_contracts
from engine.simulator.market_rows import ticker_row
from engine.simulator.quote import Quote
from engine.simulator.server import load
from engine.simulator.world import World

START = 1_746_372_780_000


def recording(symbol: str = "BTCUSDT", *, first: int = START, count: int = 30, gap_at: int = -1) -> Recording:
    candles = []
    for n in range(count):
        base = Decimal(100_000 + (n * 37) % 90)
        ts = first + MINUTE_MS * (n + (60 if 0 <= gap_at <= n else 0))
        candles.append(Candle(ts, base, base + 25, base - 30, base + 7, Decimal("12.345")))
    return Recording(symbol, tuple(candles))


def played(world: World, count: int = 10**9) -> list[Quote]:
    quotes: list[Quote] = []
    while len(quotes) < count and (quote := world.step()) is not None:
        quotes.append(quote)
    return quotes


def test_the_ticks_of_the_replay_make_the_recorded_candles_again() -> None:
    source = recording()
    world = World([source])
    played(world)
    assert tuple(world.market["BTCUSDT"].chart.bars("1m", 100)) == source.candles


def test_every_tick_lies_inside_its_recorded_minute() -> None:
    source = recording()
    bars = {candle.ts: candle for candle in source.candles}
    for quote in played(World([source], steps=7)):
        bar = bars[quote.ts - quote.ts % MINUTE_MS]
        assert bar.low <= quote.last <= bar.high


def test_the_mark_follows_the_last_price_within_its_basis() -> None:
    quotes = played(World([recording()]))
    assert any(quote.mark != quote.last for quote in quotes)
    for quote in quotes:
        assert abs(quote.mark / quote.last - 1) < Decimal("0.00016")
        assert abs(quote.index / quote.last - 1) < Decimal("0.00041")
        assert quote.bid < quote.ask
        assert quote.bid <= quote.last <= quote.ask


def test_an_ideal_market_has_one_price() -> None:
    for quote in played(World([recording()], ideal=True)):
        assert quote.mark == quote.index == quote.last == quote.bid == quote.ask


def test_the_same_seed_replays_the_same_market_and_another_one_does_not() -> None:
    assert played(World([recording()], seed=3), 500) == played(World([recording()], seed=3), 500)
    assert played(World([recording()], seed=3), 500) != played(World([recording()], seed=4), 500)


def test_a_later_start_sees_the_same_ticks_and_the_chart_of_before() -> None:
    later = START + 10 * MINUTE_MS
    whole = [quote.last for quote in played(World([recording()])) if quote.ts >= later]
    world = World([recording()], start_ms=later)
    assert [quote.last for quote in played(world)] == whole
    assert world.market["BTCUSDT"].chart.bars("1m", 100)[0].ts == START


def test_a_hole_is_jumped_over() -> None:
    world = World([recording(gap_at=10)])
    stamps = [quote.ts for quote in played(world)]
    jumps = [after - before for before, after in pairwise(stamps) if after - before > 2_000]
    assert len(jumps) == 1 and jumps[0] > 60 * MINUTE_MS


def test_two_symbols_move_in_the_order_of_time() -> None:
    world = World([recording("BTCUSDT"), recording("ETHUSDT")])
    quotes = played(world)
    assert [quote.ts for quote in quotes] == sorted(quote.ts for quote in quotes)
    assert {quote.symbol for quote in quotes[:4]} == {"BTCUSDT", "ETHUSDT"}


def test_a_market_begins_when_every_recording_has_begun() -> None:
    world = World([recording("BTCUSDT"), recording("ETHUSDT", first=START + 5 * MINUTE_MS)])
    assert world.market.now_ms == START + 5 * MINUTE_MS


def test_a_start_without_data_is_refused() -> None:
    with pytest.raises(ValueError, match="the recordings have every symbol from"):
        World([recording()], start_ms=START - MINUTE_MS)


def test_recordings_that_share_no_moment_are_refused() -> None:
    later = recording("ETHUSDT", first=START + 90 * 24 * 60 * MINUTE_MS)
    with pytest.raises(ValueError, match="the recordings share no moment: one begins 2025-"):
        World([recording("BTCUSDT"), later])


def test_a_symbol_has_one_price_and_so_one_recording() -> None:
    with pytest.raises(ValueError, match="BTCUSDT comes 2 times: one recording for each symbol"):
        World([recording("BTCUSDT"), recording("BTCUSDT", first=START + MINUTE_MS)])


def test_a_symbol_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ValueError, match="lists BTCUSDT, ETHUSDT, SOLUSDT only"):
        World(still={"DOGEUSDT": Decimal(1)})


def test_a_still_market_repeats_its_price_every_second_until_it_is_pinned() -> None:
    world = World(still={"BTCUSDT": Decimal(100_000)})
    assert {quote.mark for quote in played(world, 90)} == {Decimal(100_000)}
    assert world.pin("BTCUSDT", Decimal("101234.5")).mark == Decimal("101234.5")
    assert {quote.mark for quote in played(world, 90)} == {Decimal("101234.5")}
    first, second = played(world, 2)
    assert second.ts - first.ts == 1_000


def test_the_volume_of_the_public_trades_is_the_volume_of_the_bar() -> None:
    world = World([recording(count=1)])
    played(world)
    assert world.market["BTCUSDT"].chart.bars("1m", 1)[0].volume == Decimal("12.345")
    trades = world.market["BTCUSDT"].trades
    assert Decimal("12.2") < sum(trade.size for trade in trades) <= Decimal("12.345")


def test_funding_is_settled_at_its_time_before_the_next_tick() -> None:
    world = World([recording(count=60)], seed=1)
    due = world.funding.due_ms
    assert due == 1_746_374_400_000  # 2025-05-04 16:00 UTC
    rate = world.exchange.funding_rate("BTCUSDT")
    played(world)
    assert world.market.now_ms > due
    assert world.funding.due_ms == due + 8 * 3_600_000
    newest = world.funding.history("BTCUSDT", world.market.now_ms)[0]
    assert (newest.ts, newest.rate) == (due, rate)


def test_a_held_funding_rate_stays_until_it_is_released() -> None:
    world = World([recording(count=60)], seed=1)
    seeded = world.exchange.funding_rate("BTCUSDT")
    world.funding.hold("BTCUSDT", Decimal("0.001"))
    assert world.exchange.funding_rate("BTCUSDT") == Decimal("0.001")
    played(world)
    assert world.exchange.funding_rate("BTCUSDT") == Decimal("0.001")
    assert world.funding.history("BTCUSDT", world.market.now_ms)[0].rate == Decimal("0.001")
    world.funding.hold("BTCUSDT", None)
    assert world.exchange.funding_rate("BTCUSDT") not in (Decimal("0.001"), seeded)


def test_the_first_tier_can_be_set_for_every_contract() -> None:
    [btc, sol] = recorded_contracts(["BTCUSDT", "SOLUSDT"], Decimal("0.007"))
    assert btc.instrument.tiers[0].maintenance == sol.instrument.tiers[0].maintenance == Decimal("0.007")
    assert btc.instrument.tiers[1].maintenance == Decimal("0.005")
    with pytest.raises(ValueError, match=r"such as 0\.004"):
        recorded_contracts(["BTCUSDT"], Decimal(4))


def test_the_tiers_of_every_contract_are_without_holes() -> None:
    for contract in recorded_contracts(["BTCUSDT", "ETHUSDT", "SOLUSDT"]):
        tiers = contract.instrument.tiers
        assert tiers[0].over == 0
        assert tiers[0].max_leverage == contract.instrument.max_leverage
        assert all(low.up_to == high.over for low, high in pairwise(tiers))
        assert all(low.maintenance < high.maintenance for low, high in pairwise(tiers))


def test_the_shipped_market_starts_where_the_recording_starts() -> None:
    world = World([load(RECORDED / "BTCUSDT-perp-1m-2025-05.csv.gz")])
    assert world.market.now_ms == START
    assert played(world, 1)[0].last == Decimal("95505.4")


def test_a_ticker_is_there_before_the_first_tick_with_or_without_a_past() -> None:
    for start in (START, START + 5 * MINUTE_MS):
        world = World([recording()], start_ms=start)
        row = ticker_row(world.market["BTCUSDT"], world)
        assert Decimal(0) < Decimal(row["low24h"]) <= Decimal(row["lastPr"]) <= Decimal(row["high24h"])


def test_a_quote_from_elsewhere_becomes_the_market_with_its_own_book() -> None:
    world = World(still={"BTCUSDT": Decimal(100_000)})
    bids, asks = ((Decimal(99_000), Decimal(1)),), ((Decimal(99_001), Decimal(2)),)
    price = Decimal("99000.5")
    quote = Quote("BTCUSDT", world.market.now_ms + 500, price, price, price, bids, asks)
    world.show(quote)
    assert world.market["BTCUSDT"].quote is quote
    assert world.market.now_ms == world.exchange.now_ms == quote.ts
    assert ticker_row(world.market["BTCUSDT"], world)["askPr"] == "99001"


def test_a_symbol_of_ones_own_trades_on_the_terms_of_a_recorded_one() -> None:
    own, sol = recorded_contracts(["COINUSDT", "SOLUSDT"], like={"COINUSDT": "SOLUSDT"})
    assert own.instrument.symbol == "COINUSDT"
    assert (own.instrument.lot, own.instrument.tiers) == (sol.instrument.lot, sol.instrument.tiers)
    world = World(still={"COINUSDT": Decimal(150)}, like={"COINUSDT": "SOLUSDT"})
    assert world.pin("COINUSDT", Decimal(151)).mark == Decimal(151)
    with pytest.raises(ValueError, match="COINUSDT: the simulated exchange lists"):
        recorded_contracts(["COINUSDT"], like={"COINUSDT": "NOTHING"})
