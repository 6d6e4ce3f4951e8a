"""The belief comes back as it was at the last commit, and nothing is decided again for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journal_day import ACCOUNT, BLANK, DAY, tick
from shelf import Shelf

from engine.journal import schema
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader
from engine.journal.sqlite import SqliteJournal


async def lived(path: Path) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        for entries, state in DAY:
            await journal.append(entries, state)


def edit(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


async def test_every_commit_carries_what_is_believed_after_it(shelf: Shelf) -> None:
    for entries, state in DAY:
        journal = await shelf.open()
        await journal.append(entries, state)
        assert (await (await shelf.open()).recover()).believed == state


async def test_a_snapshot_is_what_is_believed(shelf: Shelf) -> None:
    journal = await shelf.open()
    await journal.append(*DAY[0])
    await journal.snapshot(DAY[4][1])
    assert (await (await shelf.open()).recover()).believed == DAY[4][1]


async def test_what_is_not_believed_any_more_is_gone_from_the_file(path: Path) -> None:
    await lived(path)
    with closing(sqlite3.connect(path)) as db:
        parts = {name for (name,) in db.execute("SELECT part FROM belief")}
    assert "closed" in parts
    assert not any(name.startswith("cycles/") for name in parts)


async def test_a_commit_writes_only_what_it_changes(path: Path) -> None:
    await lived(path)
    edit(path, "CREATE TABLE written (part TEXT)")
    edit(
        path,
        "CREATE TRIGGER seen AFTER INSERT ON belief BEGIN INSERT INTO written VALUES (NEW.part); END",
    )
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        believed = (await journal.recover()).believed
        assert believed is not None
        await journal.append([tick(1)], believed)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM written").fetchall() == []


async def test_an_edited_belief_is_not_believed_and_verify_says_so(path: Path) -> None:
    await lived(path)
    edit(path, "UPDATE belief SET value = '2' WHERE part = 'balance_at'")
    async with await JournalReader.open(path) as reader:
        recovered = await reader.recover()
        assert recovered.believed is None
        assert len(recovered.after) == sum(len(entries) for entries, _ in DAY)
        with pytest.raises(JournalRefused, match="believed last is not what was written"):
            await reader.verify()


async def test_after_an_edit_the_next_commit_keeps_all_of_it_again(path: Path) -> None:
    await lived(path)
    edit(path, "DELETE FROM belief WHERE part = 'closed'")
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert (await journal.recover()).believed is None
        await journal.append([tick(1)], BLANK)
        assert await journal.verify()
    async with await JournalReader.open(path) as reader:
        assert (await reader.recover()).believed == BLANK


async def test_a_journal_from_before_it_was_kept_is_decided_again_once(path: Path) -> None:
    await lived(path)
    edit(path, "DROP TABLE belief")
    edit(path, "ALTER TABLE head DROP COLUMN belief")
    edit(path, "PRAGMA user_version = 3")
    async with await JournalReader.open(path) as reader:
        assert (await reader.recover()).believed is None
        assert await reader.verify()
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        recovered = await journal.recover()
        assert recovered.believed is None
        assert len(recovered.after) == sum(len(entries) for entries, _ in DAY)
        await journal.append([tick(1)], BLANK)
        assert (await journal.recover()).believed == BLANK
    with closing(sqlite3.connect(path)) as db:
        assert schema.version_of(db) == len(schema.steps())
