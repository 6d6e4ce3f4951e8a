"""Faults on real sockets in the middle of a rung: afterwards exchange and ledger are one, nothing was done
twice, and the stops rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.events import Breakeven, Flatten
from engine.core.instrument import Side
from engine.core.ledger import net_so_far
from engine.venue.bitget import Patience
from tests.acceptance.scene import BTC, ETH, Scene, scene

D = Decimal
AT_40_000 = {BTC: D(40_000), ETH: D(3_000)}
QUICK = Patience(answer_s=0.5, again_s=0.2)
RUNG_1 = ["0.001 @ 100000", "0.0021 @ 99293.2"]

FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"fault": "lost"},
    "response lost": {"fault": "response_lost"},
    "doubled": {"fault": "doubled"},
    "502 without effect": {"fault": "server_error"},
    "502 with effect": {"fault": "server_error", "executed": True},
    "429": {"fault": "too_many"},
    "half a JSON": {"fault": "malformed"},
    "no order id": {"fault": "garbled", "field": "orderId", "renamed_to": "oid"},
    "answered late": {"fault": "late", "delay_ms": 700},
    "carried out late": {"fault": "late", "delay_ms": 700, "before": True},
    "clock refused": {"fault": "reject", "code": "40008"},
    "try again": {"fault": "reject", "code": "40725"},
}
REQUESTS: dict[str, dict[str, Any]] = {
    "bank": {"path": "v2/mix/order/place-order"},
    "first stop": {"path": "v2/mix/order/place-tpsl-order"},
    "orders read back": {"path": "v2/mix/order/orders-plan-pending"},
}


async def settled(s: Scene, rungs: int, stops: list[str]) -> None:
    """At rest with so many rungs; and then everything agrees, to the last unit."""
    await s.until(lambda: s.cycle().rungs == rungs and not s.cycle().rung, f"rung {rungs}")
    await s.until(lambda: s.stops() == s.believed() == stops, f"stops {stops}")
    await s.until(lambda: not s.on.engine.state.pending, "every request has ended")
    await s.on.reconcile()
    agree(s)


def agree(s: Scene) -> None:
    """Ledger and exchange are one, and no client id and no step was carried out twice."""
    cycle = s.cycle()
    assert s.held() == cycle.side.d * sum((leg.qty for leg in cycle.legs), D(0))
    account = s.on.sim.exchange.account(s.on.sim.keys[0].account_id)
    assert account.wallet - 100 == net_so_far(cycle)
    done = [
        row["params"]["clientOid"]
        for row in s.sent("")
        if row["params"].get("clientOid")
        and row["code"] == "00000"
        and row["path"].startswith("v2/mix/order/place")
    ]
    assert not [name for name, times in Counter(done).items() if times > 1], done
    steps = Counter(step[1] for name in done if (step := re.search(r"-(r\d+-\w+)-", name)))
    assert all(times == 1 for times in steps.values()), steps


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_on_a_request_of_a_rung(tmp_path: Path, fault: str, request_: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        s.fault(FAULTS[fault] | REQUESTS[request_])
        await s.mark("95000")
        await settled(s, 1, RUNG_1)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_on_the_add(tmp_path: Path, fault: str) -> None:
    """The add is the second order of the rung: the fault waits until the bank has been taken."""
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        s.fault_after(lambda: s.held() == D("-0.001"), FAULTS[fault] | REQUESTS["bank"])
        await s.mark("95000")
        await settled(s, 1, RUNG_1)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "no order id"], ids=str)
async def test_a_fault_on_the_move_of_a_stop(tmp_path: Path, fault: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens_and_climbs("95000")
        s.fault(FAULTS[fault] | {"path": "v2/mix/order/modify-tpsl-order"})
        await s.mark("90250")
        await settled(s, 2, ["0.001 @ 97088.6", "0.0011 @ 95000", "0.0022 @ 94328.5"])
        assert s.cycle().put_back == 0, "the trader's hand is not blamed for our own lost move"


@pytest.mark.parametrize("seconds", [0.5, 3])
async def test_the_network_is_down_in_the_middle_of_a_rung(tmp_path: Path, seconds: float) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        down = {"fault": "network_down", "ms": int(seconds * 1000)}
        is_gone = s.fault_after(lambda: s.held() == D("-0.001"), down)
        await s.mark("95000")
        await s.until(is_gone, "the bank is taken and the network is gone")
        await settled(s, 1, RUNG_1)


@pytest.mark.long
async def test_the_network_is_down_for_ninety_seconds_in_the_middle_of_a_rung(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens()
        down = {"fault": "network_down", "ms": 90_000}
        is_gone = s.fault_after(lambda: s.held() == D("-0.001"), down)
        await s.mark("95000")
        await s.until(is_gone, "the bank is taken and the network is gone")
        await s.until(lambda: s.cycle().rung is None, "the rung has ended", within_s=150)
        await s.until(lambda: s.stops() == s.believed() and s.stops(), "a stop rests")
        agree(s)


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "stream_gap", "channel": "orders", "count": 5},
        {"fault": "stream_gap", "channel": "fill", "count": 5},
        {"fault": "stream_gap", "channel": "positions", "count": 5},
        {"fault": "stream_gap", "channel": "orders-algo", "count": 5},
        {"fault": "stream_duplicate", "count": 30},
        {"fault": "stream_reorder", "channel": "orders", "count": 3},
        {"fault": "stream_reorder", "channel": "positions", "count": 3},
        {"fault": "fill_before_order", "count": 5},
        {"fault": "stale_snapshot", "channel": "positions"},
        {"fault": "disconnect"},
        {"fault": "disconnect", "side": "private"},
    ],
    ids=lambda fault: "-".join(str(v) for v in fault.values()),
)
async def test_a_fault_of_the_stream_in_the_middle_of_a_rung(
    tmp_path: Path, fault: Mapping[str, Any]
) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        s.fault(dict(fault))
        await s.mark("95000")
        await settled(s, 1, RUNG_1)


@pytest.mark.parametrize("code", ["45122", "43011", "40893", "45110", "22002"])
async def test_a_refused_stop_of_the_new_leg_never_leaves_it_bare(tmp_path: Path, code: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        is_added = s.fault_after(
            lambda: s.held() == D("-0.0031"),
            {"fault": "reject", "path": "v2/mix/order/place-tpsl-order", "code": code, "count": None},
        )
        await s.mark("95000")
        await s.until(is_added, "the add is done")
        await s.until(
            lambda: s.held() == D("-0.001") or s.cycle().error,
            "the new leg is closed again, or the trader is told to protect it",
        )
        assert s.stops() == ["0.001 @ 100000"]
        assert any(
            "no stop could be placed" in line or "Place it by hand" in line or "passed its stop" in line
            for line in s.told()
        )
        await s.on.at_rest()
        if s.held() == D("-0.001"):
            assert not [line for line in s.told() if "Added" in line and "closed again since" not in line]


async def test_an_add_too_small_to_be_closed_again_is_told_when_its_stop_is_refused(tmp_path: Path) -> None:
    """At 40,000 one lot is worth 4 USDT, and Bitget takes no order under 5."""
    async with scene(tmp_path, patience=QUICK, ideal=False, markets=AT_40_000) as s:
        await s.opens(qty="0.005")
        order, stop = REQUESTS["bank"], REQUESTS["first stop"]
        s.fault_after(lambda: s.held() == D("-0.0025"), order | {"fault": "partial_fill", "cap": "0.0001"})
        is_added = s.fault_after(
            lambda: s.held() == D("-0.0026"), stop | {"fault": "reject", "code": "43011", "count": None}
        )
        await s.mark("37900")
        await s.until(is_added, "one lot is added")
        for _ in range(4):
            await s.later(9)
        await s.is_told_that("Place it by hand: Ratchet stops scaling here.")
        assert not s.was_told("45110") and not s.was_told("closing")
        assert s.held() == D("-0.0026")


@pytest.mark.parametrize("code", ["40762", "40893", "45110", "43012"])
async def test_a_refused_add_leaves_the_cycle_banked_and_covered(tmp_path: Path, code: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        s.fault_after(
            lambda: s.held() == D("-0.001"),
            {"fault": "reject", "path": "v2/mix/order/place-order", "code": code},
        )
        await s.mark("95000")
        await s.is_told_that("ends without its add")
        await s.until(lambda: s.stops() == s.believed() == ["0.001 @ 100000"], "banked and covered")
        await s.on.at_rest()
        agree(s)


async def test_a_refused_bank_gives_the_rung_up_and_says_so(tmp_path: Path) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens()
        s.fault({"fault": "reject", "path": "v2/mix/order/place-order", "code": "40893"})
        await s.mark("95000")
        await s.is_told_that("rung 1 is given up")
        await s.on.at_rest()
        assert (s.held(), s.stops()) == (D("-0.002"), [])


async def test_a_bank_that_fills_in_part_counts_what_it_filled(tmp_path: Path) -> None:
    async with scene(tmp_path, patience=QUICK, ideal=False) as s:
        await s.opens()
        s.fault({"fault": "partial_fill", "path": "v2/mix/order/place-order", "cap": "0.0004"})
        await s.mark("94900")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.on.at_rest()
        assert [leg.qty for leg in s.cycle().legs] == [D("0.0016"), D("0.0004")], "the add too"
        assert [stop.split()[0] for stop in s.stops()] == ["0.0016", "0.0004"]
        agree(s)


async def test_an_add_that_fills_in_part_is_covered_as_it_is(tmp_path: Path) -> None:
    async with scene(tmp_path, patience=QUICK, ideal=False) as s:
        await s.opens()
        s.fault_after(
            lambda: s.held() == D("-0.001"),
            {"fault": "partial_fill", "path": "v2/mix/order/place-order", "cap": "0.0007"},
        )
        await s.mark("94900")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        await s.on.at_rest()
        assert [leg.qty for leg in s.cycle().legs] == [D("0.001"), D("0.0007")]
        assert [stop.split()[0] for stop in s.stops()] == ["0.001", "0.0007"]
        agree(s)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_on_the_one_stop_for_everything(tmp_path: Path, fault: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens_and_climbs("95000")
        s.fault(FAULTS[fault] | REQUESTS["first stop"])
        await s.is_told(Breakeven(BTC, Side.SHORT))
        await settled(s, 1, ["all @ 98071.2"])


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_on_the_close_of_a_flatten(tmp_path: Path, fault: str) -> None:
    async with scene(tmp_path, patience=QUICK) as s:
        await s.opens_and_climbs("95000")
        s.fault(FAULTS[fault] | REQUESTS["bank"])
        await s.is_told(Flatten())
        await s.until(lambda: not s.on.cycles(), "the cycle has ended")
        assert (s.held(), s.stops()) == (0, [])
        agree(s)
