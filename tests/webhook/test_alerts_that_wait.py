"""Alerts that find no engine: refused, on the disk, and in the journal as soon as there is one."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from trading_view import TOKEN, Trader, listening

from engine.core.events import SignalHeard, SignalOutcome
from engine.webhook.spool import MOST, Spool

LATE = "the engine refuses to be asked: nothing was done (it came at 2025-05-08 14:01:00 UTC)"


def alert(number: int = 1, times: int = 1) -> SignalHeard:
    return SignalHeard("TradingView", SignalOutcome.REFUSED, f"alert {number}", times=times)


async def is_told(trader: Trader, number: int) -> list[tuple[str, str]]:
    """What the journal has, as soon as it has so much."""
    async with asyncio.timeout(60):
        while True:
            if len(trader.journal) >= number:
                return trader.told()
            await asyncio.sleep(0.01)


async def test_an_alert_that_finds_no_engine_is_refused_and_journalled_when_there_is_one(
    tmp_path: Path,
) -> None:
    trader, file = Trader(), tmp_path / "engine.alerts"
    trader.is_away = True
    async with listening(trader, spool=file) as tv:
        assert await tv.send(id="Long-1") == (503, "the engine refuses to be asked: send it again")
        written = file.read_text()
        assert "nothing was done" in written and '"Long-1"' in written and TOKEN not in written
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        trader.is_away = False
        assert await is_told(trader, 1) == [("refused", LATE)]
        assert trader.journal[0].label == "Long-1"
        assert trader.commands == [], "it is late: nothing is traded"
        assert (await tv.send(id="Long-1"))[0] == 200, "sent again it is new"
    assert file.read_text() == ""
    assert [type(command).__name__ for command in trader.commands] == ["Enter"]


async def test_what_comes_while_others_wait_waits_behind_them(tmp_path: Path) -> None:
    trader = Trader()
    trader.is_away = True
    async with listening(trader, spool=tmp_path / "engine.alerts") as tv:
        assert (await tv.send(id="first"))[0] == 503
        assert (await tv.send(token="wrong"))[0] == 401
        trader.is_away = False
        assert [outcome for outcome, _ in await is_told(trader, 2)] == ["refused", "wrong token"]


async def test_what_waited_when_the_process_ended_is_told_by_the_next_one(tmp_path: Path) -> None:
    trader, file = Trader(), tmp_path / "engine.alerts"
    trader.is_away = True
    async with listening(trader, spool=file) as tv:
        assert (await tv.send(id="before"))[0] == 503
    trader.is_away = False
    async with listening(trader, spool=file):
        assert await is_told(trader, 1) == [("refused", LATE)]


def test_so_many_are_kept_and_of_the_others_their_number(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "engine.alerts")
    for number in range(MOST + 3):
        spool.keep(alert(number, times=2 if number == MOST else 1))
    assert repr(spool) == f"<Spool {MOST + 1} waiting>"
    assert [each.times for each in spool.waiting[-2:]] == [1, 4]
    assert Spool(spool.path).waiting == spool.waiting
    spool.drop(MOST)
    assert [each.text for each in Spool(spool.path).waiting] == [f"alert {MOST + 2}"]


def test_a_line_that_nobody_can_read_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "engine.alerts"
    Spool(file).keep(alert())
    file.write_bytes(b'{"half a li\n' + file.read_bytes())
    assert Spool(file).waiting == (alert(),)
    assert "cannot be read" in caplog.text and "is left out" in caplog.text


def test_on_a_disk_that_refuses_they_wait_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path / "no-such-folder" / "engine.alerts")
    spool.keep(alert())
    assert spool.waiting == (alert(),)
    assert "alerts wait in memory alone" in caplog.text
