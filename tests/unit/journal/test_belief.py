"""The belief comes back as it was at the last commit, and nothing is decided again for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from itertools import permutations
from pathlib import Path

import pytest
from journal_day import ACCOUNT, BLANK, DAY, tick
from msgspec.structs import replace
from shelf import Shelf

from engine.journal import chain, schema
from engine.journal.belief import Kept, follow
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


async def test_of_many_trades_a_commit_writes_the_last_block_and_all_come_back_in_their_order(
    path: Path,
) -> None:
    """Also when the oldest are forgotten, and what comes behind them moves up."""
    known = tuple(f"{number}" for number in range(250))
    beliefs = [replace(BLANK, trades_seen=seen) for seen in (known, (*known, "250"), known[100:], ())]
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.append([tick(1)], beliefs[0])
        edit(path, "CREATE TABLE written (part TEXT)")
        write = "INSERT INTO written VALUES (NEW.part)"
        edit(path, f"CREATE TRIGGER seen AFTER INSERT ON belief BEGIN {write}; END")
        await journal.append([tick(2)], beliefs[1])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM written").fetchall() == [("trades_seen/2",)]
    for number, belief in enumerate(beliefs):
        async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
            await journal.recover()
            await journal.append([tick(3 + number)], belief)
            assert await journal.verify()
        async with await JournalReader.open(path) as reader:
            assert (await reader.recover()).believed == belief


def test_what_a_commit_changes_adds_up_to_the_whole_belief() -> None:
    """From every belief of the day, and every length of the list of trades, to every other."""
    trades = tuple(f"{number}" for number in range(250))
    lists = ((), trades[:99], trades[:100], trades[:101], trades, trades[100:], trades[::-1])
    beliefs = [state for _, state in DAY] + [replace(BLANK, trades_seen=seen) for seen in lists]
    for before, after in permutations(beliefs, 2):
        kept, first = follow(Kept(), before)
        now, change = follow(kept, after)
        whole, fresh = follow(Kept(), after)
        parts = first.new | change.new
        assert {name: parts[name] for name in parts if name not in change.gone} == fresh.new
        assert now == whole


async def test_a_list_of_trades_that_was_kept_in_one_piece_is_read_and_kept_in_blocks(path: Path) -> None:
    belief = replace(BLANK, trades_seen=("7", "8"))
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.append([tick(1)], belief)
    with closing(sqlite3.connect(path)) as db, db:
        [link] = db.execute("SELECT chain FROM head").fetchone()
        db.execute("UPDATE belief SET part = 'trades_seen' WHERE part = 'trades_seen/0'")
        parts = sorted(db.execute("SELECT part, CAST(value AS BLOB) FROM belief"))
        digests = (blake2b(name.encode() + b"\0" + value, digest_size=20).digest() for name, value in parts)
        db.execute("UPDATE head SET belief = ?", (chain.seal(link, b"".join(digests)),))
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert (await journal.recover()).believed == belief
        await journal.append([tick(2)], belief)
        assert await journal.verify()
        assert (await journal.recover()).believed == belief
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT part FROM belief WHERE part LIKE 'trades_seen%'").fetchall()
        assert found == [("trades_seen/0",)]


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
    edit(path, "DROP TABLE keys")
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
