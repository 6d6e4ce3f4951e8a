"""ccxt and ccxt.pro speak to the simulated exchange as they speak to Bitget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from engine.simulator.catalogue import RECORDED
from engine.simulator.server import SimulatedBitget

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START = 1_746_545_580_000
ISOLATED = {"marginMode": "isolated"}


def recorded(**changes: Any) -> SimulatedBitget:
    files = [RECORDED / f"{symbol}-perp-1m-2025-05.csv.gz" for symbol in ("BTCUSDT", "ETHUSDT")]
    return SimulatedBitget(data=files, start=START, balance=Decimal(1_000), **changes)


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not claim():  # noqa: ASYNC110 - what is claimed sets no event
            await asyncio.sleep(0.01)


async def soon(awaitable: Any, within_s: float = 60.0) -> Any:
    return await asyncio.wait_for(awaitable, within_s)


async def test_markets_load_with_bitgets_steps(connect: Any) -> None:
    async with SimulatedBitget() as sim:
        exchange = await connect(sim)
        market = exchange.market(BTC)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.0001)
        assert (market["limits"]["cost"]["min"], market["limits"]["leverage"]["max"]) == (5.0, 125.0)
        assert {BTC, ETH, "SOL/USDT:USDT"} == set(exchange.symbols)


async def test_the_whole_public_market_is_readable(connect: Any) -> None:
    async with recorded(speed="max") as sim:
        sim.feed.pause()
        exchange = await connect(sim)
        ticker = await exchange.fetch_ticker(BTC)
        assert ticker["last"] == float(sim.market["BTCUSDT"].quote.last)
        assert set(await exchange.fetch_tickers()) == {BTC, ETH}
        assert (await exchange.fetch_mark_price(BTC))["markPrice"] == float(sim.market["BTCUSDT"].quote.mark)
        book = await exchange.fetch_order_book(BTC, 15)
        assert len(book["bids"]) == len(book["asks"]) == 15
        assert book["bids"][0][0] < book["asks"][0][0]
        rate = await exchange.fetch_funding_rate(BTC)
        assert (rate["interval"], rate["fundingTimestamp"]) == (
            "8h",
            sim.exchange.next_funding_time("BTCUSDT"),
        )
        past = await exchange.fetch_funding_rate_history(BTC, limit=20)
        assert len(past) == 20
        assert past[-1]["timestamp"] == rate["fundingTimestamp"] - 8 * 3_600_000
        tiers = await exchange.fetch_market_leverage_tiers(BTC)
        assert (tiers[0]["maintenanceMarginRate"], tiers[0]["maxLeverage"]) == (0.004, 125)
        assert (await exchange.fetch_open_interest(BTC))["openInterestAmount"] > 0
        ratios = await exchange.fetch_long_short_ratio_history(BTC, "5m")
        assert ratios[-1]["longShortRatio"] > 0


async def test_candles_are_the_recorded_ones(connect: Any) -> None:
    async with recorded(speed=0) as sim:
        exchange = await connect(sim)
        minutes = await exchange.fetch_ohlcv(BTC, "1m", limit=1000)
        assert len(minutes) == 1000
        assert minutes[-1][0] == START - 60_000, "nothing has traded since the start"
        since = START - 3 * 3_600_000
        past = await exchange.fetch_ohlcv(BTC, "1m", since, 100)
        assert [row[0] for row in past] == [since + 60_000 * n for n in range(100)]
        hours = await exchange.fetch_ohlcv(BTC, "1h", limit=10)
        hour = hours[-2]
        inside = [row for row in minutes if hour[0] <= row[0] < hour[0] + 3_600_000]
        assert hour[1:5] == [
            inside[0][1],
            max(r[2] for r in inside),
            min(r[3] for r in inside),
            inside[-1][4],
        ]
        assert hour[5] == pytest.approx(sum(row[5] for row in inside))
        marks = await exchange.fetch_ohlcv(BTC, "1m", limit=5, params={"price": "mark"})
        assert marks[-1][0] == minutes[-1][0]
        assert marks[-1][4] == pytest.approx(minutes[-1][4], rel=2e-4)


async def test_other_product_types_are_empty_and_unknown_symbols_refused(connect: Any) -> None:
    async with SimulatedBitget() as sim:
        exchange = await connect(sim)
        for product in ("COIN-FUTURES", "USDC-FUTURES", "SUSDT-FUTURES"):
            answer = await exchange.public_mix_get_v2_mix_market_contracts({"productType": product})
            assert answer["data"] == []
        with pytest.raises(ccxt.BaseError, match="40034"):
            await exchange.public_mix_get_v2_mix_market_ticker({"symbol": "X", "productType": "USDT-FUTURES"})


async def test_a_one_way_position_is_opened_added_to_and_closed(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000), ideal=True) as sim:
        exchange = await connect(sim)
        await exchange.set_margin_mode("isolated", BTC)
        await exchange.set_leverage(10, BTC)
        await exchange.create_order(
            BTC, "market", "buy", 0.01, params={**ISOLATED, "clientOrderId": "front-1"}
        )
        [position] = await exchange.fetch_positions()
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.01, 100_000)
        assert position["initialMargin"] == 100
        await exchange.create_order(BTC, "market", "buy", 0.005, params=ISOLATED)
        await exchange.create_order(BTC, "market", "sell", 0.5, params={**ISOLATED, "reduceOnly": True})
        assert await exchange.fetch_positions() == []
        trades = await exchange.fetch_my_trades(BTC)
        assert [trade["amount"] for trade in trades] == [0.01, 0.005, 0.015]
        order = await exchange.fetch_order("", BTC, {"clientOrderId": "front-1"})
        assert (order["status"], order["filled"]) == ("closed", 0.01)
        ledger = await exchange.fetch_ledger("USDT", params={"type": "swap"})
        booked = sum(Decimal(e["info"]["amount"]) + Decimal(e["info"]["fee"]) for e in ledger)
        balance = (await exchange.fetch_balance())["info"][0]["accountEquity"]
        assert Decimal(balance) == booked, "every cent of the balance is in a bill"


async def test_a_hedged_long_and_short_live_side_by_side(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000), ideal=True, position_mode="hedge_mode") as sim:
        exchange = await connect(sim)
        hedged = {**ISOLATED, "hedged": True}
        await exchange.create_order(BTC, "market", "buy", 0.01, params=hedged)
        await exchange.create_order(BTC, "market", "sell", 0.02, params=hedged)
        sides = {p["side"]: p["contracts"] for p in await exchange.fetch_positions()}
        assert sides == {"long": 0.01, "short": 0.02}
        await exchange.create_order(BTC, "market", "sell", 0.01, params={**hedged, "reduceOnly": True})
        [left] = await exchange.fetch_positions()
        assert (left["side"], left["contracts"]) == ("short", 0.02)


async def test_hedge_orders_in_the_wrong_shape_are_refused(connect: Any) -> None:
    async with SimulatedBitget(position_mode="hedge_mode") as sim:
        exchange = await connect(sim)
        with pytest.raises(ccxt.InvalidOrder, match="40774"):
            await exchange.create_order(BTC, "market", "buy", 0.001, params=ISOLATED)


async def test_a_limit_order_rests_is_edited_and_cancelled(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000)) as sim:
        exchange = await connect(sim)
        placed = await exchange.create_order(
            BTC, "limit", "buy", 0.01, 98_000, {**ISOLATED, "clientOrderId": "r1"}
        )
        edited = await exchange.edit_order(
            placed["id"], BTC, "limit", "buy", 0.02, 97_000, {"newClientOid": "r2"}
        )
        [resting] = await exchange.fetch_open_orders(BTC)
        assert (resting["price"], resting["amount"], resting["clientOrderId"]) == (97_000, 0.02, "r2")
        await exchange.cancel_order(edited["id"] or resting["id"], BTC)
        assert await exchange.fetch_open_orders(BTC) == []
        with pytest.raises(ccxt.BaseError):
            await exchange.cancel_order(resting["id"], BTC)


async def test_stops_are_placed_moved_and_cancelled(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000)) as sim:
        exchange = await connect(sim)
        await exchange.create_order(BTC, "market", "buy", 0.01, params=ISOLATED)
        stop = await exchange.create_order(BTC, "market", "sell", 0.01, params={"stopLossPrice": 98_000})
        part = {"stopLossPrice": 98_500, "planType": "loss_plan", "clientOid": "cover-1"}
        await exchange.create_order(BTC, "market", "sell", 0.005, params=part)
        await exchange.edit_order(stop["id"], BTC, "market", "sell", 0.01, params={"stopLossPrice": 98_200})
        plans = {"trigger": True, "planType": "profit_loss"}
        waiting = await exchange.fetch_open_orders(BTC, params=plans)
        assert sorted(order["triggerPrice"] for order in waiting) == [98_200, 98_500]
        await exchange.cancel_order(stop["id"], BTC, {"trigger": True, "planType": "pos_loss"})
        [left] = await exchange.fetch_open_orders(BTC, params=plans)
        assert left["triggerPrice"] == 98_500
        sim.world.pin("BTCUSDT", Decimal(98_400))
        [position] = await exchange.fetch_positions()
        assert position["contracts"] == 0.005, "the mark went through the stop of the half"


async def test_a_client_order_id_is_used_once_in_a_life(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000)) as sim:
        exchange = await connect(sim)
        once = {**ISOLATED, "clientOrderId": "rung-1"}
        await exchange.create_order(BTC, "market", "buy", 0.001, params=once)
        with pytest.raises(ccxt.ExchangeError, match="40786"):
            await exchange.create_order(BTC, "market", "buy", 0.001, params=once)
        [position] = await exchange.fetch_positions()
        assert position["contracts"] == 0.001


async def test_public_watches_see_the_market_move(connect: Any) -> None:
    async with recorded(speed=60) as sim:
        exchange = await connect(sim)
        first = await soon(exchange.watch_ticker(BTC))
        later = await soon(exchange.watch_ticker(BTC))
        assert later["timestamp"] > first["timestamp"]
        assert float(later["info"]["markPrice"]) > 0 and later["info"]["nextFundingTime"]
        trades = await soon(exchange.watch_trades(BTC))
        assert [t["timestamp"] for t in trades] == sorted(t["timestamp"] for t in trades)
        bars = await soon(exchange.watch_ohlcv(BTC, "1m"))
        assert [bar[0] for bar in bars] == sorted(bar[0] for bar in bars)
        assert len(bars) > 0
        book = await soon(exchange.watch_order_book(BTC, 5))
        assert len(book["bids"]) == 5 and book["bids"][0][0] < book["asks"][0][0]


async def test_the_incremental_book_keeps_its_checksum_through_hundreds_of_changes(connect: Any) -> None:
    async with recorded(speed=600, push_every_s=0.005) as sim:
        exchange = await connect(sim)
        for _ in range(60):
            book = await soon(exchange.watch_order_book(BTC))
            assert book["bids"][0][0] < book["asks"][0][0]
        sim.feed.pause()
        sim.streams.flush()
        quote = sim.market["BTCUSDT"].quote
        while exchange.orderbooks[BTC]["bids"][0][0] != float(quote.bid):
            await soon(exchange.watch_order_book(BTC))
        assert exchange.orderbooks[BTC]["asks"][0][0] == float(quote.ask)
        assert len(exchange.orderbooks[BTC]["bids"]) == len(quote.bids)


async def test_private_watches_tell_order_fill_position_and_balance(connect: Any) -> None:
    async with SimulatedBitget(balance=Decimal(1_000), ideal=True) as sim:
        exchange = await connect(sim)
        assert await soon(exchange.watch_positions()) == []
        assert (await soon(exchange.watch_balance()))["USDT"]["total"] == 1_000
        watches = [
            asyncio.create_task(exchange.watch_orders(BTC)),
            asyncio.create_task(exchange.watch_my_trades(BTC)),
            asyncio.create_task(exchange.watch_positions()),
            asyncio.create_task(exchange.watch_balance()),
        ]
        await until(lambda: {"orders", "fill"} <= {topic.channel for topic in sim.streams._readers})
        await exchange.create_order(BTC, "market", "buy", 0.01, params={**ISOLATED, "clientOrderId": "w1"})
        _, trades, positions, balance = await soon(asyncio.gather(*watches))
        await until(lambda: exchange.orders[-1]["status"] == "closed")
        order = exchange.orders[-1]
        assert (order["clientOrderId"], order["status"], order["info"]["accBaseVolume"]) == (
            "w1",
            "closed",
            "0.01",
        )
        assert (trades[-1]["amount"], trades[-1]["price"]) == (0.01, 100_000)
        assert (positions[-1]["side"], positions[-1]["contracts"]) == ("long", 0.01)
        assert balance["USDT"]["total"] < 1_000


async def test_a_client_with_the_wrong_secret_is_turned_away_everywhere(connect: Any) -> None:
    async with SimulatedBitget() as sim:
        exchange = await connect(sim, secret="wrong")
        with pytest.raises(ccxt.AuthenticationError, match="40009"):
            await exchange.fetch_balance()
        with pytest.raises(ccxt.AuthenticationError, match="30015"):
            await soon(exchange.watch_balance())
