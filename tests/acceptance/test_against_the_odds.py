"""What nobody expects of Bitget: what is held stays protected, and the trader is told."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import pytest

from engine.core.events import Enter, Flatten, Timer
from engine.core.instrument import Side
from engine.protocol import Mode
from engine.runtime.snapshot import snapshot_of
from tests.acceptance.scene import BTC, Scene, scene

POSITIONS = "v2/mix/position/all-position"
ORDERS = "v2/mix/order/orders-pending"
RUNG_1 = ["0.001 @ 100000", "0.0021 @ 99293.2"]


async def rounds(s: Scene, number: int, seconds: float) -> None:
    """So many rounds of reconciliation, so far apart, whatever comes of them."""
    for _ in range(number):
        await s.later(seconds)
        s.on.engine.take(Timer(reconcile=True))
        await s.until(lambda: not s.on.engine.errands.in_flight, "all of it is answered")


async def test_a_list_of_positions_that_stays_empty_takes_no_stop_away(tmp_path: Path) -> None:
    """Poll after poll Bitget says that nothing is open; the stops, which die with a position, still rest."""
    async with scene(tmp_path) as s:
        cycle = await s.opens_and_climbs("95000")
        s.fault({"fault": "garbled", "path": POSITIONS, "field": "total", "value": "0", "count": None})
        await rounds(s, 8, 2.0)
        await s.is_told_that("Bitget lists the position no more, and its stops still")
        assert s.cycle().id == cycle.id
        assert not s.cycle().closed
        assert s.stops() == s.believed() == RUNG_1
        s.on.sim.faults.clear()
        await s.on.reconcile()
        assert s.cycle().doubt is None
        assert s.stops() == s.believed() == RUNG_1
        assert not s.was_told("closed (")


@pytest.mark.parametrize(
    ("path", "what", "fault"),
    [
        (POSITIONS, "positions", {"fault": "garbled", "field": "total", "renamed_to": "size"}),
        (POSITIONS, "positions", {"fault": "reject", "code": "40018"}),
        (ORDERS, "orders", {"fault": "malformed"}),
        ("v2/mix/account/account", "balance", {"fault": "server_error"}),
    ],
)
async def test_what_cannot_be_read_any_more_is_told_and_nothing_is_added(
    tmp_path: Path, path: str, what: str, fault: dict[str, str]
) -> None:
    """The streams live and the prices come, only the reconciliation fails: for ever, without a change."""
    async with scene(tmp_path) as s:
        await s.opens()
        s.fault({**fault, "path": path, "count": None})
        await rounds(s, 5, 10.0)
        await s.is_told_that(f"Bitget's {what} could not be read for 30 s (")
        shown = snapshot_of(s.on.engine, Mode.SIM).engine
        assert (shown.reconciled, shown.unread) == (False, (what,))
        await s.mark("95000")
        await s.is_told_that(f"rung 1 at 95,000.0 is blocked: Bitget's {what} cannot be read")
        assert s.held() == D("-0.002")
        s.on.sim.faults.clear()
        await rounds(s, 1, 10.0)
        await s.is_told_that(f"Bitget's {what} can be read again")
        await s.mark("94999")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung runs after all")


async def test_a_flatten_means_the_entry_too_that_was_on_its_way(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.fault({"fault": "late", "path": "v2/mix/order/place-order", "delay_ms": 600, "before": True})
        await s.is_told(Enter(BTC, Side.SHORT, margin=D(10), qty=None, leverage=D(20)))
        await s.until(s.sent, "the entry is on its way")
        assert (await s.is_told(Flatten("enough"))).startswith("Halted")
        await s.until(lambda: s.on.engine.state.closed, "it was filled, and closed")
        assert s.cycle().closed_reason == "flatten"
        assert s.held() == 0


async def test_a_trade_whose_order_cannot_be_found_does_not_keep_the_others_from_being_read(
    tmp_path: Path,
) -> None:
    """It was made while the stream was away, and order detail knows nothing of it, now or ever."""
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        s.fault({"fault": "reject", "path": "v2/mix/order/detail", "code": "40109", "count": None})
        s.fault({"fault": "refuse_sockets", "ms": 1_000}, {"fault": "disconnect", "side": "private"})
        await s.order("sell", "0.001")
        await s.is_told_that("The private stream is back.")
        await rounds(s, 5, 10.0)
        await s.is_told_that("Bitget's fills could not be read for 30 s (40109")
        assert s.legs() == ["0.001 @ 100000", "0.0021 @ 95000"]
        await s.on.sim.feed.advance(61_000)
        await rounds(s, 3, 10.0)
        await s.is_told_that("you added 0.001 @ 95,000.0: leg 3")
        await s.is_told_that("Bitget's fills can be read again")
        await s.on.at_rest()
        assert s.stops() == s.believed()
        assert len(s.stops()) == 3
