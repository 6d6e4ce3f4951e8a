"""Other alerts through the real Apprise, to a real web server of ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from engine.core.actions import Level, Note
from engine.notify.alerts import WAITING, Alerts, AlertsRefused, is_worth_it, try_out
from engine.notify.port import Happened
from engine.notify.summary import DAY_MS, summary
from engine.protocol import ClosedView, Side
from tests.notify.mail import mail_server
from tests.unit.api.served import NOW, EngineFace, btc_short, snapshot


@dataclass
class Webhook:
    """Takes JSON alerts; `status` is what it answers, `hang_s` how long it thinks."""

    address: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    hang_s: float = 0

    async def take(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.hang_s)
        self.got.append(await request.json())
        return web.Response(status=self.status)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < count:  # noqa: ASYNC110 - what arrives is counted
                await asyncio.sleep(0.01)


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    hook, app = Webhook(), web.Application()
    app.router.add_post("/{tail:.*}", hook.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.address = f"json://127.0.0.1:{runner.addresses[0][1]}/SECRETPART"
    try:
        yield hook
    finally:
        await runner.cleanup()


@asynccontextmanager
async def alerting(hook: Webhook, desk: EngineFace | None = None) -> AsyncIterator[Alerts]:
    alerts = Alerts((hook.address,), desk or EngineFace())
    running = asyncio.create_task(alerts.run())
    try:
        yield alerts
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await asyncio.to_thread(alerts.close)


def note(text: str, level: Level = Level.MONEY, topic: str = "trader", **facts: str) -> Note:
    return Note(topic, level, text, "BTCUSDT", "btc-1", facts)


def happened(*notes: Note, at: int = 0) -> Happened:
    return Happened(1, at, notes)


async def test_a_closed_position_and_an_alarm_arrive_with_their_numbers() -> None:
    async with webhook() as hook, alerting(hook) as alerts:
        alerts.hear(happened(note("BTCUSDT short closed (stop)", topic="closed", net="8.5", reason="stop")))
        alerts.hear(happened(note("BTCUSDT short: the stop was refused.", Level.URGENT, "stop refused")))
        await hook.until(2)
        closed, alarm = hook.got
        assert closed["title"] == "SHORT BTCUSDT closed"
        assert "Net: +8.50 USDT" in closed["message"]
        assert (alarm["message"].startswith("The stop was refused."), alarm["type"]) == (True, "failure")
        assert alerts.link().up


async def test_an_alert_says_nothing_twice_and_names_the_account() -> None:
    async with webhook() as hook, alerting(hook) as alerts:
        alerts.hear(
            happened(
                Note(
                    "kill", Level.URGENT, "Halted: nothing that adds risk. 1 stop rests on Bitget. By desk."
                ),
                at=NOW,
            )
        )
        alerts.hear(happened(Note("engine", Level.CHATTER, "Engine 0.1.0 started on account main."), at=NOW))
        await hook.until(2)
        assert [(each["title"], each["message"]) for each in hook.got] == [
            ("🛑 Halted: nothing that adds risk", "1 stop rests on Bitget. By desk.\nmain · SIM"),
            ("Engine 0.1.0 started on account main.", "main · SIM"),
        ]


async def test_a_mail_keeps_its_lines() -> None:
    async with mail_server() as mails:
        address = f"mailto://127.0.0.1:{mails.port}?from=desk@example.com&to=trader@example.com"
        alerts = Alerts((address,), EngineFace())
        alerts.summarise(snapshot())
        await asyncio.to_thread(alerts.close, 60)
        [mail] = mails.got
        assert mail["Subject"] == "Thu 2025-05-08: the day"
        assert [part.get_content_type() for part in mail.walk()] == ["text/plain"]
        assert mail.get_content().splitlines()[1:] == [
            "Closed: nothing",
            "Open: BTCUSDT short +4.97, worst case −4.50",
            "main · SIM",
        ]


@pytest.mark.parametrize(
    ("told", "is_told"),
    [
        (note("x", Level.CHATTER, "funding"), False),
        (note("x", Level.MONEY, "stop"), False),
        (note("x", Level.MONEY, "rung"), False),
        (note("x", Level.MONEY, "adopted"), True),
        (note("x", Level.MONEY, "rung done"), True),
        (note("x", Level.WARNING, "link"), True),
        (note("x", Level.URGENT, "limit"), True),
        (note("rung 1 asks", Level.URGENT, "approval", rung="1"), False),
    ],
)
def test_only_what_is_whole_is_worth_an_alert(told: Note, is_told: bool) -> None:
    assert is_worth_it(told) is is_told


async def test_the_same_warning_is_not_news_for_five_minutes() -> None:
    async with webhook() as hook, alerting(hook) as alerts:
        for at in (0, 1_000, 301_000):
            alerts.hear(happened(note("BTCUSDT short: refused.", Level.WARNING), at=at))
        alerts.hear(happened(note("BTCUSDT short: closed 0.001.")))
        await hook.until(3)
        assert sum("Refused." in each["message"] for each in hook.got) == 2


async def test_the_days_summary_goes_out_when_the_day_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.notify.alerts.LOOK_S", 0.02)
    desk = EngineFace()
    async with webhook() as hook, alerting(hook, desk):
        async with asyncio.timeout(60):
            while not desk.snapshots_made:  # noqa: ASYNC110 - it looks when it looks
                await asyncio.sleep(0.01)
        engine = desk.now.engine
        desk.change(engine=replace(engine, now=engine.now + 86_400_000, market=engine.market + 86_400_000))
        await hook.until(1)
        assert hook.got[0]["title"] == "Thu 2025-05-08: the day"
        assert "Equity: 109.70 USDT, today +9.70 (9.7 %)" in hook.got[0]["message"]


def test_the_summary_has_what_ended_on_its_day_by_the_exchanges_clock() -> None:
    """The engine's own clock may be another one: on a market that is replayed it is months away."""
    months = 200 * DAY_MS
    now = snapshot()
    ended = tuple(
        ClosedView(name, "BTCUSDT", Side.LONG, at, at, "stop", 1, *[Decimal("8.5")] * 4)
        for name, at in (("today", NOW - 1_000), ("yesterday", NOW - DAY_MS))
    )
    told = summary(replace(now, closed=ended, engine=replace(now.engine, now=NOW + months)))
    assert told.title == "Thu 2025-05-08: the day"
    assert [line for line in told.lines if line.startswith("Closed")] == [
        "Closed: BTCUSDT long +8.50 (by its stop, 1 rung)"
    ]


def test_the_summary_says_what_is_open_without_care_and_without_a_price() -> None:
    blind = btc_short(managed=False, mark=None, unrealized_pnl=None, worst_case=None)
    assert "Open: BTCUSDT short result unknown, not under care" in summary(snapshot(positions=(blind,))).lines


async def test_a_service_that_fails_is_a_line_that_is_down_and_its_address_is_in_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with webhook() as hook, alerting(hook) as alerts:
            hook.status = 500
            alerts.hear(happened(note("BTCUSDT short: first.")))
            await hook.until(1)
            async with asyncio.timeout(60):
                while alerts.link().up:  # noqa: ASYNC110 - the worker is a thread
                    await asyncio.sleep(0.01)
            assert alerts.link().reason == "the newest alert did not arrive everywhere"
            hook.status = 200
            alerts.hear(happened(note("BTCUSDT short: second.")))
            async with asyncio.timeout(60):
                while not alerts.link().up:  # noqa: ASYNC110 - the worker is a thread
                    await asyncio.sleep(0.01)
    assert any("did not reach every service" in each for each in caplog.messages)
    assert not any("SECRETPART" in each for each in caplog.messages)


async def test_a_service_that_hangs_fills_a_queue_and_nothing_else() -> None:
    async with webhook() as hook, alerting(hook) as alerts:
        hook.hang_s = 1.5
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(2 * WAITING):
            alerts.hear(happened(note(f"BTCUSDT short: line {number}.")))
            if number % 50 == 0:
                await asyncio.sleep(0)
        assert loop.time() - began < 60, "nobody waited for the service: that would be minutes"
        async with asyncio.timeout(60):
            while not alerts.dropped:
                await asyncio.sleep(0.01)
                alerts.hear(happened(*(note(f"BTCUSDT short: more {n}.") for n in range(50))))
        hook.hang_s = 0


def test_an_address_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(AlertsRefused, match=r"address 2 of notify\.urls") as refused:
        try_out(("json://127.0.0.1:1", "hunter2-no-such-thing"))
    assert "hunter2" not in str(refused.value)


async def test_a_test_alert_says_whether_it_arrived() -> None:
    async with webhook() as hook:
        assert await asyncio.to_thread(try_out, (hook.address,))
        assert hook.got[0]["message"] == "This is a test: alerts arrive here."
        hook.status = 404
        assert not await asyncio.to_thread(try_out, (hook.address,))
