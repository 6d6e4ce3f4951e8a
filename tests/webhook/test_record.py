"""What the journal gets to know of alerts: each one with its outcome, and of a flood its number."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest
from trading_view import NOW, TOKEN, Clock, Trader, TradingView, held, listening

from engine.core.events import SignalHeard, SignalOutcome
from engine.protocol import ApprovalView, Asks, Deny, Enter, Exit, Flip, Side
from engine.webhook.record import LONGEST_MS, Record

D = Decimal
MINUTE = 60_000


async def test_an_accepted_alert_is_journalled_with_what_it_became(trader: Trader, view: TradingView) -> None:
    await view.send(id="Long-1", price=95000.5, stop_loss_price="94000")
    [signal] = trader.journal
    assert signal == SignalHeard(
        "TradingView",
        SignalOutcome.ACCEPTED,
        "on its way",
        id=trader.asked[0].id,
        label="Long-1",
        symbol="BTCUSDT",
        action="buy",
        sentiment="long",
        price=D("95000.5"),
        stop=D(94000),
        became="long entry",
        came=NOW,
        nonce=signal.nonce,
    )
    assert len(signal.nonce) == 12


async def test_every_other_outcome_is_journalled_with_its_reason(trader: Trader, view: TradingView) -> None:
    await view.send(token="not-the-token-of-this-hook")
    await view.say(b"hello")
    await view.send(timenow="2025-05-08T13:00:00Z")
    await view.send(action="buy", sentiment="short")
    await view.send(action="buy", sentiment="flat")
    await view.send(price=100, stop_loss_price=101)
    trader.refuses = "Not entered: the kill switch is on."
    await view.send(id="x")
    trader.refuses = ""
    await view.send(id="x")
    await view.send(id="x")
    assert trader.told() == [
        ("wrong token", "the alert's token is wrong or missing (from 127.0.0.1)"),
        ("unreadable", "the body is no alert: send JSON, or lines such as action=buy (from 127.0.0.1)"),
        ("late", "the alert is 3660 s old, and at most 60 s are taken"),
        (
            "refused",
            "buy with short means nothing: buy goes with long or flat, sell with short or flat",
        ),
        ("nothing to do", "buy with flat closes a short; BTCUSDT short is not open"),
        ("refused", "stop_loss_price 101 must lie below the price 100 of a long"),
        ("refused", "Not entered: the kill switch is on."),
        ("accepted", "on its way"),
        ("duplicate", "this alert was taken already, within the last minute"),
    ]
    assert [signal.symbol for signal in trader.journal] == ["", "", *["BTCUSDT"] * 7]
    assert TOKEN not in repr(trader.journal)
    assert "not-the-token" not in repr(trader.journal)


async def test_an_address_that_may_not_send_is_journalled(trader: Trader) -> None:
    async with listening(trader, addresses=("52.89.214.238",)) as view:
        await view.send()
    assert trader.told() == [
        ("turned away", "127.0.0.1 is not among webhook.addresses (from 127.0.0.1)"),
    ]


async def test_what_the_strategy_itself_writes_wrongly_is_told_each_time(
    trader: Trader, view: TradingView
) -> None:
    for ticker in ("TSLA", "AAPL", "NVDA"):
        await view.send(ticker=ticker)
    assert [(outcome, text.split()[1]) for outcome, text in trader.told()] == [
        ("refused", "'TSLA'"),
        ("refused", "'AAPL'"),
        ("refused", "'NVDA'"),
    ]


async def test_bodies_that_are_too_large_or_too_slow_are_journalled_without_a_word_of_them(
    trader: Trader,
) -> None:
    async with listening(trader, body_s=0.2) as view:
        assert (await view.hurl(f"token={TOKEN} ", length=1_000_000))[0] == 413
        assert (await view.hurl(f"token={TOKEN} ", length=500))[0] == 408
    assert trader.told() == [
        ("unreadable", "the body was too large: 1,000,000 bytes were announced (from 127.0.0.1)"),
        ("unreadable", f"the body was too slow: {len(TOKEN) + 7} of 500 bytes came (from 127.0.0.1)"),
    ]
    assert TOKEN not in repr(trader.journal)


async def test_a_body_that_is_cut_off_is_journalled_and_breaks_nothing(
    trader: Trader, view: TradingView, caplog: pytest.LogCaptureFixture
) -> None:
    await view.hang_up_after(f"token={TOKEN} ", length=500)
    text = f"the body was cut off: {len(TOKEN) + 7} of 500 bytes came (from 127.0.0.1)"
    assert trader.told() == [("unreadable", text)]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_token_that_is_no_text_at_all_is_a_wrong_one(
    trader: Trader, view: TradingView, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await view.say(r'{"action": "buy", "token": "\ud800"}'))[0] == 401
    assert trader.told() == [("wrong token", "the alert's token is wrong or missing (from 127.0.0.1)")]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_flood_of_large_bodies_is_one_line_and_one_number(trader: Trader) -> None:
    async with listening(trader) as view:
        answers = await asyncio.gather(*(view.hurl("x", length=1_000_000) for _ in range(50)))
        assert {status for status, _ in answers} == {413}
        assert [each.times for each in trader.journal] == [1]
    assert [each.times for each in trader.journal] == [1, 49]


async def test_a_flood_of_wrong_tokens_is_one_line_and_one_number(trader: Trader) -> None:
    clock = Clock()
    async with listening(trader, clock) as view:
        for _ in range(200):
            assert (await view.send(token="wrong"))[0] == 401
        assert [(each.outcome.value, each.times) for each in trader.journal] == [("wrong token", 1)]
        clock.now += MINUTE
        await view.send(token="wrong")
        assert [each.times for each in trader.journal] == [1, 199, 1]
    assert [each.times for each in trader.journal] == [1, 199, 1]


def test_the_longer_a_flood_lasts_the_less_it_costs() -> None:
    journal: list[SignalHeard] = []
    record = Record()
    wrong = SignalHeard("TradingView", SignalOutcome.WRONG_TOKEN, "wrong")
    for second in range(86_400):
        journal += record.add(wrong, NOW + second * 1000)
    journal += record.end()
    assert len(journal) < 80
    assert sum(each.times for each in journal) == 86_400


def test_a_flood_that_is_over_is_told_without_another_alert() -> None:
    journal: list[SignalHeard] = []
    record = Record()
    for _ in range(3):
        journal += record.add(SignalHeard("TradingView", SignalOutcome.UNREADABLE, "no alert"), NOW)
    journal += record.flush(NOW + MINUTE - 1)
    assert [each.times for each in journal] == [1]
    assert repr(record) == "<Record 2 alerts held back>"
    journal += record.flush(NOW + MINUTE)
    journal += record.flush(NOW + MINUTE + LONGEST_MS)
    assert [each.times for each in journal] == [1, 2]


def test_alerts_with_the_right_token_are_told_one_by_one_up_to_sixty_a_minute() -> None:
    journal: list[SignalHeard] = []
    record = Record()
    for number in range(100):
        for outcome in (SignalOutcome.REFUSED, SignalOutcome.ACCEPTED):
            journal += record.add(SignalHeard("TradingView", outcome, f"{number}"), NOW)
    journal += record.end()
    refused = [each.times for each in journal if each.outcome is SignalOutcome.REFUSED]
    assert refused == [*[1] * 60, 40]
    assert sum(each.outcome is SignalOutcome.ACCEPTED for each in journal) == 100


# -- entries that ask ----------------------------------------------------------------------------------------


def question(side: Side = Side.LONG, by: str = "webhook, buy long") -> ApprovalView:
    numbers = {"add_margin": D(40), "bank_qty": D(0), "low": D(1), "high": D(2), "expires": NOW + MINUTE}
    return ApprovalView(
        "entry1",
        0,
        "BTCUSDT",
        side,
        **numbers,
        worst_case=D(0),
        worst_case_after=D(-1),
        asks=Asks.ENTRY,
        by=by,
    )  # type: ignore[arg-type]


async def test_with_approve_on_an_entry_asks_and_an_exit_does_not(trader: Trader) -> None:
    async with listening(trader, approve=True) as view:
        await view.send(id="a")
        await view.send(action="sell", sentiment="flat", id="b")
    enter, leave = trader.commands
    assert isinstance(enter, Enter) and enter.ask
    assert leave == Exit("BTCUSDT", Side.LONG, 20, 3)
    assert [each.became for each in trader.journal] == ["long entry if you say yes", "long exit"]


async def test_a_flip_that_asks_leaves_first(trader: Trader) -> None:
    trader = Trader(held("BTCUSDT", Side.SHORT))
    async with listening(trader, approve=True, allow_flip=True) as view:
        assert (await view.send())[0] == 200
    [flip] = trader.commands
    assert isinstance(flip, Flip) and flip.entering.ask
    assert trader.journal[-1].became == "short exit, then long entry if you say yes"


async def test_flat_takes_back_an_entry_that_still_asks(trader: Trader) -> None:
    trader.change(approvals=(question(),))
    async with listening(trader, approve=True) as view:
        assert (await view.send(action="sell", sentiment="flat"))[0] == 200
    assert trader.commands == [Deny("entry1", 0)]
    assert trader.journal[-1].became == "long entry taken back"


async def test_the_other_side_takes_back_an_entry_that_still_asks_and_asks_itself(trader: Trader) -> None:
    trader.change(approvals=(question(),))
    async with listening(trader, approve=True) as view:
        assert (await view.send(action="sell", sentiment="short"))[0] == 200
    taken_back, enter = trader.commands
    assert taken_back == Deny("entry1", 0)
    assert isinstance(enter, Enter) and enter.side is Side.SHORT


async def test_what_the_trader_asked_for_is_never_taken_back(trader: Trader) -> None:
    trader.change(approvals=(question(by="desk on tty2"),))
    async with listening(trader, approve=True) as view:
        await view.send(action="sell", sentiment="flat")
        await asyncio.sleep(0)
    assert trader.commands == []
