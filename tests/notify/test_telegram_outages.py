"""Telegram refuses, delays, hangs, is gone: nothing is lost, nothing is done twice, and the engine does not
notice.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.core.actions import Level, Note
from engine.notify.outbox import Outbox
from engine.notify.port import Happened
from engine.notify.telegram.fake import FakeTelegram
from tests.notify.pocket import Past, pocket
from tests.unit.api.served import EngineFace, snapshot

URGENT, MONEY = Level.URGENT, Level.MONEY


async def test_409_is_an_alarm_of_a_second_engine(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        conflict = "Conflict: terminated by other getUpdates request"
        on.api.misbehave(409, conflict, method="getUpdates", times=2)
        alarm = await on.says("Another program polls Telegram with this bot's token (409)")
        assert [label for label, _ in alarm.buttons] == ["Seen"]
        await on.asks("/status", "Equity")
        assert sum("(409)" in text and "Still" not in text for text in on.texts()) == 1


async def test_429_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.api.misbehave(429, "Too Many Requests: retry after 1", method="sendMessage", retry_after=1)
        on.tell("BTCUSDT short: first.")
        await on.api.called("sendMessage")
        on.tell("BTCUSDT short: the stop was refused.", URGENT)
        await on.says("The stop was refused.")
        await on.says("First.")


async def test_502_and_a_cut_connection_are_tried_again(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.api.misbehave(502, times=2, method="sendMessage")
        on.api.misbehave(aborts=True, method="sendMessage")
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.says("You closed 0.001.")
        assert sum("You closed" in text for text in on.texts()) == 1


async def test_an_outage_of_an_hour_loses_nothing_and_says_when_it_was(tmp_path: Path) -> None:
    async with FakeTelegram() as api, pocket(tmp_path, api=api) as on:
        on.tell("BTCUSDT short: the line is good.")
        await on.says("The line is good.")
        api.misbehave(aborts=True, times=1_000_000)
        await on.until_down()
        on.tell("BTCUSDT short: you closed 0.001 @ 95,000.0 (+5.00).")
        on.tell("BTCUSDT short: the stop at 99,293.2 was refused.", URGENT, "stop refused")
        on.type("/kill")
        await on.pause(0.3)
        assert len(on.texts()) == 1
        on.watch.ahead_ms += 3_600_000
        on.desk.change(engine=replace(on.desk.now.engine, now=on.watch()))
        await on.tries_again()
        api.recover()
        assert "Happened at" in (await on.says("You closed")).text
        assert "Happened at" in (await on.says("was refused")).text
        await on.says("Not carried out: you sent this at")
        assert on.desk.asked == []
        assert on.phone.line.losses >= 1


async def test_a_phone_that_starts_during_an_outage_comes_up_by_itself(tmp_path: Path) -> None:
    async with FakeTelegram() as api:
        api.misbehave(502, times=1_000_000)
        async with pocket(tmp_path, api=api, wait=False) as on:
            on.tell("BTCUSDT short: you closed 0.001.")
            await on.pause(0.3)
            assert not on.phone.line.up
            assert on.phone.link().reason
            api.recover()
            await on.says("You closed 0.001.")


async def test_a_telegram_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Hearing is synchronous and instant; leaving takes no longer than a moment."""
    async with pocket(tmp_path) as on:
        on.api.misbehave(hang_s=60, times=1_000_000)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1000):
            on.tell(f"BTCUSDT short: line {number}.")
        assert loop.time() - began < 30
        await on.pause(0.1)
        began = loop.time()
        await on.phone.farewell("The engine ends.")
        assert loop.time() - began < 30
    assert loop.time() - began < 55, "nobody waited for Telegram: that would be a minute"
    outbox = await Outbox.open(tmp_path / "engine.outbox")
    assert len(await outbox.unsent()) == 500  # a page of them
    await outbox.close()


async def test_a_token_that_telegram_refuses_is_a_line_that_is_down_and_never_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with FakeTelegram() as api:
            token = api.token
            async with pocket(tmp_path, api=api, wait=False) as on:
                api.token = "1:another"
                async with asyncio.timeout(60):
                    while "refuses the token" not in on.phone.link().reason:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                    while "the line to Telegram is down" not in caplog.text:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
    assert any("the line to Telegram is down" in each for each in caplog.messages)
    assert not any(token in f"{each.getMessage()} {each.exc_text}" for each in caplog.records)


async def test_a_token_that_is_revoked_while_it_works_is_noticed(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.api.misbehave(401, "Unauthorized", times=1_000_000)
        async with asyncio.timeout(60):
            while "refuses the token" not in on.phone.link().reason:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        on.api.recover()
        await on.until_up()
        await on.asks("/status", "Equity")


async def test_a_bot_that_the_trader_blocked_keeps_its_messages(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.api.misbehave(403, "Forbidden: bot was blocked by the user", method="sendMessage", times=2)
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.says("You closed 0.001.")


# -- at least once, across crashes ---------------------------------------------------------------------------


async def test_what_happened_while_the_process_was_dead_is_told_at_the_next_start(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: first.")
        await on.says("First.")
        await on.delivered()
        now = on.watch()
    lost = Happened(2, now, (Note("trader", MONEY, "BTCUSDT short: second.", "BTCUSDT", "btc-1"),))
    async with pocket(tmp_path, past=Past(lost)) as on:
        await on.says("Second.")
        assert not any("First." in text for text in on.texts())


async def test_an_entry_that_is_read_and_heard_is_told_once(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: first.")
        await on.says("First.")
        await on.delivered()
        now = on.watch()
    both = Happened(2, now, (Note("trader", MONEY, "BTCUSDT short: second.", "BTCUSDT", "btc-1"),))
    async with pocket(tmp_path, past=Past(both)) as on:
        on.phone.hear(both)
        await on.says("Second.")
        await on.pause()
        assert sum("Second." in text for text in on.texts()) == 1


async def test_what_happened_two_days_ago_is_left_to_the_journal(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: first.")
        await on.says("First.")
        await on.delivered()
        now = on.watch()
    old = Happened(2, now - 2 * 86_400_000, (Note("trader", MONEY, "BTCUSDT short: old.", "BTCUSDT"),))
    new = Happened(3, now, (Note("trader", MONEY, "BTCUSDT short: new.", "BTCUSDT"),))
    async with pocket(tmp_path, past=Past(old, new)) as on:
        await on.says("New.")
        assert not any("Old." in text for text in on.texts())


async def test_a_new_journal_beside_an_old_outbox_is_told_from_its_first_entry(tmp_path: Path) -> None:
    """Entries count from 1 again: they are news, however far the old journal was told."""
    async with pocket(tmp_path) as on:
        for number in range(5):
            on.tell(f"BTCUSDT short: old {number}.")
        await on.says("Old 4.")
        await on.delivered()
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: of the new journal.")
        await on.says("Of the new journal.")
        on.tell("BTCUSDT short: and the next.")
        await on.says("And the next.")


async def test_an_end_without_a_farewell_is_told_at_the_next_start(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        await on.has_looked()
    async with pocket(tmp_path) as on:
        await on.says("The engine is back\nIt ended without a farewell and did not run for")
        await on.phone.farewell("Engine 0.1.0 stopped.")
        await on.says("Engine 0.1.0 stopped.")
    async with pocket(tmp_path) as on:
        await on.asks("/status", "Equity")
        assert not any("is back" in text for text in on.texts())


async def test_an_answer_that_comes_during_the_farewell_is_waited_for_and_nothing_is_told_twice(
    tmp_path: Path,
) -> None:
    """The message stands on the phone and Telegram's answer is late: the end waits for it."""
    async with pocket(tmp_path) as on:
        on.api.misbehave(method="sendMessage", lag_s=0.3)
        on.tell("BTCUSDT short: first.")
        await on.says("First.")
        await on.phone.farewell("Engine 0.1.0 stopped.")
    async with pocket(tmp_path) as on:
        await on.asks("/status", "Equity")
        await on.pause()
        assert not any("First." in text or "is back" in text for text in on.texts())


async def test_a_hearing_that_breaks_after_the_farewell_does_not_forget_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What begins anew in the last moment of a process is no new start."""
    monkeypatch.setattr("engine.notify.telegram.hearing.ALIVE_S", 0.05)
    async with pocket(tmp_path) as on:
        await on.asks("/status", "Equity")
        await on.phone.farewell("Engine 0.1.0 stopped.")
        good, on.desk.now = on.desk.now, None  # type: ignore[assignment]
        await on.until_down()
        on.desk.now = good
        await on.asks("/status", "Equity")
        await on.pause()
    async with pocket(tmp_path) as on:
        await on.asks("/status", "Equity")
        assert not any("is back" in text for text in on.texts())


async def test_the_last_day_is_summed_up_when_a_new_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.notify.telegram.hearing.ALIVE_S", 0.05)
    async with pocket(tmp_path) as on:
        await on.has_looked()
        engine = on.desk.now.engine
        on.desk.change(engine=replace(engine, now=engine.now + 86_400_000, market=engine.market + 86_400_000))
        told = await on.says("Thu 2025-05-08: the day")
        assert "Equity: 109.70 USDT, today +9.70 (9.7 %)" in told.text
        assert "Open: BTCUSDT short +4.97, worst case −4.50" in told.text


async def test_a_clock_that_becomes_known_ends_no_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.notify.telegram.hearing.ALIVE_S", 0.05)
    engine = snapshot().engine
    async with pocket(tmp_path, desk=EngineFace(snapshot(engine=replace(engine, market=0)))) as on:
        await on.pause(0.2)
        on.desk.change(engine=replace(engine, market=engine.market - 400 * 86_400_000))
        await on.pause(0.2)
        assert on.texts() == []


# -- the outbox's own disk -----------------------------------------------------------------------------------


async def test_a_broken_outbox_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "engine.outbox").write_bytes(b"this is no database" * 500)
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.says("You closed 0.001.")
    assert (tmp_path / "engine.outbox.broken").exists()


async def test_an_outbox_is_for_its_owner_alone(tmp_path: Path) -> None:
    outbox = await Outbox.open(tmp_path / "engine.outbox")
    await outbox.close()
    assert (tmp_path / "engine.outbox").stat().st_mode & 0o077 == 0


async def test_a_disk_that_takes_nothing_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.notify.telegram.hearing.RETRY_S", 0.1)
    async with pocket(tmp_path) as on:
        await on.asks("/status", "Equity")
        other = sqlite3.connect(tmp_path / "engine.outbox", isolation_level=None)
        await on.outbox.transact(lambda db: db.execute("PRAGMA busy_timeout = 50"))
        other.execute("BEGIN EXCLUSIVE")
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.pause(0.5)
        assert not any("You closed" in text for text in on.texts())
        other.execute("COMMIT")
        other.close()
        await on.says("You closed 0.001.")


async def test_a_break_in_the_phone_itself_is_a_line_that_is_down_and_goes_on(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        good = on.desk.now
        on.desk.now = None  # type: ignore[assignment]
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.until_down()
        assert "AttributeError" in on.phone.link().reason
        on.desk.now = good
        await on.says("You closed 0.001.")


async def test_a_command_that_breaks_on_our_side_says_that_nobody_knows(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:

        async def breaks(request: object) -> None:
            raise RuntimeError("boom")

        on.desk.command = breaks  # type: ignore[assignment, method-assign]
        on.type("/kill")
        await on.says("That failed on the engine's side; nobody knows whether it was carried out.")


async def test_an_alarm_overtakes_a_thousand_lines_of_chatter(tmp_path: Path) -> None:
    async with pocket(tmp_path, night=(0, 24 * 60)) as on:
        for number in range(1000):
            on.tell(f"BTCUSDT short: line {number}.", Level.CHATTER, "margin")
        on.tell("BTCUSDT short: the stop was refused.", URGENT, "stop refused")
        await on.says("The stop was refused.")
