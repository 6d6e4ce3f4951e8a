"""The twin in memory can be cut off at any point."""

from __future__ import annotations

import asyncio

import pytest
from journal_day import BLANK, tick

from engine.journal.memory import MemoryJournal
from engine.journal.port import JournalRefused


async def under_way(journal: MemoryJournal) -> asyncio.Task[int]:
    """One append answered, a second one asked for."""
    await journal.append([tick(1)], BLANK)
    asked = asyncio.create_task(journal.append([tick(2)], BLANK))
    await asyncio.sleep(0)
    return asked


async def test_a_crash_keeps_what_was_answered_and_a_torn_commit_is_gone() -> None:
    journal = MemoryJournal()
    asked = await under_way(journal)
    found = journal.crash(torn=True)
    assert [item.entry for item in (await found.recover()).after] == [tick(1)]
    with pytest.raises(JournalRefused, match="went down"):
        await asked
    assert await found.verify() == 1


async def test_a_commit_can_have_landed_although_nobody_was_told() -> None:
    journal = MemoryJournal()
    asked = await under_way(journal)
    found = journal.crash(torn=False)
    assert [item.entry for item in (await found.recover()).after] == [tick(1), tick(2)]
    await asyncio.gather(asked, return_exceptions=True)
    assert await found.append([tick(3)], BLANK) == 3


async def test_after_a_crash_the_old_one_records_nothing_and_the_new_one_is_not_touched_by_it() -> None:
    journal = MemoryJournal()
    asked = await under_way(journal)
    found = journal.crash()
    await asyncio.gather(asked, return_exceptions=True)
    with pytest.raises(JournalRefused):
        await journal.append([tick(3)], BLANK)
    assert len(found) == 1


async def test_a_full_disk_refuses_until_there_is_space_again() -> None:
    journal = MemoryJournal()
    await journal.append([tick(1)], BLANK)
    journal.refusal = "The disk is full."
    with pytest.raises(JournalRefused, match="full"):
        await journal.append([tick(2)], BLANK)
    with pytest.raises(JournalRefused, match="full"):
        await journal.snapshot(BLANK)
    journal.refusal = ""
    assert await journal.append([tick(3)], BLANK) == 2


async def test_two_journals_with_the_same_link_hold_the_same() -> None:
    one, other = MemoryJournal(), MemoryJournal()
    await one.append([tick(1), tick(2)], BLANK)
    await other.append([tick(1)], BLANK)
    assert one.link != other.link
    await other.append([tick(2)], BLANK)
    assert one.link == other.link
