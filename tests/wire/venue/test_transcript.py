"""A trader opens by hand; the venue tells; stops are placed, moved, read back and triggered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import pytest
from watched import asked, move, outcome, read, running

from engine.core.actions import CancelOrder, CancelStop, LookUp, MoveStop, PlaceMarket, PlaceStop, Reading
from engine.core.events import BalanceRead, BillSeen, FillSeen, LookedUp, OrdersRead, PositionsRead
from engine.core.exchange import Accepted, Cause, OrderKind, OrderState, Refused
from engine.core.instrument import Side
from engine.simulator.server import SimulatedBitget

Connect = Callable[..., Awaitable[Any]]
HEDGE = "hedge_mode"
ONE_WAY = "one_way_mode"


async def by_hand(ccxt: Any, side: Side, qty: float, mode: str, *, opens: bool = True) -> Any:
    """What a person does in the app, with plain ccxt."""
    trade = "buy" if (side is Side.LONG) == opens else "sell"
    return await ccxt.create_order(
        "BTC/USDT:USDT",
        "market",
        trade,
        qty,
        params={"marginMode": "isolated", "hedged": mode == HEDGE, "reduceOnly": not opens},
    )


@pytest.mark.parametrize("mode", [ONE_WAY, HEDGE])
@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
async def test_from_a_position_opened_by_hand_to_its_stop(connect: Connect, mode: str, side: Side) -> None:
    far, near, through = ("99000", "99500", "99400") if side is Side.LONG else ("101000", "100500", "100600")
    async with (
        SimulatedBitget(ideal=True, position_mode=mode) as sim,
        running(sim) as (venue, told),
    ):
        hand = await connect(sim)
        await by_hand(hand, side, 0.001, mode)

        seen = await told.one(PositionsRead, lambda body: bool(body.positions))
        [position] = seen.positions
        assert (position.side, position.qty, position.isolated) == (side, D("0.001"), True)
        assert (position.hedged, seen.rest) == (mode == HEDGE, False)
        opening = (await told.one(FillSeen)).fill
        assert (opening.buy, opening.cause, opening.qty) == (side is Side.LONG, Cause.ORDER, D("0.001"))
        assert opening.side == (side if mode == HEDGE else None)
        assert opening.fee == D("0.06")

        assert isinstance(
            await outcome(venue, PlaceStop("stop-1", "BTCUSDT", side, D("0.001"), D(far))), Accepted
        )
        await told.until(lambda: told.stops)
        resting = told.stops[0].order
        assert (resting.client_id, resting.kind, resting.side) == ("stop-1", OrderKind.LOSS_PLAN, side)
        assert (resting.reduces, resting.by_mark, resting.trigger) == (True, True, D(far))

        moved = MoveStop("move-1", resting.order_id, "stop-1", "BTCUSDT", side, D("0.001"), D(near))
        assert isinstance(await outcome(venue, moved), Accepted)
        [orders], told_all = await read(venue, Reading.ORDERS)
        assert isinstance(told_all, Accepted)
        assert isinstance(orders, OrdersRead)
        [stop] = orders.orders
        assert (stop.order_id, stop.client_id, stop.trigger, stop.qty, stop.side, stop.by_mark) == (
            resting.order_id,
            "stop-1",
            D(near),
            D("0.001"),
            side,
            True,
        )

        await move(sim, "BTCUSDT", through)
        executed = await told.until(lambda: [s for s in told.stops if s.row.state is OrderState.FILLED])
        child = executed[0].row.child
        assert child
        [closing] = await told.until(lambda: [fill for fill in told.fills if fill.order_id == child])
        assert (closing.cause, closing.buy, closing.price) == (Cause.STOP, side is Side.SHORT, D(near))
        await told.until(lambda: told.all(PositionsRead)[-1].positions == ())

        [found] = await venue.do(LookUp("find", "stop-1", "BTCUSDT", True, 0))
        assert isinstance(found, LookedUp)
        assert found.row is not None
        assert (found.row.state, found.row.child) == (OrderState.FILLED, child)

        everything, told_all = await read(venue, *Reading)
        assert isinstance(told_all, Accepted)
        fills = [body.fill for body in everything if isinstance(body, FillSeen)]
        assert fills == [opening, closing]
        assert told.fills == fills
        [balance] = [body for body in everything if isinstance(body, BalanceRead)]
        paid = sum(fill.profit - fill.fee for fill in fills)
        assert balance.balance.equity == D(100) + paid


@pytest.mark.parametrize("mode", [ONE_WAY, HEDGE])
@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
async def test_our_own_orders_open_and_close_the_side_they_name(mode: str, side: Side) -> None:
    async with (
        SimulatedBitget(ideal=True, position_mode=mode) as sim,
        running(sim) as (venue, told),
    ):
        assert isinstance(
            await outcome(venue, PlaceMarket("open-1", "BTCUSDT", side, True, D("0.002"))), Accepted
        )
        assert isinstance(
            await outcome(venue, PlaceMarket("bank-1", "BTCUSDT", side, False, D("0.001"))), Accepted
        )
        await told.until(lambda: len(told.fills) == 2)
        assert [fill.client_id for fill in told.fills] == ["open-1", "bank-1"]
        assert [fill.buy for fill in told.fills] == [side is Side.LONG, side is Side.SHORT]
        [positions], _ = await read(venue, Reading.POSITIONS)
        assert isinstance(positions, PositionsRead)
        [position] = positions.positions
        assert (position.side, position.qty) == (side, D("0.001"))


@pytest.mark.parametrize("mode", [ONE_WAY, HEDGE])
async def test_a_reduce_only_order_never_opens(mode: str) -> None:
    async with SimulatedBitget(position_mode=mode) as sim, running(sim) as (venue, told):
        refused = await outcome(venue, PlaceMarket("bank-1", "BTCUSDT", Side.LONG, False, D("0.001")))
        assert isinstance(refused, Refused)
        [body], _ = await read(venue, Reading.POSITIONS)
        assert body == PositionsRead((), rest=True)
        assert told.fills == []


async def test_a_stop_for_the_whole_position_has_no_size_when_placed_moved_and_read() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.002")))
        assert isinstance(
            await outcome(venue, PlaceStop("stop-1", "BTCUSDT", Side.LONG, None, D(99000))), Accepted
        )
        await told.until(lambda: told.stops)
        stop = told.stops[0].order
        assert (stop.kind, stop.qty) == (OrderKind.POS_LOSS, None)
        moved = MoveStop("move-1", stop.order_id, "stop-1", "BTCUSDT", Side.LONG, None, D(99500))
        assert isinstance(await outcome(venue, moved), Accepted)
        [orders], _ = await read(venue, Reading.ORDERS)
        assert isinstance(orders, OrdersRead)
        assert [(order.trigger, order.qty) for order in orders.orders] == [(D(99500), None)]


async def test_cancelling_a_stop_and_an_order_and_what_is_not_there() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.002")))
        await outcome(venue, PlaceStop("stop-1", "BTCUSDT", Side.LONG, D("0.002"), D(99000)))
        await told.until(lambda: told.stops)
        order_id = told.stops[0].order.order_id
        cancel = CancelStop("cancel-1", order_id, "stop-1", "BTCUSDT", OrderKind.LOSS_PLAN)
        assert await outcome(venue, cancel) == Accepted(order_id)
        await told.until(lambda: told.stops[-1].row.state is OrderState.CANCELLED)
        assert isinstance(await outcome(venue, cancel), Refused)
        assert isinstance(await outcome(venue, CancelOrder("cancel-2", "123456", "BTCUSDT")), Refused)


async def test_pitfall_13_orders_of_all_four_lists_are_read(connect: Connect) -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, _):
        hand = await connect(sim)
        symbol = "BTC/USDT:USDT"
        isolated = {"marginMode": "isolated"}
        await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.002")))
        await hand.create_order(symbol, "limit", "buy", 0.0002, 98000, isolated)
        await hand.create_order(symbol, "limit", "sell", 0.0002, 102000, isolated | {"reduceOnly": True})
        await hand.create_order(symbol, "market", "buy", 0.0002, None, isolated | {"stopPrice": 97000})
        await hand.create_order(symbol, "market", "sell", 0.002, None, isolated | {"stopLossPrice": 96000})
        await hand.create_order(
            symbol,
            "market",
            "buy",
            0.0002,
            None,
            isolated | {"trailingPercent": "1", "trailingTriggerPrice": "97500"},
        )
        [body], complete = await read(venue, Reading.ORDERS)
        assert isinstance(complete, Accepted)
        assert isinstance(body, OrdersRead)
        found = {(order.kind, order.side, order.reduces) for order in body.orders}
        assert found == {
            (OrderKind.LIMIT, Side.LONG, False),
            (OrderKind.LIMIT, Side.LONG, True),
            (OrderKind.NORMAL_PLAN, Side.LONG, False),
            (OrderKind.TRACK_PLAN, Side.LONG, False),
            (OrderKind.POS_LOSS, Side.LONG, True),
        }


async def test_pitfall_14_both_sides_of_a_hedged_symbol_are_positions() -> None:
    async with SimulatedBitget(ideal=True, position_mode="hedge_mode") as sim, running(sim) as (venue, told):
        await outcome(venue, PlaceMarket("long-1", "BTCUSDT", Side.LONG, True, D("0.001")))
        await outcome(venue, PlaceMarket("short-1", "BTCUSDT", Side.SHORT, True, D("0.002")))
        [body], _ = await read(venue, Reading.POSITIONS)
        assert isinstance(body, PositionsRead)
        sizes = {position.side: position.qty for position in body.positions}
        assert sizes == {Side.LONG: D("0.001"), Side.SHORT: D("0.002")}
        await told.until(lambda: len(told.all(PositionsRead)[-1].positions) == 2)


async def test_pitfall_30_and_31_ccxt_loads_no_markets_and_keeps_no_history() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.001")))
        await told.until(lambda: told.fills and told.ticks)
        assert len(await asked(sim, "v2/mix/market/contracts")) == 1
        client = venue._client
        assert not client.markets
        assert not client.tickers
        assert not client.orders
        assert not client.positions
        assert not client.myTrades


async def test_funding_and_transfers_are_bills_and_trades_are_not() -> None:
    async with SimulatedBitget(speed=0) as sim, running(sim) as (venue, _):
        await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.001")))
        sim.exchange.set_funding_rate("BTCUSDT", D("0.0001"))
        sim.exchange.advance(sim.exchange.next_funding_time("BTCUSDT") + 1)
        bodies, complete = await read(venue, Reading.BILLS)
        assert isinstance(complete, Accepted)
        kinds = {body.bill.kind: body.bill.amount for body in bodies if isinstance(body, BillSeen)}
        assert kinds["trans_from_exchange"] == D(100)
        assert D("-0.011") < kinds["contract_settle_fee"] < D("-0.009")
        assert not {"buy", "open_long"} & set(kinds)
