"""The websockets: login, subscriptions, snapshots and updates, limits, and what can go wrong with them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from engine.simulator.book import checksum
from engine.simulator.server import SimulatedBitget
from engine.simulator.socket import SocketRules

BTC = "BTCUSDT"


def still(**changes: Any) -> SimulatedBitget:
    """A market that moves only when it is told to, not even its clock."""
    return SimulatedBitget(speed=0, balance=Decimal(1_000), **changes)


async def test_a_subscription_is_acknowledged_with_its_argument_and_followed_by_a_snapshot(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        ack = await line.subscribe("ticker", BTC)
        assert ack == {
            "event": "subscribe",
            "arg": {"instType": "USDT-FUTURES", "channel": "ticker", "instId": BTC},
        }
        frame = await line.hear()
        assert (frame["action"], frame["arg"]["instId"]) == ("snapshot", BTC)
        assert frame["data"][0]["markPrice"] == "100000"


async def test_every_argument_of_one_request_is_acknowledged(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        args = [{"instType": "USDT-FUTURES", "channel": "ticker", "instId": s} for s in (BTC, "ETHUSDT")]
        await line.say("subscribe", *args)
        frames = [await line.hear() for _ in range(4)]
        assert [f["arg"]["instId"] for f in frames if f.get("event") == "subscribe"] == [BTC, "ETHUSDT"]


async def test_ping_is_answered_with_pong(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        await line.ws.send_str("ping")
        assert await line.hear() == "pong"


@pytest.mark.parametrize(
    ("side", "message", "code"),
    [
        (
            "public",
            '{"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"tea","instId":"BTCUSDT"}]}',
            30001,
        ),
        (
            "public",
            '{"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"ticker","instId":"X"}]}',
            30001,
        ),
        (
            "public",
            '{"op":"subscribe","args":[{"instType":"SPOT","channel":"ticker","instId":"BTCUSDT"}]}',
            30001,
        ),
        ("public", "hello", 30002),
        ("public", '{"op":"dance","args":[]}', 30003),
        ("public", '{"op":"subscribe","args":"all"}', 30016),
        (
            "private",
            '{"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"orders","instId":"default"}]}',
            30004,
        ),
    ],
)
async def test_a_wrong_request_is_answered_with_its_code(
    dial: Any, side: str, message: str, code: int
) -> None:
    async with still() as sim:
        line = await dial(sim, side, log_in=False)
        await line.ws.send_str(message)
        frame = await line.hear()
        assert (frame["event"], frame["code"]) == ("error", code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apiKey": "nobody"}, 30011),
        ({"passphrase": "wrong"}, 30012),
        ({"timestamp": "now"}, 30013),
        ({"timestamp": "1600000000"}, 30014),
        ({"sign": "wrong"}, 30015),
    ],
)
async def test_a_wrong_login_is_answered_with_its_code(dial: Any, change: dict[str, str], code: int) -> None:
    async with still() as sim:
        line = await dial(sim, "private", log_in=False)
        assert (await line.log_in(**change))["code"] == code


async def test_positions_arrive_whole_and_empty_when_none_is_left(dial: Any, ask: Any) -> None:
    async with still() as sim:
        line = await dial(sim, "private")
        await line.subscribe("positions")
        assert (await line.hear())["data"] == []
        await ask.order(sim)
        await ask.order(sim, symbol="ETHUSDT", size="0.02")
        frames = [await line.hear_data()]
        while len(frames[-1]["data"]) < 2:
            frames.append(await line.hear_data())
        assert {row["instId"] for row in frames[-1]["data"]} == {BTC, "ETHUSDT"}
        await ask.order(sim, side="sell", reduceOnly="YES")
        await ask.order(sim, symbol="ETHUSDT", size="0.02", side="sell", reduceOnly="YES")
        while frames[-1]["data"]:
            frames.append(await line.hear_data())
        assert all(frame["action"] == "snapshot" for frame in frames)


async def test_a_trade_is_told_as_order_then_fill_then_position_then_account(dial: Any, ask: Any) -> None:
    async with still() as sim:
        line = await dial(sim, "private")
        for channel in ("orders", "fill", "positions", "account"):
            await line.subscribe(channel, "default")
            if channel in ("positions", "account"):
                assert (await line.hear())["action"] == "snapshot"
        await ask.order(sim, clientOid="told-1")
        told: list[str] = []
        while "account" not in told:
            told.append((await line.hear_data())["arg"]["channel"])
        assert told.index("orders") < told.index("fill") < told.index("positions") < told.index("account")


async def test_an_unsubscribed_channel_is_silent(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        await line.subscribe("ticker", BTC)
        await line.hear()
        await line.say("unsubscribe", {"instType": "USDT-FUTURES", "channel": "ticker", "instId": BTC})
        assert (await line.hear())["event"] == "unsubscribe"
        sim.world.pin(BTC, Decimal(101_000))
        assert await line.silence()


async def test_trades_come_as_a_snapshot_and_then_newest_first(dial: Any) -> None:
    async with still(push_every_s=0.01) as sim:
        tape = sim.market[BTC]
        for step in range(3):
            sim.market.move(BTC, sim.market.now_ms + step, Decimal(100_000 + step), Decimal(1))
        line = await dial(sim)
        await line.subscribe("trade", BTC)
        snapshot = await line.hear()
        assert (snapshot["action"], len(snapshot["data"])) == ("snapshot", 3)
        for step in (10, 11):
            sim.market.move(BTC, sim.market.now_ms + step, Decimal(100_000 + step), Decimal(2))
        update = await line.hear()
        assert (update["action"], [row["price"] for row in update["data"]]) == (
            "update",
            ["100011", "100010"],
        )
        assert update["data"][0]["tradeId"] == str(tape.trades[-1].trade_id)


async def test_candles_come_with_their_history_and_then_bar_by_bar(dial: Any) -> None:
    async with still(push_every_s=0.01) as sim:
        line = await dial(sim)
        await line.subscribe("candle1m", BTC)
        snapshot = await line.hear()
        assert snapshot["action"] == "snapshot" and len(snapshot["data"]) > 100
        assert all(len(row) == 8 for row in snapshot["data"])
        now = sim.market.now_ms
        sim.market.move(BTC, now + 60_000, Decimal(100_500), Decimal(1))
        update = await line.hear()
        assert [row[0] for row in update["data"]] == [
            str(now - now % 60_000),
            str(now - now % 60_000 + 60_000),
        ]
        assert update["data"][-1][4] == "100500"


async def test_the_incremental_book_sends_changes_whose_checksum_fits(dial: Any) -> None:
    async with still(push_every_s=0.005) as sim:
        line = await dial(sim)
        await line.subscribe("books", BTC)
        snapshot = (await line.hear())["data"][0]
        sides = {name: {row[0]: row for row in snapshot[name]} for name in ("bids", "asks")}
        for step in range(1, 9):
            sim.market.move(BTC, sim.market.now_ms + 700, Decimal(100_000 + step % 3), Decimal(1))
            change = await line.hear()
            assert change["action"] == "update"
            for name, side in sides.items():
                for row in change["data"][0][name]:
                    if row[1] == "0":
                        side.pop(row[0], None)
                    else:
                        side[row[0]] = row
            bids = sorted(sides["bids"].values(), key=lambda row: -Decimal(row[0]))
            asks = sorted(sides["asks"].values(), key=lambda row: Decimal(row[0]))
            assert change["data"][0]["checksum"] == checksum(bids, asks)


@pytest.mark.parametrize(("channel", "levels"), [("books1", 1), ("books5", 5), ("books15", 15)])
async def test_the_small_books_are_always_whole(dial: Any, channel: str, levels: int) -> None:
    async with still(push_every_s=0.005) as sim:
        line = await dial(sim)
        await line.subscribe(channel, BTC)
        for step in (1, 2):
            frame = await line.hear()
            assert frame["action"] == "snapshot"
            assert len(frame["data"][0]["bids"]) == len(frame["data"][0]["asks"]) == levels
            sim.world.pin(BTC, Decimal(100_000 + step))


async def test_ticks_are_conflated_and_the_newest_always_arrives(dial: Any) -> None:
    async with still(push_every_s=0.05) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", BTC)
        await line.hear()
        for step in range(1, 501):
            sim.world.pin(BTC, Decimal(100_000 + step))
        heard = [await line.hear()]
        while heard[-1]["data"][0]["lastPr"] != "100500":
            heard.append(await line.hear())
        assert len(heard) < 5


async def test_eleven_messages_in_a_second_end_the_connection(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        for _ in range(11):
            await line.ws.send_str("ping")
        frames = [await line.hear() for _ in range(11)]
        assert frames[:10] == ["pong"] * 10
        assert frames[10]["code"] == 30006
        assert await line.hear() == "closed"


async def test_too_many_subscriptions_in_an_hour_end_the_connection(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        arg = {"instType": "USDT-FUTURES", "channel": "ticker", "instId": BTC}
        await line.say("subscribe", *[arg] * 241)
        frames = [frame for _ in range(242) if "event" in (frame := await line.hear())]
        assert frames[-1]["code"] == 30007
        assert await line.hear() == "closed"


async def test_a_connection_without_ping_is_dropped_and_one_with_ping_stays(dial: Any) -> None:
    async with still(rules=SocketRules(ping_timeout_s=3.0)) as sim:
        mute, lively = await dial(sim), await dial(sim)
        ending = asyncio.create_task(mute.hear())
        while not ending.done():
            await asyncio.sleep(0.2)
            await lively.ws.send_str("ping")
            assert await lively.hear() == "pong"
        assert await ending == "closed"


async def test_a_session_ends_after_its_day(dial: Any) -> None:
    async with still(rules=SocketRules(session_s=0.2)) as sim:
        line = await dial(sim)
        assert await line.hear() == "closed"


async def test_a_slow_reader_is_cut_off_and_the_others_hear_everything(dial: Any) -> None:
    async with still(rules=SocketRules(queue=50), push_every_s=0) as sim:
        slow, quick = await dial(sim), await dial(sim)
        for line in (slow, quick):
            await line.subscribe("books", BTC)
        for step in range(3_000):
            sim.market.move(BTC, sim.market.now_ms + 100, Decimal(100_000 + step % 7), Decimal(1))
            sim.streams.flush()
            while (await quick.hear_data())["data"][0]["ts"] != str(sim.market.now_ms):
                continue
            if len(sim.sockets) == 1:
                break
        assert [socket.cut_for for socket in sim.sockets] == [""], (
            "the slow one was cut, the quick one is there"
        )


async def test_a_gap_swallows_frames_and_a_duplicate_repeats_them(dial: Any) -> None:
    async with still(push_every_s=0) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", BTC)
        await line.hear()
        sim.faults.add({"fault": "stream_gap", "channel": "ticker", "count": 2})
        for price in (100_001, 100_002, 100_003):
            sim.world.pin(BTC, Decimal(price))
            sim.streams.flush()
        assert (await line.hear())["data"][0]["lastPr"] == "100003"
        sim.faults.add({"fault": "stream_duplicate", "channel": "ticker"})
        sim.world.pin(BTC, Decimal(100_004))
        sim.streams.flush()
        assert [(await line.hear())["data"][0]["lastPr"] for _ in range(2)] == ["100004", "100004"]


async def test_reordered_frames_arrive_the_other_way_round(dial: Any) -> None:
    async with still(push_every_s=0) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", BTC)
        await line.hear()
        sim.faults.add({"fault": "stream_reorder", "channel": "ticker"})
        for price in (100_001, 100_002):
            sim.world.pin(BTC, Decimal(price))
            sim.streams.flush()
        assert [(await line.hear())["data"][0]["lastPr"] for _ in range(2)] == ["100002", "100001"]


async def test_a_stalled_channel_is_silent_while_the_socket_lives(dial: Any) -> None:
    async with still(push_every_s=0) as sim:
        line = await dial(sim)
        await line.subscribe("ticker", BTC)
        await line.hear()
        sim.faults.add({"fault": "stream_stall", "ms": 150})
        sim.world.pin(BTC, Decimal(100_001))
        sim.streams.flush()
        await line.ws.send_str("ping")
        assert await line.hear() == "pong"
        await asyncio.sleep(0.2)
        sim.world.pin(BTC, Decimal(100_002))
        assert (await line.hear())["data"][0]["lastPr"] == "100002"


async def test_a_stalled_socket_can_swallow_pongs_too(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        sim.faults.add({"fault": "stream_stall", "pong": False})
        await line.ws.send_str("ping")
        assert await line.silence()


async def test_a_reconnect_can_be_given_a_stale_snapshot(dial: Any, ask: Any) -> None:
    async with still() as sim:
        await ask.order(sim)
        sim.faults.add({"fault": "stale_snapshot", "channel": "positions"})
        await ask.order(sim, side="sell", reduceOnly="YES")
        line = await dial(sim, "private")
        await line.subscribe("positions")
        [stale] = (await line.hear())["data"]
        assert stale["total"] == "0.001", "the position was closed after this picture was taken"
        again = await dial(sim, "private")
        await again.subscribe("positions")
        assert (await again.hear())["data"] == []


async def test_the_push_of_a_close_can_be_missing(dial: Any, ask: Any) -> None:
    async with still() as sim:
        line = await dial(sim, "private")
        await line.subscribe("positions")
        await line.hear()
        await ask.order(sim)
        while not (await line.hear_data())["data"]:
            continue
        sim.faults.add({"fault": "missing_close"})
        await ask.order(sim, side="sell", reduceOnly="YES")
        assert sim.exchange.snapshot("1") == []
        heard: list[Any] = []
        try:
            while True:
                heard.append(await line.hear(0.25))
        except TimeoutError:
            pass
        assert [] not in [frame["data"] for frame in heard]


async def test_the_fill_can_arrive_before_its_order(dial: Any, ask: Any) -> None:
    async with still() as sim:
        line = await dial(sim, "private")
        for channel in ("orders", "fill"):
            await line.subscribe(channel)
        sim.faults.add({"fault": "fill_before_order"})
        await ask.order(sim)
        told = []
        while not told or told[-1] != ("orders", "filled"):
            frame = await line.hear_data()
            told.append((frame["arg"]["channel"], frame["data"][0].get("status", "")))
        assert told[-2:] == [("fill", ""), ("orders", "filled")]


async def test_one_side_can_be_disconnected_and_new_sockets_refused(dial: Any) -> None:
    async with still() as sim:
        public, private = await dial(sim), await dial(sim, "private")
        sim.faults.add([{"fault": "disconnect", "side": "private"}, {"fault": "refuse_sockets"}])
        assert await private.hear() == "closed"
        with pytest.raises(aiohttp.ClientError):
            await dial(sim)
        sim.faults.clear()
        await dial(sim)
        await public.ws.send_str("ping")
        assert await public.hear() == "pong"


async def test_a_subscription_can_be_refused(dial: Any) -> None:
    async with still() as sim:
        line = await dial(sim)
        sim.faults.add({"fault": "subscribe_error", "channel": "ticker", "code": 30001})
        assert (await line.subscribe("ticker", BTC))["code"] == 30001
        assert (await line.subscribe("ticker", BTC))["event"] == "subscribe"
