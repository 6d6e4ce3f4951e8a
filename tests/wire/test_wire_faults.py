"""Each fault does what its name says, to the request it was meant for and to no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from engine.simulator.armed import FaultError, Faults
from engine.simulator.server import SimulatedBitget

PLACE = "v2/mix/order/place-order"
POSITIONS = "v2/mix/position/all-position"
FUTURES = {"productType": "USDT-FUTURES", "marginCoin": "USDT"}


def size(sim: SimulatedBitget) -> Decimal:
    """How much BTC the account holds."""
    return sum((Decimal(row["total"]) for row in sim.exchange.snapshot("1")), Decimal(0))


async def until(claim: Callable[[], bool]) -> None:
    """Wait until `claim` holds."""
    async with asyncio.timeout(60):
        while not claim():  # noqa: ASYNC110 - what is claimed sets no event
            await asyncio.sleep(0.005)


async def requests(sim: SimulatedBitget, http: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with http.get(f"{sim.url}/_sim/state") as response:
        return list((await response.json())["requests"])


async def test_a_lost_request_is_never_answered_and_never_executed(ask: Any, http: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "lost", "path": PLACE})
        task = asyncio.create_task(ask.order(sim))
        await until(lambda: not sim.faults.describe())
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()
        assert size(sim) == 0
        assert (await ask.order(sim))[1]["code"] == "00000", "it was lost once"
        lost, done = await requests(sim, http)
        assert (lost["outcome"], lost["faults"], done["outcome"]) == ("lost", ["lost"], "answered")


async def test_a_lost_response_hides_an_order_that_was_executed(ask: Any, http: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "response_lost", "path": PLACE, "symbol": "BTCUSDT"})
        with pytest.raises(aiohttp.ClientError):
            await ask.order(sim, clientOid="rung-1")
        assert size(sim) == Decimal("0.001")
        _, again = await ask.order(sim, clientOid="rung-1")
        assert again["code"] == "40786", "the retry finds out"
        assert (await requests(sim, http))[0]["outcome"] == "executed, answer lost"


async def test_a_response_can_hang_instead_of_dropping(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "response_lost", "hang": True})
        task = asyncio.create_task(ask.order(sim))
        await until(lambda: size(sim) == Decimal("0.001"))
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()


async def test_a_doubled_request_is_executed_twice_unless_its_client_id_stops_it(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "doubled", "path": PLACE, "count": 2})
        assert (await ask.order(sim))[1]["code"] == "00000"
        assert size(sim) == Decimal("0.002")
        assert (await ask.order(sim, clientOid="fenced"))[1]["code"] == "00000"
        assert size(sim) == Decimal("0.003")


async def test_a_late_answer_comes_after_the_execution(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "late", "delay_ms": 300})
        task = asyncio.create_task(ask.order(sim))
        await until(lambda: size(sim) == Decimal("0.001"))
        assert not task.done()
        assert (await task)[1]["code"] == "00000"


async def test_a_late_request_is_executed_though_the_client_gave_up(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "late", "delay_ms": 500, "before": True})
        task = asyncio.create_task(ask.order(sim))
        await until(lambda: not sim.faults.describe())
        task.cancel()
        assert size(sim) == 0
        await until(lambda: size(sim) == Decimal("0.001"))


async def test_a_rejection_carries_its_code_and_executes_nothing(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "reject", "path": PLACE, "code": "40762", "msg": "no money", "count": None})
        for _ in range(3):
            status, answer = await ask.order(sim)
            assert (status, answer["code"], answer["msg"]) == (400, "40762", "no money")
        assert size(sim) == 0
        sim.faults.clear()
        assert (await ask.order(sim))[1]["code"] == "00000"


async def test_too_many_requests_is_429_twice_over(ask: Any, connect: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "too_many", "path": PLACE})
        assert (await ask.order(sim))[0] == 429
        assert size(sim) == 0
        exchange = await connect(sim)
        sim.faults.add({"fault": "too_many"})
        with pytest.raises(ccxt.DDoSProtection):
            await exchange.fetch_positions()


@pytest.mark.parametrize(("executed", "held"), [(True, "0.001"), (False, "0")])
async def test_a_server_error_may_or_may_not_have_executed(connect: Any, executed: bool, held: str) -> None:
    async with SimulatedBitget() as sim:
        exchange = await connect(sim)
        sim.faults.add({"fault": "server_error", "status": 502, "executed": executed})
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await exchange.create_order(
                "BTC/USDT:USDT", "market", "buy", 0.001, params={"marginMode": "isolated"}
            )
        assert size(sim) == Decimal(held)


async def test_a_malformed_answer_is_half_a_json(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "malformed", "path": PLACE})
        with pytest.raises(json.JSONDecodeError):
            await ask.order(sim)
        assert size(sim) == Decimal("0.001")


async def test_a_field_can_be_garbled_or_renamed(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        await ask.order(sim)
        sim.faults.add(
            [
                {"fault": "garbled", "path": POSITIONS, "field": "total"},
                {"fault": "garbled", "path": POSITIONS, "field": "marginSize", "renamed_to": "margin"},
            ]
        )
        _, answer = await ask(sim, "GET", POSITIONS, FUTURES)
        [row] = answer["data"]
        assert row["total"] == "NaN"
        assert "marginSize" not in row and Decimal(row["margin"]) > 0


async def test_a_thin_book_fills_in_part_and_cancels_the_rest(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "partial_fill", "path": PLACE, "cap": "0.0004"})
        _, answer = await ask.order(sim)
        assert answer["code"] == "00000"
        assert size(sim) == Decimal("0.0004")


async def test_a_fault_waits_for_its_method_path_and_symbol(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        sim.faults.add({"fault": "reject", "code": "1", "method": "POST", "path": PLACE, "symbol": "ETHUSDT"})
        assert (await ask.order(sim))[1]["code"] == "00000"
        assert (await ask(sim, "GET", POSITIONS, FUTURES))[1]["code"] == "00000"
        assert (await ask.order(sim, symbol="ETHUSDT", size="0.01"))[1]["code"] == "1"


async def test_chance_is_drawn_from_the_seed(ask: Any) -> None:
    async def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add({"fault": "lost", "probability": 0.5, "count": None})
        return [bool(faults.strike_request("GET", "x", "")) for _ in range(64)]

    assert await hits(1) == await hits(1) != await hits(2)
    assert 16 < sum(await hits(1)) < 48


async def test_a_network_that_is_down_answers_nobody(ask: Any, dial: Any) -> None:
    async with SimulatedBitget() as sim:
        line = await dial(sim)
        sim.faults.add({"fault": "network_down", "ms": 60_000})
        with pytest.raises(aiohttp.ClientError):
            await ask.order(sim)
        with pytest.raises(aiohttp.ClientError):
            await dial(sim)
        assert await line.hear() == "closed"
        assert size(sim) == 0
        sim.faults.clear()
        assert (await ask.order(sim))[1]["code"] == "00000"
        assert (await (await dial(sim)).subscribe("ticker", "BTCUSDT"))["event"] == "subscribe"


async def test_a_skewed_clock_refuses_honest_timestamps(ask: Any, connect: Any) -> None:
    async with SimulatedBitget() as sim:
        exchange = await connect(sim)
        sim.faults.add({"fault": "clock_skew", "ms": 45_000})
        assert await exchange.fetch_time() - exchange.milliseconds() > 40_000
        with pytest.raises(ccxt.InvalidNonce):
            await exchange.fetch_positions()
        sim.faults.clear()
        assert await exchange.fetch_positions() == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"fault": "gremlin"}, "fault 'gremlin' is not known; known: "),
        ({"path": "x"}, 'a fault is an object such as {"fault": "lost"}'),
        ({"fault": "late"}, "its fields: delay_ms, before, method, path, symbol, count, probability"),
        ({"fault": "lost", "chanel": "x"}, "chanel"),
        ({"fault": "lost", "count": 0}, "count must be 1 or more"),
        ({"fault": "lost", "probability": 2}, "probability must lie between 0 and 1"),
        ({"fault": "server_error", "status": 404}, "use 500 to 599"),
        ({"fault": "partial_fill", "cap": "much"}, "is not a size"),
        ({"fault": "network_down", "ms": -1}, "must not be negative"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_what_does(
    http: Any, body: dict[str, Any], complaint: str
) -> None:
    async with SimulatedBitget() as sim:
        async with http.post(f"{sim.url}/_sim/faults", json=[{"fault": "lost"}, body]) as response:
            assert response.status == 400
            assert complaint in (await response.json())["error"]
        assert sim.faults.describe() == [], "a list is armed whole or not at all"


async def test_faults_are_listed_with_what_is_left_of_them_and_cleared(http: Any, ask: Any) -> None:
    async with SimulatedBitget() as sim:
        body = [{"fault": "reject", "code": "1", "path": PLACE, "count": 2}]
        async with http.post(f"{sim.url}/_sim/faults", json=body) as response:
            assert response.status == 200
        await ask.order(sim)
        async with http.get(f"{sim.url}/_sim/faults") as response:
            [row] = await response.json()
        assert (row["fault"], row["left"], row["struck"]) == ("reject", 1, 1)
        async with http.delete(f"{sim.url}/_sim/faults") as response:
            assert await response.json() == []
        assert (await ask.order(sim))[1]["code"] == "00000"


def test_the_network_comes_back_when_its_milliseconds_are_over() -> None:
    now_s = 5.0
    faults = Faults(wall=lambda: now_s)
    faults.add({"fault": "network_down", "ms": 200})
    now_s = 5.19
    assert faults.network_is_down()
    now_s = 5.2
    assert not faults.network_is_down()
    assert faults.describe() == []


def test_faults_can_be_armed_from_python_as_well() -> None:
    from engine.simulator.faults import Late, StreamGap

    faults = Faults()
    faults.add([Late(delay_ms=5), StreamGap(channel="orders", count=3)])
    assert repr(faults) == "Faults(late, stream_gap)"
    with pytest.raises(FaultError):
        faults.add({"fault": "nothing"})
