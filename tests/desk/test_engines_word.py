"""What the engine answers a desk that asks once, over the real socket: previews and tickets keep their word
on the simulated exchange, the past is what happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal as D
from pathlib import Path

import msgspec
import pytest

from engine.api.server import ControlSocket
from engine.journal.history import History
from engine.journal.sqlite import SqliteJournal
from engine.protocol import (
    Breakeven,
    ChartView,
    CycleStory,
    CycleView,
    Enter,
    EquityPoint,
    Mode,
    PositionView,
    PreviewView,
    Reduce,
    SettingsView,
    Side,
    StopMode,
    TicketView,
)
from engine.runtime.drill import if_machine_dies
from engine.runtime.face import Face
from engine.runtime.marks import Marks
from engine.runtime.snapshot import snapshot_of
from tests.acceptance.scene import Scene, scene
from tui.client import EngineClient, EngineUnheard
from tui.view_model.numbers import cautious


@asynccontextmanager
async def asked(folder: Path, socket: Path) -> AsyncIterator[tuple[Scene, EngineClient]]:
    """A scene, and a desk's client on its engine."""
    async with scene(folder) as on:
        engine = on.on.engine
        assert isinstance(engine.journal, SqliteJournal)
        face = Face(engine, engine.journal, past=History(engine.journal.reader))
        async with ControlSocket(face, socket):
            yield on, EngineClient(socket)


def position(on: Scene) -> PositionView:
    return snapshot_of(on.on.engine, Mode.SIM).positions[0]


async def weighed(client: EngineClient, enter: Enter) -> TicketView:
    return await client.look("/v1/ticket", TicketView, body=msgspec.json.encode(enter))


async def test_a_stop_mode_does_what_its_preview_said(tmp_path: Path, socket: Path) -> None:
    async with asked(tmp_path, socket) as (on, client):
        await on.opens_and_climbs("95000")
        preview = await client.look("/v1/preview/BTCUSDT/short", PreviewView)
        assert preview.mode is StopMode.LEG_ENTRY
        now = next(view for view in preview.modes if view.mode is StopMode.LEG_ENTRY)
        assert now.worst_case == preview.worst_case == position(on).worst_case
        then = next(view for view in preview.modes if view.mode is StopMode.CYCLE_BREAKEVEN)
        assert not then.at_once
        await on.is_told(Breakeven("BTCUSDT", Side.SHORT))
        await on.until(
            lambda: position(on).worst_case == then.worst_case, "the worst case is the previewed one"
        )
        await on.on.at_rest()
        assert [stop.trigger for stop in position(on).stops] == [stop.trigger for stop in then.stops]


async def test_the_sentence_of_a_dying_machine_rounds_towards_the_worse_as_the_desk_does(
    tmp_path: Path, socket: Path
) -> None:
    async with asked(tmp_path, socket) as (on, _):
        await on.opens_and_climbs()
        state = on.on.engine.state
        for worst in (D("-10.0949"), D("-0.0001"), D("2.9799")):
            sentence = if_machine_dies(state, on.cycle(), worst)
            assert sentence.endswith(f"at worst {cautious(worst)} USDT."), sentence
        assert if_machine_dies(state, on.cycle(), D("-10.0949")).endswith("at worst −10.10 USDT.")


async def test_a_reduce_does_what_its_preview_said(tmp_path: Path, socket: Path) -> None:
    async with asked(tmp_path, socket) as (on, client):
        await on.opens_and_climbs("95000")
        before = on.cycle()
        preview = await client.look("/v1/preview/BTCUSDT/short?part=0.5", PreviewView)
        (half,) = preview.reduces
        assert (half.fraction, half.qty + half.left) == (D("0.5"), before.held_qty)
        await on.is_told(Reduce("BTCUSDT", Side.SHORT, D("0.5")))
        await on.until(lambda: on.cycle().held_qty == half.left, "half of it is closed")
        await on.on.at_rest()
        after = on.cycle()
        fee = after.fees - before.fees
        assert after.realised - before.realised - fee == pytest.approx(half.result)
        assert position(on).worst_case == pytest.approx(half.worst_case, abs=D("0.02"))


async def test_closing_everything_ends_at_what_the_preview_calls_the_cycles_result(
    tmp_path: Path, socket: Path
) -> None:
    async with asked(tmp_path, socket) as (on, client):
        await on.opens_and_climbs("95000")
        (whole,) = (await client.look("/v1/preview/BTCUSDT/short?part=1", PreviewView)).reduces
        assert whole.left == 0
        await on.is_told(Reduce("BTCUSDT", Side.SHORT, D(1)))
        await on.until(lambda: not on.on.cycles(), "it is closed")
        ended = on.cycle()
        assert ended.realised - ended.fees + ended.funding == pytest.approx(whole.worst_case)


async def test_a_ticket_is_kept_by_the_exchange(tmp_path: Path, socket: Path) -> None:
    async with asked(tmp_path, socket) as (on, client):
        enter = Enter("BTCUSDT", Side.LONG, margin=D(8), leverage=D(20))
        ticket = await weighed(client, enter)
        assert (ticket.qty, ticket.price, ticket.refused) == (D("0.0016"), D(100_000), "")
        assert ticket.margin == 8
        answer = await on.is_told(enter)
        assert "entering 0.0016" in answer
        await on.until(lambda: "BTCUSDT" in on.on.cycles(), "it is under care")
        await on.on.at_rest()
        held = position(on)
        assert (held.size, held.entry, held.margin) == (ticket.size_after, ticket.entry_after, ticket.margin)
        assert held.liquidation == pytest.approx(ticket.liquidation, rel=D("0.0001"))
        assert held.fees == ticket.fee
        assert held.worst_case == pytest.approx(ticket.worst_case, abs=D("0.02"))


async def test_a_ticket_names_the_limits_it_touches_and_asks_nobody_but_the_core_for_a_refusal(
    tmp_path: Path, socket: Path
) -> None:
    async with asked(tmp_path, socket) as (on, client):
        large = await weighed(client, Enter("BTCUSDT", Side.LONG, margin=D(30)))
        touched = {limit.name for limit in large.limits if limit.hit}
        assert {"entry margin", "daily loss at worst"} <= touched
        before = on.on.engine.state
        stranger = await weighed(client, Enter("DOGEUSDT", Side.LONG, margin=D(5)))
        assert stranger.refused == await on.is_told(Enter("DOGEUSDT", Side.LONG, margin=D(5)))
        assert on.on.engine.state.cycles == before.cycles
        tiny = await weighed(client, Enter("BTCUSDT", Side.LONG, margin=D("0.001")))
        assert tiny.refused


async def test_what_is_not_under_care_has_no_preview_and_says_so(tmp_path: Path, socket: Path) -> None:
    async with asked(tmp_path, socket) as (_, client):
        with pytest.raises(EngineUnheard, match="BTCUSDT short is not a managed position"):
            await client.look("/v1/preview/BTCUSDT/short", PreviewView)
        with pytest.raises(EngineUnheard, match="a side is long or short"):
            await client.look("/v1/preview/BTCUSDT/up", PreviewView)
        with pytest.raises(EngineUnheard, match="2 is no part of a position"):
            await client.look("/v1/preview/BTCUSDT/short?part=2", PreviewView)
        with pytest.raises(EngineUnheard, match="margin must be a number above 0"):
            await weighed(client, Enter("BTCUSDT", Side.LONG, margin=D(-1)))
        with pytest.raises(EngineUnheard, match="the journal knows no cycle 'nothing'"):
            await client.look("/v1/history/nothing", CycleStory)


async def test_the_history_tells_the_cycle_with_its_legs_rungs_and_trades(
    tmp_path: Path, socket: Path
) -> None:
    async with asked(tmp_path, socket) as (on, client):
        await on.opens_and_climbs("95000")
        (cycle,) = await client.look("/v1/history", tuple[CycleView, ...])
        assert (cycle.closed, cycle.rungs, cycle.net) == (0, 1, position(on).realized - position(on).fees)
        story = await client.look(f"/v1/history/{cycle.cycle}", CycleStory)
        assert [(leg.number, leg.by, leg.entry) for leg in story.legs] == [
            (1, "trader", D(100_000)),
            (2, "ladder", D(95_000)),
        ]
        (rung,) = story.rungs
        assert (rung.bank_qty, rung.bank_price, rung.bank_profit) == (D("0.0010"), D(95_000), D(5))
        assert [(trade.opens, trade.ours) for trade in story.trades] == [
            (True, False),
            (False, True),
            (True, True),
        ]
        await on.is_told(Reduce("BTCUSDT", Side.SHORT, D(1)))
        await on.until(lambda: not on.on.cycles(), "it is closed")
        await on.on.at_rest()
        (ended,) = await client.look("/v1/history", tuple[CycleView, ...])
        assert ended.closed
        assert ended.r == ended.net / ended.first_margin
        curve = await client.look("/v1/equity", tuple[EquityPoint, ...])
        assert curve[-1].equity == pytest.approx(100 + ended.net)


async def test_the_chart_holds_the_marks_and_the_fills(tmp_path: Path, socket: Path) -> None:
    async with asked(tmp_path, socket) as (on, client):
        await on.opens_and_climbs("95000")
        await on.mark("95500")
        await on.on.at_rest()
        chart = await client.look("/v1/chart/BTCUSDT", ChartView)
        assert chart.candles[0].open == 100_000
        assert min(candle.low for candle in chart.candles) == 95_000
        assert chart.candles[-1].close == 95_500
        assert {trade.price for trade in chart.trades} == {D(100_000), D(95_000)}
        assert (await client.look("/v1/chart/NONE", ChartView)).candles == ()
        assert (await client.look("/v1/settings", SettingsView)).options == ()


def test_marks_are_kept_by_the_minute_for_a_day_and_a_clock_that_steps_back_reopens_none() -> None:
    from engine.core.exchange import Tick

    marks = Marks()
    for second, mark in ((0, 10), (20, 14), (40, 9), (59, 11), (61, 12), (30, 13)):
        marks.add(Tick("X", D(mark), D(mark), 0), 60_000_000 + second * 1000)
    first, second = marks.candles("X")
    assert (first.open, first.high, first.low, first.close) == (10, 14, 9, 11)
    assert (second.open, second.high, second.low, second.close) == (12, 13, 12, 13)
    marks.add(Tick("X", D(1), D(1), 0), 0)
    assert marks.candles("X")[-1].low == 12, "a mark of no known time is in no minute"
    for minute in range(2000):
        marks.add(Tick("X", D(5), D(5), 0), 60_000_000 + minute * 60_000)
    assert len(marks.candles("X")) == 1440
