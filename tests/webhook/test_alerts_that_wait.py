"""Alerts that the journal does not have yet: on the disk before they are answered, and in the journal once,
whoever dies.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from trading_view import NOW, TOKEN, Clock, Trader, held, listening

from engine.core.events import SignalHeard, SignalOutcome
from engine.core.signals import REMEMBERED
from engine.protocol import Answer, Exit, NotAnswering, Request, Side, Verdict
from engine.webhook.logbook import LATE_MS, MOST, Logbook
from engine.webhook.spool import Spool

AWAY = "the engine refuses to be asked"
UNTOLD = "who carried it out ended before it was told"


def alert(number: int = 1, times: int = 1, outcome: SignalOutcome = SignalOutcome.REFUSED) -> SignalHeard:
    name = f"a-{number}"
    return SignalHeard("TradingView", outcome, f"alert {number}", name, times=times, nonce=name, came=NOW)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Paper:
    """A journal that keeps what it is told, and loses so many of its answers."""

    def __init__(self, loses: int = 0) -> None:
        self.told: list[SignalHeard] = []
        self.loses = loses

    async def heard(self, signal: SignalHeard) -> Answer:
        self.told.append(signal)
        if self.loses:
            self.loses -= 1
            raise NotAnswering("the engine did not answer within 5 s")
        return Answer("", Verdict.DONE, "heard")


def logbook(file: Path | None = None, paper: Paper | None = None) -> Logbook:
    return Logbook(paper or Paper(), Clock(), Spool(file))


async def writes(book: Logbook, holds: Callable[[], bool]) -> None:
    """It works until this holds, and then dies as a killed process does."""
    running = asyncio.create_task(book.run())
    await until(holds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# -- an engine that is away ----------------------------------------------------------------------------------


async def test_an_alert_that_finds_no_engine_is_refused_and_journalled_when_there_is_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trader, file, clock = Trader(), tmp_path / "engine.alerts", Clock()
    trader.is_away = True
    async with listening(trader, clock, spool=file) as tv:
        assert await tv.send(id="Long-1") == (503, f"{AWAY}: send it again")
        written = file.read_text()
        assert "nothing was done" in written and '"Long-1"' in written and TOKEN not in written
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await until(lambda: "alerts that wait to be journalled: 1" in caplog.text)
        clock.now += LATE_MS + 1
        trader.is_away = False
        await until(lambda: bool(trader.journal))
        told = f"{AWAY}: nothing was done (it came at 2025-05-08 14:01:00 UTC)"
        assert trader.told() == [("refused", told)]
        assert (trader.journal[0].label, trader.journal[0].came) == ("Long-1", NOW)
        assert trader.commands == [], "it is late: nothing is traded"
        assert (await tv.send(id="Long-1"))[0] == 200, "sent again it is new"
        await until(lambda: file.read_text() == "")
    assert [type(command).__name__ for command in trader.commands] == ["Enter"]


async def test_what_comes_while_others_wait_waits_behind_them(tmp_path: Path) -> None:
    trader = Trader()
    trader.is_away = True
    async with listening(trader, spool=tmp_path / "engine.alerts") as tv:
        assert (await tv.send(id="first"))[0] == 503
        assert (await tv.send(token="wrong"))[0] == 401
        trader.is_away = False
        await until(lambda: len(trader.journal) == 2)
    assert [outcome for outcome, _ in trader.told()] == ["refused", "wrong token"]


async def test_a_journal_that_cannot_be_told_keeps_no_answer_waiting(tmp_path: Path) -> None:
    """The answer is known, and on the disk: whether the engine hears of it now is no matter of the sender."""
    trader = Trader()
    async with listening(trader, spool=tmp_path / "engine.alerts", answer_s=3600) as tv:
        trader.is_away = True
        assert (await tv.send(token="wrong"))[0] == 401
        trader.is_away = False


# -- a process that dies -------------------------------------------------------------------------------------


async def test_what_waited_when_the_process_ended_is_told_by_the_next_one(tmp_path: Path) -> None:
    trader, file = Trader(), tmp_path / "engine.alerts"
    trader.is_away = True
    async with listening(trader, spool=file) as tv:
        assert (await tv.send(id="before"))[0] == 503
    trader.is_away = False
    async with listening(trader, spool=file) as tv:
        await tv.is_journalled()
    assert trader.told() == [("refused", f"{AWAY}: nothing was done")]


@pytest.mark.parametrize("is_done", [True, False])
async def test_an_alert_that_was_answered_as_under_way_is_told_by_the_next_process(
    tmp_path: Path, is_done: bool
) -> None:
    trader, file = Trader(), tmp_path / "engine.alerts"
    trader.thinks_s = 3600
    async with listening(trader, spool=file, answer_s=0.05) as tv:
        assert await tv.send(id="Long-1") == (202, "taken, and being carried out")
        assert '"under way"' in file.read_text() and TOKEN not in file.read_text()
    assert trader.journal == [], "whoever knew of it is gone"
    trader.thinks_s = 0
    if is_done:
        trader.done.add(trader.asked[0].id)
    async with listening(trader, spool=file) as tv:
        await tv.is_journalled()
        once, text = ("accepted", "it was done") if is_done else ("refused", "nothing was done")
        assert trader.told() == [(once, f"{text}: {UNTOLD}")]
        assert trader.journal[0].became == ("long entry" if is_done else "")
        again = (409, "this alert was taken already, and is done once") if is_done else (200, "on its way")
        assert await tv.send(id="Long-1") == again
    assert [outcome for outcome, _ in trader.told()] == [once, "duplicate" if is_done else "accepted"]
    assert len(trader.done) == 1


async def test_an_alert_is_on_the_disk_before_its_command_goes_to_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "engine.alerts"
    written: list[str] = []

    class Reader(Trader):
        async def command(self, request: Request) -> Answer:
            written.append(file.read_text())
            return await super().command(request)

    async with listening(Reader(), spool=file) as tv:
        assert (await tv.send(id="Long-1"))[0] == 200
    [line] = written
    assert ('"under way"' in line, '"Long-1"' in line, '"long entry"' in line) == (True, True, True)


async def test_an_alert_whose_command_is_not_answered_is_told_by_what_the_engine_did(tmp_path: Path) -> None:
    class Mute(Trader):
        async def command(self, request: Request) -> Answer:
            await super().command(request)
            raise NotAnswering("the engine hung")

    async with listening(trader := Mute(), spool=tmp_path / "engine.alerts") as tv:
        status, text = await tv.send(id="Long-1")
        assert status == 503
        assert "nobody knows yet whether it is done: send it again, it is done once" in text
    assert [(each.outcome.value, each.text[:12], each.became) for each in trader.journal] == [
        ("accepted", "it was done:", "long entry")
    ]


async def test_what_was_sent_again_and_lost_from_sight_was_done_before(tmp_path: Path) -> None:
    file = tmp_path / "engine.alerts"
    async with listening(trader := Trader(), spool=file) as tv:
        assert (await tv.send(id="Long-1"))[0] == 200
        again = replace(trader.journal[0], outcome=SignalOutcome.UNDER_WAY, text=UNTOLD, nonce="another")
    await Spool(file).write([again])
    async with listening(trader, spool=file) as tv:
        await tv.is_journalled()
    assert trader.told() == [("accepted", "on its way"), ("duplicate", f"it was done before: {UNTOLD}")]


# -- told twice ----------------------------------------------------------------------------------------------


async def test_what_the_journal_was_told_without_an_answer_is_told_again_as_the_same(tmp_path: Path) -> None:
    paper, file = Paper(loses=1), tmp_path / "engine.alerts"
    first = logbook(file, paper)
    await first.tell(alert(1))
    await first.tell(alert(2))
    await writes(first, lambda: len(paper.told) == 3)
    assert [signal.nonce for signal in paper.told] == ["a-1", "a-1", "a-2"]
    assert Spool(file).found == []


async def test_what_an_older_version_left_without_a_nonce_has_the_same_one_whenever_it_is_read(
    tmp_path: Path,
) -> None:
    file = tmp_path / "engine.alerts"
    old = b'{"kind":"signal_heard","source":"TradingView","outcome":"refused","text":"x"}\n'
    file.write_bytes(old + old)
    nonces = [signal.nonce for signal in Spool(file).found]
    assert len(set(nonces)) == 2 and all(nonces)
    assert [signal.nonce for signal in Spool(file).found] == nonces
    paper = Paper()
    await writes(logbook(file, paper), lambda: len(paper.told) == 2)
    assert {signal.text for signal in paper.told} == {"x"}


# -- floods --------------------------------------------------------------------------------------------------


async def test_so_many_are_kept_and_of_the_others_their_number(tmp_path: Path) -> None:
    file = tmp_path / "engine.alerts"
    book = logbook(file)
    for number in range(MOST + 3):
        await book.tell(alert(number, times=2 if number == MOST else 1, outcome=SignalOutcome.ACCEPTED))
    assert [each.times for each in book.waiting[-2:]] == [1, 4]
    assert len(book.waiting) == MOST + 1
    assert Spool(file).found == list(book.waiting)
    assert 2 * (2 * MOST + 1) < REMEMBERED, "what is told again is known again"


async def test_what_was_held_back_of_a_flood_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "engine.alerts"
    paper = Paper()
    book = logbook(file, paper)
    for number in range(5):
        await book.tell(alert(number, outcome=SignalOutcome.WRONG_TOKEN))
    running = asyncio.create_task(book.run())
    await until(lambda: [each.times for each in Spool(file).found] == [4])
    found = Spool(file).found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [(each.nonce, each.times) for each in paper.told] == [("a-0", 1), ("a-4", 4)]
    assert paper.told[1] == found[0], "told by the next process it is known again"


async def test_no_more_are_under_way_than_can_be_written_down() -> None:
    book = logbook()
    assert all([await book.begin(alert(number)) for number in range(MOST)])
    assert not await book.begin(alert(MOST))
    assert await book.begin(alert(0)), "it is written down already"
    await book.tell(alert(0))
    assert await book.begin(alert(MOST))


async def test_a_crowd_is_written_down_together(tmp_path: Path) -> None:
    """A hundred alerts that wait for a disk wait for two writings of it, not for a hundred."""

    class Counting(Spool):
        writings = 0

        async def write(self, signals: Iterable[SignalHeard]) -> bool:
            self.writings += 1
            return await super().write(signals)

    spool = Counting(tmp_path / "engine.alerts")
    book = Logbook(Paper(), Clock(), spool)
    assert all(await asyncio.gather(*(book.begin(alert(number)) for number in range(100))))
    assert (len(Spool(spool.path).found), spool.writings) == (100, 2)


# -- the disk ------------------------------------------------------------------------------------------------


async def test_a_line_that_nobody_can_read_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "engine.alerts"
    await Spool(file).write([alert()])
    file.write_bytes(b'{"half a li\n' + file.read_bytes())
    assert Spool(file).found == [alert()]
    assert "cannot be read" in caplog.text and "is left out" in caplog.text


async def test_on_a_disk_that_refuses_nothing_is_opened_and_everything_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "no-such-folder" / "engine.alerts"
    async with listening(trader := Trader(held("BTCUSDT", Side.LONG)), spool=nowhere) as tv:
        status, text = await tv.send(ticker="ETHUSDT", id="in")
        assert (status, text[:31]) == (503, "it cannot be written down now, ")
        assert (await tv.send(action="sell", sentiment="flat", id="out"))[0] == 200
    assert trader.commands == [Exit("BTCUSDT", Side.LONG, 20, 3)]
    assert [outcome for outcome, _ in trader.told()] == ["refused", "accepted"], "they waited in memory"
    assert "alerts wait in memory alone" in caplog.text


async def test_on_a_disk_that_refuses_nothing_is_promised(tmp_path: Path) -> None:
    trader, nowhere = Trader(held("BTCUSDT", Side.LONG)), tmp_path / "no-such-folder" / "engine.alerts"
    trader.thinks_s = 3600
    async with listening(trader, spool=nowhere, answer_s=0.05) as tv:
        status, text = await tv.send(action="sell", sentiment="flat", id="out")
    assert (status, text[:26]) == (503, "it is not decided yet, and")
    assert [type(command) for command in trader.commands] == [Exit], "but it is under way"


async def test_what_waits_in_memory_is_on_the_disk_as_soon_as_that_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    paper = Paper(loses=1_000)
    book = logbook(folder / "engine.alerts", paper)
    await book.tell(alert())
    folder.mkdir()
    await writes(book, lambda: Spool(folder / "engine.alerts").found == [alert()])
    assert [path.name for path in folder.iterdir()] == ["engine.alerts"]
