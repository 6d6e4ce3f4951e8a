"""Whoever runs the simulation moves the market, its clock and its feed over HTTP."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from engine.simulator.candles import MINUTE_MS, Candle, Recording
from engine.simulator.digits import plain
from engine.simulator.server import SimulatedBitget

START = 1_746_372_780_000
HOUR = 3_600_000


def climbing(count: int = 240) -> Recording:
    away = (0, 30, -25, 10)
    return Recording(
        "BTCUSDT",
        tuple(
            Candle(START + MINUTE_MS * n, *(Decimal(100_000 + 10 * n + by) for by in away), Decimal(3))
            for n in range(count)
        ),
    )


class Control:
    """/_sim/ of one exchange."""

    def __init__(self, http: Any, sim: SimulatedBitget) -> None:
        self._http, self._sim = http, sim

    async def __call__(self, method: str, name: str, body: Any = None) -> Any:
        async with self._http.request(method, f"{self._sim.url}/_sim/{name}", json=body) as response:
            return {**await response.json(), "status": response.status}


async def test_the_mark_is_exactly_the_price_that_was_set(http: Any, dial: Any) -> None:
    async with SimulatedBitget(speed=0) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", "BTCUSDT")
        await line.hear()
        answer = await Control(http, sim)("POST", "mark", {"symbol": "BTCUSDT", "price": "97123.45"})
        assert (answer["status"], answer["mark"]) == (200, "97123.45")
        [row] = (await line.hear())["data"]
        assert (row["markPrice"], row["indexPrice"], row["lastPr"]) == ("97123.45",) * 3
        assert sim.market["BTCUSDT"].quote.mark == Decimal("97123.45")


async def test_another_key_of_the_account_signs_for_the_same_account(http: Any, connect: Any) -> None:
    async with SimulatedBitget(speed=0) as sim:
        first = await connect(sim)
        await first.set_leverage(7, "BTC/USDT:USDT")
        made = await Control(http, sim)("POST", "key")
        assert made["key"] != sim.key
        own = {"apiKey": made["key"], "secret": made["secret"], "password": made["passphrase"]}
        second = await connect(sim, **own)
        told = await second.fetch_leverage("BTC/USDT:USDT", {"marginMode": "isolated"})
        assert told["longLeverage"] == 7
        assert (await first.fetch_balance())["USDT"]["total"] == 100, "the older key is as good as before"
        assert (await second.watch_balance())["USDT"]["total"] == 100, "it opens the private stream, too"
        refused = await Control(http, sim)("POST", "key", {"account": "9"})
        assert (refused["status"], refused["error"]) == (400, "account '9' does not exist")


async def test_every_mark_that_is_set_is_told_at_once(http: Any, dial: Any) -> None:
    async with SimulatedBitget(speed=0, push_every_s=30) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", "BTCUSDT")
        await line.hear()
        control = Control(http, sim)
        for price in (99_000, 98_000, 97_000):
            await control("POST", "mark", {"symbol": "BTCUSDT", "price": price})
            assert (await line.hear())["data"][0]["markPrice"] == str(price)


async def test_time_passes_and_funding_is_settled_on_the_way(http: Any, ask: Any) -> None:
    async with SimulatedBitget(speed=0, balance=Decimal(1_000), start=START) as sim:
        control = Control(http, sim)
        await control("POST", "funding", {"symbol": "BTCUSDT", "rate": "0.001"})
        await ask.order(sim, size="0.01")
        began = sim.market.now_ms
        answer = await control("POST", "clock", {"advance_ms": 9 * HOUR})
        assert answer["now_ms"] == began + 9 * HOUR
        _, bills = await ask(
            sim,
            "GET",
            "v2/mix/account/bill",
            {"productType": "USDT-FUTURES", "businessType": "contract_settle_fee"},
        )
        assert [row["amount"] for row in bills["data"]["bills"]] == ["-1", "-1"], "at 16:00 and at 00:00"


async def test_the_feed_stops_on_the_tick_that_leaves_the_band_and_says_why(http: Any, dial: Any) -> None:
    async with SimulatedBitget(data=[climbing()], speed=0, push_every_s=30) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", "BTCUSDT")
        await line.hear()
        control = Control(http, sim)
        at_once = await control("POST", "feed", {"state": "play", "until": {"BTCUSDT": [90_000, 101_000]}})
        assert at_once["status"] == 200
        async with asyncio.timeout(60):
            await sim.feed.halted()
        seen = await control("GET", "feed")
        assert seen["reason"] == "band"
        assert Decimal(seen["marks"]["BTCUSDT"]) >= 101_000
        heard = (await line.hear())["data"][0]
        while int(heard["ts"]) < seen["now_ms"]:
            heard = (await line.hear())["data"][0]
        assert heard["markPrice"] == plain(Decimal(seen["marks"]["BTCUSDT"]))


async def test_waiting_for_the_feed_answers_when_it_has_stopped(http: Any) -> None:
    async with SimulatedBitget(data=[climbing()], speed=0) as sim:
        control = Control(http, sim)
        until = START + 20 * MINUTE_MS
        answer = await control("POST", "feed?wait=1", {"speed": "max", "until_ms": until})
        assert (answer["state"], answer["reason"], answer["now_ms"]) == ("pause", "time", until)
        answer = await control("POST", "feed?wait=1", {"speed": "max", "pause_at_funding": True})
        assert (answer["reason"], answer["now_ms"] % (8 * HOUR)) == ("funding", 0)
        answer = await control("POST", "feed?wait=1", {"speed": "max"})
        assert (answer["reason"], answer["progress"]) == ("end", pytest.approx(1, abs=0.01))


async def test_the_feed_is_paused_and_played_on(http: Any) -> None:
    async with SimulatedBitget(data=[climbing()], speed=100) as sim:
        control = Control(http, sim)
        assert (await control("POST", "feed", {"state": "pause"}))["reason"] == "asked"
        stood = sim.market.now_ms
        await asyncio.sleep(0.05)
        assert sim.market.now_ms == stood
        assert (await control("POST", "feed", {"state": "play", "speed": 1000}))["speed"] == 1000
        async with asyncio.timeout(60):
            while sim.market.now_ms == stood:  # noqa: ASYNC110 - the market tells nobody
                await asyncio.sleep(0.01)
        assert sim.market.now_ms > stood


async def test_state_tells_accounts_feed_faults_and_every_request(http: Any, ask: Any) -> None:
    async with SimulatedBitget(speed=0) as sim:
        await ask.order(sim, clientOid="seen-1")
        await ask.order(sim, size="0")
        state = await Control(http, sim)("GET", "state")
        assert state["accounts"]["1"]["positions"][0]["symbol"] == "BTCUSDT"
        first, second = state["requests"]
        assert (first["path"], first["params"]["clientOid"], first["code"]) == (
            "v2/mix/order/place-order",
            "seen-1",
            "00000",
        )
        assert second["status"] == 400 and second["code"] != "00000"
        later = await Control(http, sim)("GET", f"state?after={first['number']}")
        assert [row["number"] for row in later["requests"]] == [second["number"]]


async def test_a_position_can_be_deleveraged_by_the_exchange(http: Any, ask: Any) -> None:
    async with SimulatedBitget(speed=0) as sim:
        await ask.order(sim, size="0.003")
        control = Control(http, sim)
        await control("POST", "adl", {"symbol": "BTCUSDT", "side": "long", "size": "0.002"})
        [position] = sim.exchange.snapshot("1")
        assert position["total"] == "0.001"
        answer = await control("POST", "adl", {"symbol": "BTCUSDT", "side": "short", "size": "1"})
        assert (answer["status"], answer["code"]) == (400, "22002")


async def test_a_contract_can_be_closed_for_maintenance(http: Any, ask: Any) -> None:
    async with SimulatedBitget(speed=0) as sim:
        await Control(http, sim)("POST", "status", {"symbol": "BTCUSDT", "status": "maintain"})
        _, contracts = await ask(
            sim, "GET", "v2/mix/market/contracts", {"productType": "USDT-FUTURES", "symbol": "BTCUSDT"}
        )
        assert contracts["data"][0]["symbolStatus"] == "maintain"
        assert (await ask.order(sim))[1]["code"] != "00000"


@pytest.mark.parametrize(
    ("method", "name", "body", "complaint"),
    [
        ("POST", "mark", {"symbol": "DOGE", "price": 1}, "symbol 'DOGE' is not listed; listed: BTCUSDT"),
        ("POST", "mark", {"symbol": "BTCUSDT", "price": "up"}, "price 'up': a number is expected"),
        ("POST", "mark", {"symbol": "BTCUSDT", "price": -5}, "a price is above zero"),
        ("POST", "mark", {"symbol": "BTCUSDT", "price": "NaN"}, "a finite number is expected"),
        ("POST", "mark", {"symbol": "BTCUSDT", "prize": 5}, "prize: not known here; known: price, symbol"),
        ("POST", "clock", {"advance_ms": -1}, "whole milliseconds"),
        ("POST", "clock", {"advance_ms": "soon"}, "whole milliseconds"),
        ("POST", "feed", {"state": "rewind"}, "'play' or 'pause' is expected"),
        ("POST", "feed", {"speed": 0}, "a number above 0, or 'max'"),
        ("POST", "feed", {"until": {"BTCUSDT": 5}}, "[low, high] is expected"),
        ("POST", "feed", [1], "the body must be a JSON object"),
        ("POST", "adl", {"symbol": "BTCUSDT", "side": "up", "size": 1}, "side must be 'long' or 'short'"),
        ("POST", "status", {"symbol": "BTCUSDT", "status": "asleep"}, "one of normal, listed"),
        ("GET", "tea", None, "there is no GET /_sim/tea; there are POST /_sim/mark"),
    ],
)
async def test_a_command_that_makes_no_sense_is_told_what_does(
    http: Any, method: str, name: str, body: Any, complaint: str
) -> None:
    async with SimulatedBitget(speed=0) as sim:
        answer = await Control(http, sim)(method, name, body)
        assert answer["status"] in (400, 404)
        assert complaint in answer["error"]
