"""A journal that cannot be written: nothing is decided or sent by itself, the trader is told, and it ends.
What the trader asks for to lose less is done all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from engine.core.events import (
    Commanded,
    Exit,
    Flatten,
    Halt,
    Pause,
    Reduce,
    Resume,
    SignalHeard,
    SignalOutcome,
)
from engine.core.instrument import Side
from engine.core.state import Kill, State
from engine.journal.memory import MemoryJournal
from engine.journal.port import Entry, Journal, JournalRefused
from engine.protocol import Mode, NotAnswering, Request, Verdict
from engine.runtime.face import Face
from engine.runtime.snapshot import snapshot_of
from tests.runtime.desk import desk, on_a_desk

FULL = "The disk under state.db is full: nothing of this was recorded. Free space."
TOLD = f"{FULL} What rests on Bitget stays."


async def test_what_cannot_be_recorded_is_not_done_and_the_trader_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        stops, sent = on.cycle.stops, on.orders_sent()
        on.journal.refusal = FULL
        face = Face(on.engine, on.journal)
        pause = Pause("BTCUSDT", Side.SHORT)
        answer = await face.command(Request("1", "cli", pause))
        assert (answer.verdict, answer.text) == (Verdict.REFUSED, TOLD)
        [urgent] = [line.text for line in on.engine.log.lines() if "Nothing is decided or sent" in line.text]
        assert urgent.startswith(f"Nothing is decided or sent: {TOLD[:-1]}; halt, flatten and reduce")
        assert not on.told("paused by"), "what was not recorded is not told"
        assert "ratchet engine: Nothing is decided or sent" in capsys.readouterr().err
        assert snapshot_of(on.engine, Mode.SIM).engine.read_only == TOLD
        await on.mark(90_250)
        await on.until(lambda: on.engine.prices.of("BTCUSDT").mark == 90_250, "the mark is heard")
        assert on.orders_sent() == sent
        answer = await face.command(Request("2", "cli", pause))
        assert answer.verdict is Verdict.REFUSED

        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        assert on.told("The journal can be written again")
        await on.mark("90249.9")
        await on.until(lambda: on.cycle.rungs == 2, "the rung that was due runs")
        await on.at_rest()
        assert await on.held() == on.cycle.held_qty
        assert on.orders_sent() == sent + 2
        assert {stop.client_id for stop in stops} <= {stop.client_id for stop in on.cycle.stops}
        assert not on.cycle.paused
        assert snapshot_of(on.engine, Mode.SIM).engine.read_only == ""


async def test_a_rung_that_fires_into_a_full_disk_banks_and_adds_nothing() -> None:
    async with desk() as on:
        await on.opens()
        on.journal.refusal = FULL
        await on.mark(95_000)
        await on.until(lambda: bool(on.engine.unrecorded), "the disk is found full")
        await on.until(lambda: not on.engine.errands.in_flight, "what was under way is answered")
        assert on.orders_sent() == 2, "the trader's own, and the bank that was durably armed"
        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded and on.cycle.rungs == 1, "the rung is finished")
        await on.at_rest()
        assert await on.held() == on.cycle.held_qty
        assert on.orders_sent() == 3


async def test_a_journal_that_refuses_the_very_start_ends_the_engine() -> None:
    async with desk() as on:
        again = type(on.engine)(on.engine.settings, on.engine.venue, on.journal, version="test")
        on.journal.refusal = FULL
        with pytest.raises(BaseExceptionGroup) as ended:
            await again.run()
        assert ended.group_contains(JournalRefused, match="full")


async def test_a_command_that_waited_for_the_disk_is_refused_not_forgotten() -> None:
    async with desk() as on:
        on.journal.refusal = FULL
        with pytest.raises(JournalRefused):
            await on.engine.command(Commanded("1", "cli", Resume()))


async def test_a_command_that_was_asked_twice_is_not_called_done_before_it_is_recorded() -> None:
    async with desk() as on:
        on.journal.refusal = FULL
        twice = [on.engine.command(Commanded("1", "cli", Resume())) for _ in range(2)]
        for answer in await asyncio.gather(*twice, return_exceptions=True):
            assert isinstance(answer, JournalRefused)


async def test_a_signal_that_cannot_be_recorded_is_not_answered_and_may_be_told_again() -> None:
    async with desk() as on:
        face, told = (
            Face(on.engine, on.journal),
            SignalHeard("TradingView", SignalOutcome.LATE, "x", nonce="n-1"),
        )
        on.journal.refusal = FULL
        for _ in range(2):
            with pytest.raises(NotAnswering, match="is full"):
                await face.heard(told)
        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        await face.heard(told)
        assert on.engine.state.signals_seen == ("n-1",)


async def test_an_engine_that_ends_meanwhile_leaves_no_snapshot_of_what_was_not_recorded() -> None:
    async with desk() as on:
        await on.opens()
        on.journal.refusal = FULL
        with pytest.raises(JournalRefused):
            await on.engine.command(Commanded("1", "cli", Pause("BTCUSDT", Side.SHORT)))
        believed = (await on.journal.recover()).believed
        on.journal.refusal = ""
        await on.engine._leave()
        recovered = await on.journal.recover()
        assert recovered.believed == believed
        assert believed is not None
        assert [cycle.paused for cycle in believed.cycles.values()] == [""]


async def recorded_halt(journal: Journal) -> tuple[Kill, State]:
    """The halt that is in the journal, and all that is believed by it."""
    believed = (await journal.recover()).believed
    assert believed is not None
    assert believed.kill is not None
    return believed.kill, believed


async def test_a_halt_holds_without_a_journal_and_is_recorded_when_there_is_one() -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        face, sent = Face(on.engine, on.journal), on.orders_sent()
        on.journal.refusal = FULL
        answer = await face.command(Request("1", "cli", Halt("news")))
        assert answer.verdict is Verdict.DONE
        assert "from memory, and recorded when it writes again" in answer.text
        shown = snapshot_of(on.engine, Mode.SIM).engine
        assert (shown.killed, shown.read_only) == ("by cli: news", TOLD)
        assert on.told("Nothing is decided or sent"), "by itself"

        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        await on.mark("90249.9")
        await on.at_rest()
        assert (on.cycle.rungs, on.orders_sent()) == (1, sent), "the rung that is due does not run"
        kill, _ = await recorded_halt(on.journal)
        assert kill.reason == "news"


class TakesOneMore(MemoryJournal):
    """Once it `relents` it takes a single append, and is full again."""

    relents = False

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        last = await super().append(entries, state)
        if self.relents:
            self.relents, self.refusal = False, FULL
        return last


async def test_a_halt_is_recorded_in_the_very_commit_of_the_new_start() -> None:
    """The disk took the new start and not the halt behind it: the next start had forgotten it."""
    async with on_a_desk(TakesOneMore("test")) as on:
        await on.opens()
        face = Face(on.engine, on.journal)
        on.journal.refusal = FULL
        await face.command(Request("1", "cli", Halt("news")))
        on.journal.relents, on.journal.refusal = True, ""
        await on.until(lambda: bool(on.journal.refusal), "it has taken one more, and is full again")
        on.journal.refusal = ""
        kill, _ = await recorded_halt(on.journal)
        assert kill.reason == "news"


class Ponders(MemoryJournal):
    """Once it is `begun`, an append ends only when it is `over`."""

    def __init__(self, account: str) -> None:
        super().__init__(account)
        self.ponders, self.begun, self.over = False, asyncio.Event(), asyncio.Event()

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        last = await super().append(entries, state)
        if self.ponders:
            self.begun.set()
            await self.over.wait()
        return last


async def test_a_halt_while_the_new_start_is_being_written_is_recorded_too() -> None:
    async with on_a_desk(Ponders("test")) as on:
        await on.opens()
        face = Face(on.engine, on.journal)
        on.journal.refusal = FULL
        await on.until(lambda: bool(on.engine.unrecorded), "it is full")
        on.journal.ponders, on.journal.refusal = True, ""
        await asyncio.wait_for(on.journal.begun.wait(), 60)
        answer = await face.command(Request("1", "cli", Halt("news")))
        assert answer.verdict is Verdict.DONE
        on.journal.over.set()
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        kill, _ = await recorded_halt(on.journal)
        assert on.engine.state.kill == kill


@pytest.mark.parametrize("known", [False, True], ids=["as it fills up", "long full"])
async def test_flatten_closes_at_once_whatever_the_disk_takes(known: bool) -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        face, taken = Face(on.engine, on.journal), on.orders_taken()
        on.journal.refusal = FULL
        if known:
            await face.command(Request("0", "cli", Pause("BTCUSDT", Side.SHORT)))
        answer = await face.command(Request("1", "cli", Flatten()))
        assert answer.verdict is Verdict.DONE
        await on.until(lambda: on.orders_taken() == taken + 1, "the close is sent")
        assert not await on.hand.holds("BTCUSDT", Side.SHORT)
        await on.until(lambda: not on.engine.state.cycles, "it is known to be closed")
        assert on.engine.unrecorded

        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        await on.until(lambda: not on.engine.state.cycles, "its trades are read, and it is closed")
        await on.at_rest()
        assert on.orders_taken() == taken + 1, "it was not closed twice"
        _, believed = await recorded_halt(on.journal)
        [ended] = believed.closed
        assert (ended.rungs, ended.held_qty) == (1, 0)


async def test_a_part_is_closed_once_and_its_rest_goes_on_when_there_is_room() -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        face, held, taken = Face(on.engine, on.journal), await on.held(), on.orders_taken()
        on.journal.refusal = FULL
        answer = await face.command(Request("1", "cli", Reduce("BTCUSDT", Side.SHORT, Decimal("0.5"))))
        assert answer.verdict is Verdict.DONE
        await on.until(lambda: on.orders_taken() == taken + 1, "the close is sent")
        left = await on.held()
        assert left < held
        await on.mark("90249.9")
        await on.until(lambda: on.engine.prices.of("BTCUSDT").mark < 90_250, "the next rung is due")
        assert on.orders_taken() == taken + 1, "nothing is added meanwhile"

        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        await on.until(lambda: on.cycle.rungs == 2, "the rung runs")
        await on.at_rest()
        assert await on.held() == on.cycle.held_qty
        assert on.orders_taken() == taken + 3, "the part, then bank and add"


async def test_an_exit_goes_on_under_its_own_name() -> None:
    async with desk() as on:
        await on.opens()
        face = Face(on.engine, on.journal)
        on.journal.refusal = FULL
        answer = await face.command(Request("1", "cli", Exit("BTCUSDT", Side.SHORT)))
        assert answer.verdict is Verdict.DONE
        on.journal.refusal = ""
        await on.until(lambda: not on.engine.unrecorded, "the journal is written again")
        await on.until(lambda: not on.engine.state.cycles, "it is closed")
        await on.at_rest()
        assert not await on.hand.holds("BTCUSDT", Side.SHORT)
