"""Who may ask what, how often, and what a wrong request is told."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from engine.simulator.limits import RateLimits, SocketLimits, Window
from engine.simulator.server import SimulatedBitget
from engine.simulator.signing import Key, new_key

ACCOUNTS = "v2/mix/account/accounts"
FUTURES = {"productType": "USDT-FUTURES"}


async def test_a_signed_request_is_answered_in_bitgets_envelope(ask: Any) -> None:
    async with SimulatedBitget(balance=Decimal(250)) as sim:
        status, answer = await ask(sim, "GET", ACCOUNTS, FUTURES)
    assert (status, answer["code"], answer["msg"]) == (200, "00000", "success")
    assert abs(answer["requestTime"] - time.time() * 1000) < 5_000
    assert answer["data"][0]["available"] == "250"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ACCESS-KEY": ""}, "40001"),
        ({"ACCESS-SIGN": ""}, "40002"),
        ({"ACCESS-TIMESTAMP": ""}, "40003"),
        ({"ACCESS-PASSPHRASE": ""}, "40011"),
        ({"ACCESS-TIMESTAMP": "yesterday"}, "40005"),
        ({"ACCESS-KEY": "somebody"}, "40006"),
        ({"ACCESS-KEY": "bg_" + "0" * 32}, "40037"),
        ({"ACCESS-SIGN": "d3Jvbmc="}, "40009"),
        ({"ACCESS-PASSPHRASE": "wrong"}, "40012"),
    ],
)
async def test_a_wrong_signature_is_named(ask: Any, headers: dict[str, str], code: str) -> None:
    async with SimulatedBitget() as sim:
        status, answer = await ask(sim, "GET", ACCOUNTS, FUTURES, headers=headers)
    assert (status, answer["code"], answer["data"]) == (400, code, None)


@pytest.mark.parametrize(("off_ms", "code"), [(-31_000, "40008"), (31_000, "40004"), (-20_000, "00000")])
async def test_a_timestamp_is_good_for_thirty_seconds(ask: Any, off_ms: int, code: str) -> None:
    async with SimulatedBitget() as sim:
        _, answer = await ask(sim, "GET", ACCOUNTS, FUTURES, at_ms=int(time.time() * 1000) + off_ms)
    assert answer["code"] == code


async def test_the_signature_covers_the_query(ask: Any, http: Any) -> None:
    from engine.simulator.signing import rest_headers

    async with SimulatedBitget() as sim:
        target = f"/api/{ACCOUNTS}?productType=USDT-FUTURES"
        signed = rest_headers(sim.keys[0], int(time.time() * 1000), "GET", target)
        async with http.get(f"{sim.url}{target}&marginCoin=USDT", headers=signed) as response:
            assert (await response.json())["code"] == "40009"


async def test_the_signature_may_be_over_the_encoded_or_the_raw_query(ask: Any, http: Any) -> None:
    from yarl import URL

    from engine.simulator.signing import rest_headers

    async with SimulatedBitget() as sim:
        sent = f"/api/{ACCOUNTS}?productType=USDT%2DFUTURES"
        for signed_over in (sent, sent.replace("%2D", "-")):
            headers = rest_headers(sim.keys[0], int(time.time() * 1000), "GET", signed_over)
            async with http.get(URL(sim.url + sent, encoded=True), headers=headers) as response:
                assert (await response.json())["code"] == "00000"


async def test_an_unknown_url_is_never_a_success(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        status, answer = await ask(sim, "GET", "v2/mix/market/horoscope")
        assert (status, answer["code"], answer["msg"]) == (404, "40404", "Request URL NOT FOUND")
        status, _ = await ask(sim, "GET", "v2/mix/order/place-order")
        assert status == 404


async def test_a_body_that_is_not_json_is_refused(http: Any) -> None:
    async with SimulatedBitget() as sim:
        response = await http.post(f"{sim.url}/api/v2/mix/order/place-order", data="size=1")
        assert (response.status, (await response.json())["code"]) == (400, "40017")


async def test_the_classic_account_refuses_the_unified_probe_and_a_unified_one_answers_it(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        assert (await ask(sim, "GET", "v3/account/settings"))[1]["code"] == "40084"
        sim.faults.add({"fault": "unified_account"})
        assert (await ask(sim, "GET", "v3/account/settings"))[1]["data"]["accountMode"] == "unified"
        assert (await ask(sim, "GET", ACCOUNTS, FUTURES))[1]["code"] == "40085"
        assert (await ask(sim, "GET", "v2/public/time"))[1]["code"] == "00000"


async def test_a_key_that_may_only_read_places_no_order(ask: Any) -> None:
    reader = Key(
        **{name: getattr(new_key(), name) for name in ("key", "secret", "passphrase")}, can_trade=False
    )
    async with SimulatedBitget(keys=[reader]) as sim:
        assert (await ask(sim, "GET", ACCOUNTS, FUTURES))[1]["code"] == "00000"
        status, answer = await ask.order(sim)
        assert (status, answer["code"]) == (400, "40014")
        assert sim.exchange.snapshot("1") == []


async def test_each_key_sees_its_own_account(ask: Any) -> None:
    one, other = new_key("one"), new_key("other")
    async with SimulatedBitget(keys=[one, other], balance=Decimal(1_000)) as sim:
        await ask.order(sim)
        assert len(sim.exchange.snapshot("one")) == 1
        assert sim.exchange.snapshot("other") == []


async def test_the_eleventh_order_in_a_second_is_too_many(ask: Any) -> None:
    now_ms = int(time.time() * 1000)
    async with SimulatedBitget(wall_ms=lambda: now_ms) as sim:
        answers = await asyncio.gather(*(ask.order(sim, size="0") for _ in range(11)))
        codes = [answer["code"] for _, answer in answers]
        assert codes.count("429") == 1
        assert [status for status, answer in answers if answer["code"] == "429"] == [429]
        assert (await ask(sim, "GET", ACCOUNTS, FUTURES))[1]["code"] == "00000", (
            "limits are each endpoint's own"
        )


def test_a_window_forgets_after_its_span() -> None:
    window = Window(2, 1.0)
    assert [window.admits(now) for now in (0.0, 0.5, 0.9, 1.0, 1.4, 1.6)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_all_calls_together_have_a_limit_by_the_minute() -> None:
    limits = RateLimits()
    assert all(limits.admits("1", f"path {n}", 0.001 * n) for n in range(6_000))
    assert not limits.admits("1", "another path", 10.0)
    assert limits.admits("1", "another path", 61.0)


def test_an_address_may_not_open_more_than_a_hundred_connections() -> None:
    limits = SocketLimits()
    assert all(limits.connect("here", 0.0) for _ in range(100))
    assert not limits.connect("here", 0.0)
    limits.disconnect("here")
    assert limits.connect("here", 0.0)


def test_an_address_may_not_connect_more_than_300_times_in_five_minutes() -> None:
    limits = SocketLimits()
    for _ in range(300):
        assert limits.connect("here", 0.0)
        limits.disconnect("here")
    assert not limits.connect("here", 299.0)
    assert limits.connect("here", 300.5)


async def test_no_secret_reaches_the_log_of_requests(ask: Any, http: Any) -> None:
    async with SimulatedBitget() as sim:
        await ask.order(sim)
        async with http.get(f"{sim.url}/_sim/state") as response:
            text = await response.text()
    assert "place-order" in text
    for secret in (sim.key, sim.secret, sim.passphrase):
        assert secret not in text
    assert sim.secret not in repr(sim.keys[0]) and sim.passphrase not in repr(sim.keys[0])


async def test_the_demo_header_is_tolerated(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        _, answer = await ask(sim, "GET", ACCOUNTS, FUTURES, headers={"PAPTRADING": "1"})
    assert answer["code"] == "00000"


def test_the_simulator_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SimulatedBitget(host="0.0.0.0")
    with pytest.raises(ValueError, match="loopback only"):
        SimulatedBitget(host="example.com")


async def test_a_request_that_leaves_out_what_bitget_needs_is_no_success(ask: Any) -> None:
    order = {
        "symbol": "BTCUSDT",
        "marginMode": "isolated",
        "side": "buy",
        "size": "0.01",
        "orderType": "market",
    }
    async with SimulatedBitget(balance=Decimal(250)) as sim:
        for method, path, params, missing in (
            ("GET", ACCOUNTS, {}, "productType"),
            ("GET", "v2/mix/market/tickers", {}, "productType"),
            ("GET", "v2/mix/account/account", {"symbol": "BTCUSDT", **FUTURES}, "marginCoin"),
            ("POST", "v2/mix/order/place-order", order | {"marginCoin": "USDT"}, "productType"),
            ("POST", "v2/mix/order/place-order", order | FUTURES, "marginCoin"),
            ("GET", "v2/common/trade-rate", {"symbol": "BTCUSDT"}, "businessType"),
        ):
            status, answer = await ask(sim, method, path, params)
            assert (status, answer["code"]) == (400, "40019"), path
            assert answer["msg"] == f"Parameter {missing} cannot be empty"
        _, positions = await ask(sim, "GET", "v2/mix/position/all-position", FUTURES)
        assert positions["data"] == []


async def test_the_rates_of_a_business_that_is_not_here_are_not_those_of_futures(ask: Any) -> None:
    async with SimulatedBitget() as sim:
        asked = {"symbol": "BTCUSDT", "businessType": "spot"}
        status, answer = await ask(sim, "GET", "v2/common/trade-rate", asked)
    assert (status, answer["code"], answer["data"]) == (400, "40017", None)
