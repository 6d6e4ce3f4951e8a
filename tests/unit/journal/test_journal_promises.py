"""What every journal promises, in a file and in memory alike."""

from __future__ import annotations

import asyncio
import io
import json
from decimal import Decimal

import pytest
from journal_day import BLANK, CYCLE, DAY, believing, tick
from shelf import Shelf

from engine.core.events import Event, MarkReached
from engine.journal.export import export
from engine.journal.port import Entry, JournalRefused, Recorded


async def test_a_new_journal_knows_nothing(shelf: Shelf) -> None:
    recovered = await (await shelf.open()).recover()
    assert recovered.state is None
    assert recovered.after == ()


async def test_what_was_appended_comes_back_bit_equal_after_a_restart(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)
    again = await (await shelf.open()).recover()
    assert [item.entry for item in again.after] == [entry for entries, _ in DAY for entry in entries]
    assert [item.seq for item in again.after] == list(range(1, len(again.after) + 1))


async def test_append_answers_with_the_last_number(shelf: Shelf) -> None:
    journal = await shelf.open()
    assert await journal.append([tick(1), tick(2)], BLANK) == 2
    assert await journal.append([tick(3)], BLANK) == 3
    assert await (await shelf.open()).append([tick(4)], BLANK) == 4


async def test_a_snapshot_and_the_tail_are_everything(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY[:6]:
        await journal.append(entries, state)
    await journal.snapshot(DAY[5][1])
    for entries, state in DAY[6:]:
        await journal.append(entries, state)
    again = await shelf.open()
    recovered = await again.recover()
    assert recovered.state == DAY[5][1]
    assert [item.entry for item in recovered.after] == [entry for entries, _ in DAY[6:] for entry in entries]
    everything = [item async for item in again.read()]
    assert everything[-len(recovered.after) :] == list(recovered.after)


async def test_a_snapshot_alone_is_enough_for_a_start(shelf: Shelf) -> None:
    journal = await shelf.open()
    await journal.append(*DAY[0])
    await journal.snapshot(believing(at=7))
    recovered = await (await shelf.open()).recover()
    assert recovered.state == believing(at=7)
    assert recovered.after == ()


async def test_appends_under_way_at_once_keep_their_order(shelf: Shelf) -> None:
    journal = await shelf.open()
    numbers = await asyncio.gather(*(journal.append([tick(n)], BLANK) for n in range(200)))
    assert numbers == list(range(1, 201))
    recovered = await (await shelf.open()).recover()
    assert [item.entry for item in recovered.after] == [tick(n) for n in range(200)]


async def test_a_cancelled_append_still_lands(shelf: Shelf) -> None:
    journal = await shelf.open()
    asked = asyncio.create_task(journal.append([tick(1)], BLANK))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await journal.append([tick(2)], BLANK) == 2
    recovered = await (await shelf.open()).recover()
    assert [item.entry for item in recovered.after] == [tick(1), tick(2)]


async def test_a_symbol_and_a_cycle_find_what_touches_them(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)

    async def seqs(**by: str | int) -> list[int]:
        return [item.seq async for item in journal.read(**by)]  # type: ignore[arg-type]

    everything = await seqs()
    assert everything == list(range(1, 13))
    touching = await seqs(symbol="BTCUSDT")
    assert touching == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert await seqs(cycle=CYCLE) == [4, 5, 6, 7, 8, 9, 10, 11]
    assert await seqs(symbol="BTCUSDT", cycle=CYCLE) == [4, 5, 6, 7, 8, 9, 10, 11]
    assert await seqs(symbol="ETHUSDT") == [12]
    assert await seqs(symbol="ETHUSDT", cycle=CYCLE) == []
    assert await seqs(symbol="BTCUSDT", after=5, limit=2) == [6, 7]


async def test_what_happens_to_a_symbol_is_found_also_when_nothing_was_decided_on_it(shelf: Shelf) -> None:
    journal = await shelf.open()
    reached = Entry(Event(1, 1, MarkReached("BTCUSDT", Decimal(95_000))))
    await journal.append([tick(1), reached], BLANK)
    assert [item async for item in journal.read(symbol="BTCUSDT")] == [Recorded(2, reached)]


async def test_reading_goes_on_over_many_pages(shelf: Shelf) -> None:
    journal = await shelf.open()
    await journal.append([tick(n) for n in range(1_234)], BLANK)
    assert [item.seq async for item in journal.read(limit=1_200)] == list(range(1, 1_201))
    assert [item.seq async for item in journal.read(after=1_200)] == list(range(1_201, 1_235))


async def test_a_closed_journal_records_nothing(shelf: Shelf) -> None:
    journal = await shelf.open()
    await journal.close()
    with pytest.raises(JournalRefused, match="closed: nothing of this was recorded"):
        await journal.append([tick(1)], BLANK)


async def test_the_export_is_one_line_an_entry_that_any_program_can_read(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)
    out = io.BytesIO()
    assert await export(journal, out) == 12
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 13))
    assert lines[4]["entry"]["event"]["body"] == {
        "kind": "mark_reached",
        "symbol": "BTCUSDT",
        "mark": "95000",
    }
    assert lines[4]["entry"]["actions"][0]["qty"] == "0.0010"


async def test_verify_counts_what_it_checked(shelf: Shelf) -> None:
    journal = await shelf.open()
    assert await journal.verify() == 0
    await journal.append([tick(n) for n in range(10)], BLANK)
    await journal.snapshot(BLANK)
    assert await journal.verify() == 10


def test_equal_entries_are_equal_bytes_whatever_the_order_of_facts() -> None:
    from engine.core.actions import Level, Note
    from engine.core.events import Event, Timer
    from engine.journal.chain import read_entry, write_entry

    one = Entry(Event(1, 1, Timer()), (), (Note("t", Level.MONEY, "x", facts={"a": "1", "b": "2"}),))
    other = Entry(Event(1, 1, Timer()), (), (Note("t", Level.MONEY, "x", facts={"b": "2", "a": "1"}),))
    assert write_entry(one) == write_entry(other)
    assert read_entry(write_entry(one)) == one
    assert Recorded(1, one) == Recorded(1, other)
