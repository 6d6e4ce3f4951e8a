"""Trades from three sources, each told once with its order's client id and cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
import recorded_wire as wire

from engine.core.exchange import Cause, Fill, OrderRow
from engine.core.instrument import Side
from engine.venue.frames import OrderPush, PlanPush
from engine.venue.malformed import shaped
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.rows import FillRow, OrderDetail
from engine.venue.trades import Trades


class Desk:
    """What was told, and an order detail that can be slow to know."""

    def __init__(self, detail: OrderDetail | None = None, silent: int = 0) -> None:
        self.told: list[Fill] = []
        self.news = asyncio.Event()
        self.asked = 0
        self.missed = 0
        self._detail = detail
        self._silent = silent
        self.now = 0
        self.trades = Trades(self._hear, self._read, self._miss, lambda: self.now)

    async def _read(self, symbol: str, order_id: str) -> OrderDetail:
        self.asked += 1
        if self.asked <= self._silent:
            raise NoAnswer("no answer in time")
        if self._detail is None:
            raise Refusal("40109", "not there")
        return self._detail

    def _hear(self, fill: Fill) -> None:
        self.told.append(fill)
        self.news.set()

    def _miss(self) -> None:
        self.missed += 1
        self.news.set()

    async def heard(self, count: int = 1) -> None:
        async with asyncio.timeout(60):
            while len(self.told) + self.missed < count:
                self.news.clear()
                await self.news.wait()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.trades.follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def order_push(**fields: object) -> OrderPush:
    return shaped("orders", wire.changed(wire.FILLED_ORDER_PUSH, **fields), OrderPush)


def fill_row(**fields: object) -> FillRow:
    return shaped("fill", wire.changed(wire.FILL, **fields), FillRow)


def closed_long() -> OrderDetail:
    return shaped("order", wire.CLOSED_LONG, OrderDetail)


def test_the_orders_channel_tells_the_trade_with_its_client_id() -> None:
    desk = Desk()
    desk.trades.order(order_push(orderSource="market"))
    [fill] = desk.told
    assert (fill.client_id, fill.cause, fill.buy) == ("1286956078637682690", Cause.ORDER, False)


def test_the_same_trade_from_the_fill_channel_is_not_told_again() -> None:
    desk = Desk()
    desk.trades.order(order_push(orderSource="market"))
    desk.trades.trade(fill_row(tradeId="1286956078977421319", orderId="1286956078633488402"))
    desk.trades.order(order_push(orderSource="market"))
    assert len(desk.told) == 1


def test_a_fill_before_its_order_waits_for_the_order_and_keeps_the_client_id() -> None:
    desk = Desk()
    desk.trades.trade(
        fill_row(tradeId="1286956078977421319", orderId="1286956078633488402", posMode="one_way_mode")
    )
    assert desk.told == []
    desk.trades.order(order_push(orderSource="loss_market"))
    [fill] = desk.told
    assert (fill.client_id, fill.cause) == ("1286956078637682690", Cause.STOP)


async def test_a_fill_of_an_order_nobody_saw_is_told_after_reading_the_order() -> None:
    desk = Desk(closed_long())
    async with desk.following():
        desk.trades.trade(fill_row(tradeSide="close", orderId="1139547338494877696"))
        desk.trades.trade(fill_row(tradeSide="close", orderId="1139547338494877696", tradeId="2"))
        await desk.heard(2)
    assert desk.asked == 1
    assert [fill.client_id for fill in desk.told] == ["1139547338494877697"] * 2
    assert (desk.told[0].buy, desk.told[0].side) == (False, Side.LONG)


async def test_a_silent_order_detail_is_asked_again() -> None:
    desk = Desk(closed_long(), silent=1)
    async with desk.following():
        desk.trades.trade(fill_row(orderId="1139547338494877696"))
        await desk.heard()
    assert desk.asked == 2


async def test_a_trade_whose_order_stays_unknown_asks_for_a_reading_instead_of_a_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.venue.trades.PATIENCE_S", (0.001, 0.001))
    desk = Desk(None)
    async with desk.following():
        desk.trades.trade(fill_row())
        await desk.heard()
    assert desk.told == []
    assert desk.asked == 2


async def test_read_back_gives_all_trades_oldest_first_and_the_stream_then_none() -> None:
    desk = Desk(closed_long())
    rows = [fill_row(tradeId="2", cTime="20"), fill_row(tradeId="1", cTime="10")]
    fills = await desk.trades.read_back(rows)
    assert [fill.trade_id for fill in fills] == ["1", "2"]
    desk.trades.trade(rows[0])
    assert desk.told == []


async def test_what_cannot_be_read_back_is_not_marked_as_told() -> None:
    desk = Desk(closed_long(), silent=1)
    with pytest.raises(NoAnswer):
        await desk.trades.read_back([fill_row()])
    assert len(await desk.trades.read_back([fill_row()])) == 1


async def test_a_trade_whose_order_bitget_does_not_know_any_more_is_nobodys() -> None:
    """Order detail reaches back for months only, and may not know what Bitget did by itself."""
    desk = Desk(None)
    row = fill_row(orderId="7", tradeSide="burst_close_long")
    desk.now = row.c_time + 59_000
    with pytest.raises(Refusal):
        await desk.trades.read_back([row])
    desk.now = row.c_time + 60_000
    [fill] = await desk.trades.read_back([row])
    assert (fill.client_id, fill.cause) == ("", Cause.LIQUIDATION)


def test_the_child_of_a_stop_is_a_stop_even_without_an_order_source() -> None:
    desk = Desk()
    plan = shaped(
        "orders-algo", wire.changed(wire.PLAN_PUSH, status="executed", executeOrderId="7"), PlanPush
    )
    row: OrderRow = plan.order()
    desk.trades.plan(row)
    desk.trades.order(order_push(orderId="7", orderSource="market"))
    assert desk.told[0].cause is Cause.STOP


def test_our_own_market_order_needs_no_source() -> None:
    desk = Desk()
    desk.trades.own("1286956078637682690")
    desk.trades.order(order_push())
    assert desk.told[0].cause is Cause.ORDER
    assert msgspec.structs.asdict(desk.told[0])["client_id"] == "1286956078637682690"
