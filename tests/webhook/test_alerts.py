"""What alerts do: entries, exits, flips, and everything that must not happen."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import Decimal

import pytest
from msgspec.structs import replace
from trading_view import NOW, TOKEN, Clock, Trader, TradingView, held, listening

from engine.protocol import Deny, Enter, EntryView, Exit, Flip, FlipView, Side
from engine.webhook.hook import ANSWER_S

D = Decimal


async def test_buy_and_long_enters_with_half_of_the_free_balance_at_the_touch(
    trader: Trader, view: TradingView
) -> None:
    status, text = await view.send(price=95000.5, stop_loss_price="94000")
    assert (status, text) == (200, "on its way")
    assert trader.commands == [
        Enter(
            symbol="BTCUSDT",
            side=Side.LONG,
            margin=D("44.86"),
            patient=True,
            wait_s=20,
            tries=3,
            stop=D(94000),
            price=D("95000.5"),
            deviation=D("0.005"),
        )
    ]
    assert trader.now.account.free == D("89.7283")


async def test_sell_and_short_enters_short(trader: Trader, view: TradingView) -> None:
    assert (await view.send(action="sell", sentiment="short"))[0] == 200
    assert [command.side for command in trader.commands] == [Side.SHORT]


@pytest.mark.parametrize(("action", "side"), [("buy", Side.SHORT), ("sell", Side.LONG)])
async def test_flat_closes_the_side_that_the_action_ends(action: str, side: Side) -> None:
    trader = Trader(held("BTCUSDT", side), held("ETHUSDT", side))
    async with listening(trader) as view:
        assert (await view.send(action=action, sentiment="flat"))[0] == 200
    assert trader.commands == [Exit("BTCUSDT", side, 20, 3)]


async def test_flat_for_the_other_side_does_nothing_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    trader = Trader(held("BTCUSDT", Side.LONG))
    async with listening(trader) as view:
        status, text = await view.send(action="buy", sentiment="flat")
    assert status == 200
    assert text == "buy with flat closes a short; BTCUSDT short is not open, but the long is"
    assert trader.asked == []
    assert [record.levelname for record in caplog.records if record.name == "ratchet.webhook"] == ["WARNING"]


@pytest.mark.parametrize(("action", "sentiment"), [("buy", "short"), ("sell", "long")])
async def test_pairs_that_mean_nothing_are_refused(
    trader: Trader, view: TradingView, action: str, sentiment: str
) -> None:
    status, text = await view.send(action=action, sentiment=sentiment)
    assert status == 422
    assert text.startswith(f"{action} with {sentiment} means nothing")
    assert trader.asked == []


async def test_long_while_short_is_refused_unless_flips_are_allowed() -> None:
    trader = Trader(held("BTCUSDT", Side.SHORT))
    async with listening(trader) as view:
        status, text = await view.send()
    assert (status, trader.asked) == (422, [])
    assert "BTCUSDT short is open, and webhook.allow_flip is off" in text


async def test_a_flip_is_one_wish_that_the_engine_keeps() -> None:
    trader = Trader(held("BTCUSDT", Side.SHORT))
    async with listening(trader, allow_flip=True) as view:
        assert (await view.send(price="95000.5"))[0] == 200
    [flip] = trader.commands
    entering = Enter("BTCUSDT", Side.LONG, patient=True, price=D("95000.5"))
    assert flip == Flip(entering, D("0.5"), within_s=120)


async def test_flat_takes_back_the_entry_of_a_flip(trader: Trader) -> None:
    trader.change(
        flips=(FlipView("flip1", "BTCUSDT", Side.LONG, "webhook, buy long", NOW + 120_000, D("0.5")),)
    )
    async with listening(trader, allow_flip=True) as view:
        assert (await view.send(action="sell", sentiment="flat"))[0] == 200
    assert trader.commands == [Deny("flip1", 0)]
    assert trader.journal[-1].became == "long entry taken back"


def working(side: Side) -> EntryView:
    """An entry at the touch, of which nothing is filled."""
    by = f"webhook, {'buy' if side is Side.LONG else 'sell'} {side}"
    return EntryView("in1", "BTCUSDT", side, by, D("0.002"), D(0), D("95000.5"), NOW, 1, 4)


async def test_what_is_on_its_way_out_is_nothing_that_is_entered() -> None:
    trader = Trader()
    trader.change(entries=(replace(working(Side.SHORT), opens=False),))
    async with listening(trader) as view:
        assert (await view.send())[0] == 200
    assert [type(command) for command in trader.commands] == [Enter]


async def test_flat_takes_back_an_entry_that_still_waits_at_the_touch(trader: Trader) -> None:
    trader.change(entries=(working(Side.LONG),))
    async with listening(trader) as view:
        assert (await view.send(action="sell", sentiment="flat"))[0] == 200
    assert trader.commands == [Exit("BTCUSDT", Side.LONG)]


@pytest.mark.parametrize("allow_flip", [True, False])
async def test_the_other_side_counts_as_open_while_it_is_entered(trader: Trader, allow_flip: bool) -> None:
    trader.change(entries=(working(Side.SHORT),))
    async with listening(trader, allow_flip=allow_flip) as view:
        status, text = await view.send()
    if allow_flip:
        assert [type(command) for command in trader.commands] == [Flip]
    else:
        assert (status, trader.asked) == (422, [])
        assert "BTCUSDT short is being entered, and webhook.allow_flip is off: take it back first" in text


async def test_the_engines_refusal_is_the_answer(trader: Trader, view: TradingView) -> None:
    trader.refuses = "Not entered: trading is halted."
    assert await view.send() == (422, "Not entered: trading is halted.")


async def test_a_slow_decision_is_answered_within_a_second(trader: Trader) -> None:
    assert ANSWER_S < 1
    trader.thinks_s = 3600
    async with listening(trader, answer_s=ANSWER_S) as view:
        assert (await view.send())[0] == 202


@pytest.mark.parametrize("ticker", ["BTCUSDT", "btcusdt", "BTCUSDT.P", "BITGET:BTCUSDT.P", "BITGET:BTCUSDT"])
async def test_every_spelling_of_a_perpetual_is_understood(
    trader: Trader, view: TradingView, ticker: str
) -> None:
    assert (await view.send(ticker=ticker))[0] == 200
    assert trader.commands[0].symbol == "BTCUSDT"


@pytest.mark.parametrize("ticker", ["TSLA", "NASDAQ:TSLA", "BTCUSD", "BTC/USDT", "USDT", "", "BTCUSDT.PERP"])
async def test_what_is_no_perpetual_is_refused(trader: Trader, view: TradingView, ticker: str) -> None:
    assert (await view.send(ticker=ticker))[0] == 422
    assert trader.asked == []


@pytest.mark.parametrize(
    "text",
    [
        '{"action": "sell", "sentiment": "short", "ticker": "BTCUSDT.P", "token": "%s", "price": NaN}',
        '{"action": "sell", "sentiment": "short", "ticker": "BTCUSDT.P", "token": "%s", "price": ,}',
        '{"action": "sell", "sentiment": "short", "ticker": "BTCUSDT.P", "token": "%s", "price": "NaN"}',
        "action=sell\nsentiment=short\nticker=BTCUSDT.P\ntoken=%s",
        "action: sell, sentiment: short, ticker: BITGET:BTCUSDT.P, token: '%s'",
        "\ufeffACTION=SELL SENTIMENT=Short TICKER=BTCUSDT TOKEN=%s stop_loss_price=",
    ],
)
async def test_text_with_blanks_and_nans_is_read_as_tradingview_sends_it(
    trader: Trader, view: TradingView, text: str
) -> None:
    assert await view.say(text % TOKEN) == (200, "on its way")
    command = trader.commands[0]
    assert isinstance(command, Enter)
    assert (command.side, command.price, command.stop) == (Side.SHORT, None, None)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"\xff\xfe", b"{}", b"[" * 60_000, b"[1, 2]", b'{"action": ""}']
)
async def test_what_is_no_alert_is_told(trader: Trader, view: TradingView, body: bytes) -> None:
    assert (await view.say(body))[0] == 400
    assert trader.asked == []


async def test_a_megabyte_is_not_read(trader: Trader, view: TradingView) -> None:
    assert (await view.say(b"x" * 65_537))[0] == 413


@pytest.mark.parametrize("token", [TOKEN[:-1], f"{TOKEN}x", "1234", "", TOKEN.upper(), "é" * 20])
async def test_a_wrong_token_opens_nothing_and_is_repeated_nowhere(
    trader: Trader, view: TradingView, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    status, text = await view.send(token=token)
    assert (status, text) == (401, "the alert's token is wrong or missing")
    assert trader.asked == []
    assert not token or token not in "".join(record.getMessage() for record in caplog.records)


async def test_the_right_token_is_in_no_log_either(
    trader: Trader, view: TradingView, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await view.send(id="Long-1")
    lines = [record.getMessage() for record in caplog.records if record.name == "ratchet.webhook"]
    assert len(lines) == 1
    assert "TradingView buy long BTCUSDT, 'Long-1': accepted, on its way" in lines[0]
    assert lines[0].startswith(trader.asked[0].id)
    assert trader.asked[0].by == "webhook, buy long, id Long-1"
    assert TOKEN not in "".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "hold"}, "action must be one of buy, sell"),
        ({"sentiment": ""}, "the alert tells no sentiment"),
        ({"price": "-1"}, "price must be a price above 0"),
        ({"price": "1e99"}, "price must be a price above 0"),
        ({"price": "Infinity"}, "price must be a price above 0"),
        ({"price": "95_000"}, "price must be a price above 0: '95_000' is not written as a plain number"),
        ({"price": "٩٥٠٠٠"}, "price must be a price above 0: '٩٥٠٠٠' is not written as a plain number"),
        ({"price": "NaN1"}, "price must be a price above 0"),
        ({"stop_loss_price": "94,000"}, "'94,000' is not written as a plain number such as 95000.5"),
        ({"stop_loss_price": "soon"}, "stop_loss_price must be a price above 0"),
        ({"price": 100, "stop_loss_price": 101}, "must lie below the price 100 of a long"),
        ({"action": "sell", "sentiment": "short", "price": 100, "stop_loss_price": 99}, "must lie above"),
        ({"time": "yesterday"}, "time must be a time such as"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_reason(
    trader: Trader, view: TradingView, fields: dict[str, object], words: str
) -> None:
    status, text = await view.send(**fields)
    assert status == 422
    assert words in text
    assert trader.asked == []


async def test_only_listed_addresses_may_send(trader: Trader) -> None:
    async with listening(trader, addresses=("52.89.214.238",)) as view:
        assert (await view.send())[0] == 403
    async with listening(trader, addresses=("52.89.214.238", "127.0.0.1")) as view:
        assert (await view.send())[0] == 200


async def test_an_engine_that_cannot_read_all_leaves_what_it_knows_and_takes_nothing_else() -> None:
    trader = Trader(held("BTCUSDT", Side.LONG))
    async with listening(trader) as view:
        trader.change(engine=replace(trader.now.engine, reconciled=False))
        still_reads = 503, "the engine still reads the account: send it again"
        assert await view.send(ticker="ETHUSDT") == still_reads
        assert await view.send(action="buy", sentiment="flat") == still_reads, "a short may be open"
        assert (await view.send(action="sell", sentiment="flat"))[0] == 200
        assert [type(command) for command in trader.commands] == [Exit]
        trader.change(engine=replace(trader.now.engine, reconciled=True))
        assert (await view.send(ticker="ETHUSDT"))[0] == 200


async def test_an_unknown_balance_enters_nothing(trader: Trader, view: TradingView) -> None:
    trader.change(account=replace(trader.now.account, free=None))
    assert await view.send() == (422, "the free balance is not known: try again when it is")
    assert trader.asked == []


# -- again, late, replayed ----------------------------------------------------------------------------------


async def test_a_resent_alert_is_dropped(trader: Trader, view: TradingView) -> None:
    assert (await view.send())[0] == 200
    assert await view.send() == (409, "this alert was taken already, within the last minute")
    assert len(trader.asked) == 1


async def test_what_the_engine_refused_may_be_sent_again(trader: Trader, view: TradingView) -> None:
    trader.refuses = "BTCUSDT: there is no fresh price on which mark and last agree; try again."
    assert (await view.send(id="x-1"))[0] == 422
    trader.refuses = ""
    assert (await view.send(id="x-1"))[0] == 200
    assert (await view.send(id="x-1"))[0] == 409


async def test_ten_at_once_are_one(trader: Trader, view: TradingView) -> None:
    trader.thinks_s = 0.1
    statuses = [status for status, _ in await asyncio.gather(*(view.send(id="x-1") for _ in range(10)))]
    assert sorted(statuses) == [200] + [409] * 9
    assert len(trader.asked) == 1


async def test_the_same_alert_after_a_restart_has_the_same_name_and_is_done_once(trader: Trader) -> None:
    for fields in ({"id": "Long-2025-05-08T14:00:00Z"}, {"time": "2025-05-08T14:00:30Z"}):
        for _ in range(2):
            async with listening(trader) as view:
                await view.send(**fields)
    names = [request.id for request in trader.asked]
    assert len(names) == 4
    assert len(set(names)) == 2
    assert len(trader.now.positions) == 2


async def test_the_same_words_in_the_next_bar_are_another_alert(trader: Trader) -> None:
    clock = Clock()
    async with listening(trader, clock) as view:
        await view.send(id="Long", time="2025-05-08T14:00:00Z", timenow="2025-05-08T14:01:00Z")
        clock.now += 60_000
        assert (await view.send(id="Long", time="2025-05-08T14:01:00Z", timenow="2025-05-08T14:02:00Z"))[
            0
        ] == 200
        clock.now += 61_000
        assert (await view.send())[0] == 200
        clock.now += 61_000
        assert (await view.send())[0] == 200
    assert len({request.id for request in trader.asked}) == 4


async def test_an_alert_that_fires_twice_in_its_bar_is_one(trader: Trader, view: TradingView) -> None:
    assert (await view.send(time="2025-05-08T14:01:00Z", timenow="2025-05-08T14:01:00Z"))[0] == 200
    assert (await view.send(time="2025-05-08T14:01:00Z", timenow="2025-05-08T14:01:02Z"))[0] == 409


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"timenow": "2025-05-08T14:00:00Z"}, 200),
        ({"timenow": "2025-05-08T13:59:59Z"}, 422),
        ({"timenow": "2025-05-08T14:02:00Z"}, 200),
        ({"timenow": "2025-05-08T14:02:01Z"}, 422),
        ({"timenow": NOW - 61_000}, 422),
        ({"timenow": (NOW - 59_000) // 1000}, 200),
        ({"time": "2025-05-08T13:00:00Z"}, 422),
        ({"time": "2025-05-08T13:00:00Z", "timenow": "2025-05-08T14:00:59Z"}, 200),
        ({"time": "2025-05-08T13:00:00Z", "interval": "60"}, 200),
        ({"time": "2025-05-08T12:59:00Z", "interval": "1H"}, 422),
        ({"time": "2025-05-08T00:00:00Z", "interval": "1D"}, 200),
        ({"time": "2025-05-08T13:59:20Z", "interval": "30S"}, 422),
        ({"time": "2025-05-08T13:59:40Z", "interval": "30S"}, 200),
    ],
)
async def test_late_alerts_and_alerts_from_the_future_are_refused(
    trader: Trader, view: TradingView, fields: dict[str, object], status: int
) -> None:
    assert (await view.send(**fields))[0] == status
    assert len(trader.asked) == (status == 200)


async def test_a_captured_alert_is_worth_nothing_later(trader: Trader) -> None:
    clock = Clock()
    captured = {"timenow": "2025-05-08T14:01:00Z", "id": "Long-7"}
    async with listening(trader, clock) as view:
        assert (await view.send(**captured))[0] == 200
        clock.now += 30_000
        assert (await view.send(**captured))[0] == 409
        clock.now += 3_600_000
        status, text = await view.send(**captured)
    assert (status, text) == (422, "the alert is 3630 s old, and at most 60 s are taken")
    assert len(trader.asked) == 1


async def test_alerts_without_a_time_can_be_refused(trader: Trader) -> None:
    async with listening(trader, require_time=True) as view:
        assert (await view.send())[0] == 422
        assert (await view.send(timenow="2025-05-08T14:01:00Z"))[0] == 200


async def test_with_rest_off_only_the_webhook_is_there(view: TradingView) -> None:
    for path in ("/", "/api/crypto/accounts", "/metrics", "/api/commands"):
        async with view.client.get(path) as reply:
            assert reply.status == 404
    async with view.client.get("/api/openapi.json") as reply:
        assert "/api/webhook" in json.loads(await reply.text())["paths"]
    async with view.client.get("/api/webhook") as reply:
        assert reply.status == 405
