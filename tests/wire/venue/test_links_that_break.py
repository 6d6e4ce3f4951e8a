"""Both websockets: bursts, gaps, silence, refusals, disconnects; and what the engine hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import pytest
from msgspec.structs import replace
from watched import QUICK, Told, keys_of, move, opened, outcome, running

from engine.core.actions import PlaceMarket, PlaceStop
from engine.core.events import (
    AnyBody,
    BalanceRead,
    FillSeen,
    LinkChanged,
    OrdersRead,
    PositionsRead,
    StopSeen,
)
from engine.core.exchange import Cause, OrderState
from engine.core.instrument import Side
from engine.simulator.server import SimulatedBitget
from engine.simulator.socket import SocketRules
from engine.venue.bitget import Bitget

Connect = Callable[..., Awaitable[Any]]
IMPATIENT = replace(QUICK, ping_s=0.2, pong_s=0.7)
OPEN = PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.001"))


async def test_no_price_frame_of_a_burst_is_lost() -> None:
    async with SimulatedBitget(ideal=True, speed=0, push_every_s=0) as sim, running(sim) as (_, told):
        await told.until(lambda: len(told.ticks) >= 2)
        told.ticks.clear()
        prices = [D(100_000) + step for step in range(1, 1001)]
        for number, price in enumerate(prices):
            sim.world.pin("BTCUSDT", price)
            sim.streams.flush()
            if number % 10 == 9:
                await asyncio.sleep(0)
        ticks = await told.until(lambda: [t for t in told.ticks if t.symbol == "BTCUSDT"][999:])
        assert ticks
        assert [tick.mark for tick in told.ticks if tick.symbol == "BTCUSDT"][:1000] == prices


async def test_pitfall_27_everything_is_subscribed_in_one_frame_a_link() -> None:
    async with SimulatedBitget(markets={"BTCUSDT": D(1), "ETHUSDT": D(1), "SOLUSDT": D(1)}) as sim:
        symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
        async with running(sim, symbols) as (_, told):
            await told.until(lambda: {tick.symbol for tick in told.ticks} == set(symbols))
            assert told.links("public") == [True]
            assert told.links("private") == [True]


async def test_pitfall_24_a_cut_link_comes_back_by_itself_and_says_so_twice() -> None:
    async with SimulatedBitget() as sim, running(sim) as (_, told):
        for side in ("public", "private"):
            sim.faults.add({"fault": "disconnect", "side": side})
            await told.until(lambda side=side: told.links(side) == [True, False, True])
        assert all(body.reason for body in told.all(LinkChanged) if not body.up)


async def test_pitfall_29_the_daily_disconnect_is_survived_again_and_again() -> None:
    async with SimulatedBitget(rules=SocketRules(session_s=0.4)) as sim, running(sim) as (_, told):
        await told.until(lambda: told.links("private").count(True) >= 4)
        await told.until(lambda: told.links("public").count(True) >= 4)


async def test_refused_sockets_are_dialled_until_they_are_not() -> None:
    async with SimulatedBitget() as sim, running(sim) as (_, told):
        sim.faults.add([{"fault": "refuse_sockets", "count": 6}, {"fault": "disconnect"}])
        await told.until(
            lambda: told.links("public")[-1] and told.links("private")[-1] and len(told.links("public")) > 2
        )


async def test_a_link_that_comes_back_tells_the_positions_of_now(connect: Connect) -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (_, told):
        hand = await connect(sim)
        sim.faults.add([{"fault": "refuse_sockets", "ms": 300}, {"fault": "disconnect"}])
        await told.until(lambda: told.links("private")[-1] is False)
        await hand.create_order("BTC/USDT:USDT", "market", "buy", 0.001, None, {"marginMode": "isolated"})
        await told.until(lambda: told.links("private")[-1] is True)
        await told.until(lambda: told.all(PositionsRead)[-1].positions)


async def test_pitfall_28_a_private_link_without_pongs_is_given_up() -> None:
    async with SimulatedBitget() as sim, running(sim, patience=IMPATIENT) as (_, told):
        sim.faults.add({"fault": "stream_stall", "pong": False})
        down = await told.one(LinkChanged, lambda body: body.link == "private" and not body.up)
        assert "silent" in down.reason
        sim.faults.clear()
        await told.until(lambda: told.links("private")[-1] is True)


async def test_a_price_that_moves_in_silence_is_a_dead_stream() -> None:
    async with SimulatedBitget(ideal=True, speed=0) as sim, running(sim) as (_, told):
        await told.until(lambda: len(told.ticks) >= 2)
        sim.faults.add({"fault": "stream_stall", "channel": "ticker"})
        await move(sim, "BTCUSDT", "100500")
        down = await told.one(LinkChanged, lambda body: body.link == "public" and not body.up)
        assert "BTCUSDT moved" in down.reason
        sim.faults.clear()
        await told.until(lambda: told.links("public")[-1] is True)
        await told.until(lambda: any(tick.mark == D(100500) for tick in told.ticks))


async def test_a_market_that_stands_still_is_asked_about_and_stays_fresh() -> None:
    async with SimulatedBitget(ideal=True, speed=0) as sim, running(sim, ("BTCUSDT",)) as (_, told):
        await told.until(lambda: len(told.ticks) >= 4)
        assert {tick.mark for tick in told.ticks} == {D(100_000)}
        arrived = [tick.arrived for tick in told.ticks]
        assert arrived == sorted(set(arrived))
        assert told.links("public") == [True]


async def test_pitfall_25_one_refused_subscription_does_not_hurt_the_others() -> None:
    async with SimulatedBitget(ideal=True) as sim:
        sim.faults.add({"fault": "subscribe_error", "channel": "ticker", "symbol": "ETHUSDT", "count": 3})
        async with running(sim) as (_, told):
            down = await told.one(LinkChanged, lambda body: body.link == "public" and not body.up)
            assert "ETHUSDT" in down.reason
            assert "30001" in down.reason
            await told.until(lambda: {tick.symbol for tick in told.ticks} >= {"BTCUSDT"})
            await told.until(lambda: told.links("public")[-1] is True)
            await told.until(lambda: {tick.symbol for tick in told.ticks} == {"BTCUSDT", "ETHUSDT"})
            assert len([up for up in told.links("public") if not up]) == 1


async def test_a_login_that_is_refused_is_told_and_tried_again() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, told):
        sim.faults.add({"fault": "clock_skew", "ms": 60_000})
        task = asyncio.create_task(venue.run())
        down = await told.one(LinkChanged, lambda body: body.link == "private" and not body.up)
        assert "login failed" in down.reason
        sim.faults.clear()
        await told.until(lambda: told.links("private")[-1] is True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_pitfall_16_an_empty_push_means_flat() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        await outcome(venue, OPEN)
        await told.until(lambda: told.all(PositionsRead)[-1].positions)
        await outcome(venue, PlaceMarket("bank-1", "BTCUSDT", Side.LONG, False, D("0.001")))
        await told.until(lambda: told.all(PositionsRead)[-1].positions == ())


async def test_pitfall_17_and_18_no_push_waits_for_a_watcher() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        for number in range(3):
            await outcome(venue, PlaceMarket(f"open-{number}", "BTCUSDT", Side.LONG, True, D("0.001")))
            await outcome(venue, PlaceStop(f"stop-{number}", "BTCUSDT", Side.LONG, D("0.001"), D(99000)))
        await told.until(lambda: [fill.client_id for fill in told.fills] == ["open-0", "open-1", "open-2"])
        await told.until(
            lambda: {stop.order.client_id for stop in told.stops} == {"stop-0", "stop-1", "stop-2"}
        )


@pytest.mark.parametrize("fault", ["fill_before_order", "stream_duplicate", "stream_reorder"])
async def test_each_trade_is_told_once_with_its_client_id_in_any_order(fault: str) -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        sim.faults.add(
            {"fault": fault, "count": 20} | ({} if fault == "fill_before_order" else {"channel": "orders"})
        )
        for number in range(3):
            await outcome(venue, PlaceMarket(f"open-{number}", "BTCUSDT", Side.LONG, True, D("0.001")))
        await told.until(lambda: len(told.fills) >= 3)
        await asyncio.sleep(0.2)
        assert sorted(fill.client_id for fill in told.fills) == ["open-0", "open-1", "open-2"]
        assert len({fill.trade_id for fill in told.fills}) == 3


async def test_a_lost_orders_frame_is_made_up_for_by_the_fill_channel_and_order_detail() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        sim.faults.add({"fault": "stream_gap", "channel": "orders", "count": 2})
        await outcome(venue, OPEN)
        fill = (await told.one(FillSeen)).fill
        assert (fill.client_id, fill.cause) == ("open-1", Cause.ORDER)


@pytest.mark.parametrize("mode", ["one_way_mode", "hedge_mode"])
async def test_a_liquidation_says_so(mode: str) -> None:
    async with SimulatedBitget(ideal=True, position_mode=mode) as sim, running(sim) as (venue, told):
        await outcome(venue, OPEN)
        await told.until(lambda: told.fills)
        await move(sim, "BTCUSDT", "94000")
        await told.until(lambda: len(told.fills) == 2)
        closing = told.fills[1]
        assert (closing.cause, closing.buy, closing.qty) == (Cause.LIQUIDATION, False, D("0.001"))
        assert closing.side == (Side.LONG if mode == "hedge_mode" else None)


@pytest.mark.parametrize("mode", ["one_way_mode", "hedge_mode"])
async def test_auto_deleveraging_says_so(mode: str) -> None:
    async with SimulatedBitget(ideal=True, position_mode=mode) as sim, running(sim) as (venue, told):
        await outcome(venue, OPEN)
        await told.until(lambda: told.fills)
        sim.exchange.force_adl("1", "BTCUSDT", Side.LONG, D("0.0004"))
        await told.until(lambda: len(told.fills) == 2)
        assert (told.fills[1].cause, told.fills[1].buy, told.fills[1].qty) == (Cause.ADL, False, D("0.0004"))


class Garbling(Bitget):
    """A venue whose private frames say NaN for the next margin, as a broken exchange would."""

    garble = False

    def _listen(self, url: str) -> Callable[[str], bool]:
        take = super()._listen(url)

        def spoilt(text: str) -> bool:
            if self.garble and '"channel":"positions"' in text:
                text = text.replace('"marginSize":"', '"marginSize":"NaN')
            return take(text)

        return spoilt


async def test_a_malformed_frame_is_dropped_loudly_and_read_back_over_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "ratchet.venue")
    async with SimulatedBitget(ideal=True) as sim:
        venue, told = Garbling(keys_of(sim), url=sim.url, patience=QUICK, backoff_s=(0.01, 0.05)), Told()
        await venue.open(told, ("BTCUSDT",))
        task = asyncio.create_task(venue.run())
        await told.until(lambda: told.links("private") == [True])
        venue.garble = True
        await outcome(venue, OPEN)
        read = await told.one(PositionsRead, lambda body: body.rest)
        assert read.positions[0].margin == D(5)
        assert all(body.rest or body.positions == () for body in told.all(PositionsRead))
        await told.one(OrdersRead)
        await told.one(BalanceRead)
        assert caplog.text.count("a frame was dropped") == 1
        assert "margin" in caplog.text
        assert told.links("private") == [True]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await venue.close()


class Childless(Bitget):
    """A venue on an exchange whose algo pushes do not name the order that a stop became."""

    def _listen(self, url: str) -> Callable[[str], bool]:
        take = super()._listen(url)
        return lambda text: take(text.replace('"executeOrderId":"', '"formerId":"'))


async def test_a_stop_whose_push_names_no_child_is_looked_up_in_the_history() -> None:
    async with SimulatedBitget(ideal=True) as sim:
        venue, told = Childless(keys_of(sim), url=sim.url, patience=QUICK, backoff_s=(0.01, 0.05)), Told()
        await venue.open(told, ("BTCUSDT",))
        task = asyncio.create_task(venue.run())
        await told.until(lambda: told.links("private") == [True])
        await outcome(venue, OPEN)
        await outcome(venue, PlaceStop("stop-1", "BTCUSDT", Side.LONG, D("0.001"), D(99500)))
        await move(sim, "BTCUSDT", "99400")
        seen = await told.one(StopSeen, lambda body: bool(body.row.child))
        assert seen.row.state is OrderState.FILLED
        await told.until(lambda: [fill for fill in told.fills if fill.order_id == seen.row.child])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await venue.close()


class Breaking(Told):
    """An engine with a fault of its own."""

    def tell(self, body: AnyBody) -> None:
        super().tell(body)
        if isinstance(body, PositionsRead):
            raise ZeroDivisionError("a fault of the engine")


async def test_a_fault_of_the_engine_ends_the_run_instead_of_the_stream() -> None:
    async with SimulatedBitget() as sim:
        venue, told = Bitget(keys_of(sim), url=sim.url, patience=QUICK, backoff_s=(0.01, 0.05)), Breaking()
        await venue.open(told, ("BTCUSDT",))
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(60):
                await venue.run()
        assert caught.group_contains(ZeroDivisionError)
        await venue.close()


async def test_the_exchanges_clock_is_followed_between_frames() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        await told.until(lambda: abs(venue.market_ms() - sim.market.now_ms) <= 1_500)
