"""What happens to the file when the machine, the disk or somebody's hand goes wrong."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from journal_day import ACCOUNT, BLANK, DAY, tick

from engine.journal import schema
from engine.journal.chain import genesis, link
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader
from engine.journal.sqlite import SqliteJournal

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def start_writer(path: Path, *limits: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(HERE)])
    return subprocess.Popen(
        [sys.executable, str(HERE / "writer.py"), str(path), *limits],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def filled_journal(path: Path, count: int = 50) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.append([tick(n) for n in range(count)], BLANK)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def empty_or_remove(path: Path, what: str) -> None:
    path.unlink()
    if what == "is empty":
        path.touch()


def beside(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def by_hand(path: Path, *statements: str) -> None:
    """Somebody with an SQLite tool who knows how to drop a trigger."""
    with closing(sqlite3.connect(path)) as db:
        for name in ("are_not_changed", "are_not_removed", "are_appended"):
            db.execute(f"DROP TRIGGER events_{name}")
        for statement in statements:
            db.execute(statement)
        db.commit()


async def refusal_of(path: Path, account: str = ACCOUNT) -> str:
    with pytest.raises(JournalRefused) as refused:
        async with await SqliteJournal.open(path, account=account) as journal:
            await journal.recover()
    return str(refused.value)


@pytest.mark.parametrize("answers_before_the_kill", [1, 40, 300])
async def test_a_kill_9_loses_nothing_that_was_answered(path: Path, answers_before_the_kill: int) -> None:
    with start_writer(path) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        answered = [int(next(writer.stdout)) for _ in range(answers_before_the_kill)]
        writer.kill()
        rest, errors = writer.stdout.read(), writer.stderr.read()
    answered += [int(line) for line in rest.split("\n")[:-1]]
    assert errors == ""
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        recovered = await journal.recover()
        assert {item.seq for item in recovered.after} >= set(answered)
        assert await journal.verify() == len(recovered.after)
        assert await journal.append([tick(0)], BLANK) == len(recovered.after) + 1


def after_a_power_cut(path: Path, to: Path, *, log_bytes: int) -> None:
    """What is on the disk now, with only so much of the write-ahead log as had reached it."""
    write(to, content_of(path))
    write(to.with_name(to.name + "-wal"), content_of(path.with_name(path.name + "-wal"))[:log_bytes])


@pytest.mark.parametrize("torn_off", [1, 3_000, 9_000, 60_000])
async def test_a_power_cut_that_tears_the_log_loses_its_end_only(
    journal: SqliteJournal, tmp_path: Path, torn_off: int
) -> None:
    for n in range(60):
        await journal.append([tick(n)], BLANK)
    found = tmp_path / "found" / "state.db"
    found.parent.mkdir()
    whole = len(content_of(journal.path.with_name("state.db-wal")))
    after_a_power_cut(journal.path, found, log_bytes=whole - torn_off)
    async with await SqliteJournal.open(found, account=ACCOUNT) as again:
        recovered = [item.entry for item in (await again.recover()).after]
        assert recovered == [tick(n) for n in range(len(recovered))]
        assert 60 - torn_off // 4_000 - 1 <= len(recovered) < 60
        assert await again.append([tick(99)], BLANK) == len(recovered) + 1
        assert await again.verify() == len(recovered) + 1


async def test_a_full_disk_refuses_in_words_and_the_file_is_still_fine(path: Path) -> None:
    with start_writer(path, "200000") as writer:
        out, errors = writer.communicate(timeout=60)
    *answered, refused, end = out.split("\n")
    assert (errors, end) == ("", "")
    assert refused.startswith("refused: The disk under")
    assert "nothing of this was recorded" in refused
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        recovered = await journal.recover()
        assert [item.seq for item in recovered.after] == sorted(map(int, answered))
        assert await journal.verify() == len(answered)
        assert await journal.append([tick(0)], BLANK) == len(answered) + 1


async def test_a_commit_that_fails_fails_all_its_appends_and_the_next_one_takes_their_number(
    journal: SqliteJournal,
) -> None:
    await journal.append([tick(1)], BLANK)
    with closing(sqlite3.connect(journal.path)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        asked = [journal.append([tick(n)], BLANK) for n in range(5)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        shell.rollback()
    assert [type(outcome) for outcome in outcomes] == [JournalRefused] * 5
    assert "Another program is writing to" in str(outcomes[0])
    assert await journal.append([tick(3)], BLANK) == 2
    assert await journal.verify() == 2


async def test_reading_needs_no_lock_and_goes_on_beside_the_engine(path: Path) -> None:
    async with (
        await SqliteJournal.open(path, account=ACCOUNT) as journal,
        await JournalReader.open(path) as reader,
    ):
        await journal.append([tick(1)], BLANK)
        assert [item.entry async for item in reader.read()] == [tick(1)]
        assert await reader.verify() == 1
        assert len((await reader.recover()).after) == 1


async def test_there_is_nothing_to_read_where_no_journal_is(path: Path) -> None:
    with pytest.raises(JournalRefused, match="There is no journal at"):
        await JournalReader.open(path)
    assert beside(path) == []


async def test_another_accounts_journal_is_refused(path: Path) -> None:
    await filled_journal(path)
    assert "journal of account acct, not of other" in await refusal_of(path, "other")
    with pytest.raises(JournalRefused, match="choose another folder for these with --home DIR"):
        await JournalReader.open(path, account="other")


async def test_a_file_that_cannot_be_looked_at_is_not_taken_for_none(path: Path) -> None:
    with pytest.raises(JournalRefused, match=r"cannot be read .*: look at its rights"):
        await JournalReader.open(path.with_name("x" * 300))


async def test_a_newer_schema_is_refused_with_both_versions_and_not_changed(path: Path) -> None:
    await filled_journal(path)
    ours = len(schema.steps())
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {ours + 5}")
    before = content_of(path)
    refused = await refusal_of(path)
    assert f"its schema is {ours + 5}, this one knows {ours}" in refused
    assert content_of(path) == before


async def test_an_older_schema_is_brought_up_and_keeps_its_entries(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in schema.statements(schema.steps()[0]):
            db.execute(statement)
        db.execute("INSERT INTO head VALUES (1, ?, 0, ?)", (ACCOUNT, genesis(ACCOUNT)))
        db.execute("PRAGMA user_version = 1")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert await journal.append(*DAY[0]) == 1
    with closing(sqlite3.connect(path)) as db:
        assert schema.version_of(db) == len(schema.steps())
        assert db.execute("SELECT count(*) FROM accounts").fetchone() == (1,)


@pytest.mark.parametrize(
    "content", [b"notes about trading\n", b"\x00" * 5000, b"SQLite format 3\x00" + b"x" * 200]
)
async def test_a_file_that_is_no_database_is_refused_and_not_changed(path: Path, content: bytes) -> None:
    write(path, content)
    refused = await refusal_of(path)
    assert "is not a Ratchet journal" in refused
    assert content_of(path) == content


async def test_a_journal_that_was_emptied_is_refused_and_does_not_begin_anew(path: Path) -> None:
    """It held a halt. A restored copy that found no room is empty, too."""
    await filled_journal(path)
    write(path, b"")
    refused = await refusal_of(path)
    assert "is empty. Nothing was changed. Restore a backup" in refused
    assert "a halt and the limits of before are forgotten" in refused
    assert content_of(path) == b""
    with pytest.raises(JournalRefused, match="is empty"):
        await JournalReader.open(path)


@pytest.mark.parametrize("main", ["is empty", "is missing"])
async def test_the_log_of_a_journal_that_is_gone_is_not_thrown_away(path: Path, main: str) -> None:
    with start_writer(path) as writer:
        assert writer.stdout is not None
        next(writer.stdout)
        writer.kill()
        writer.communicate(timeout=60)
    log = path.with_name("state.db-wal")
    whole, kept = content_of(path), content_of(log)
    empty_or_remove(path, main)
    assert f"{main}, and state.db-wal beside it holds what was written last" in await refusal_of(path)
    assert content_of(log) == kept
    write(path, whole)
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert await journal.verify() > 0


@pytest.mark.parametrize("left", [b"", b"half a page of the first start"])
async def test_a_crash_in_the_very_first_start_leaves_nothing_that_hinders_the_next(
    path: Path, left: bytes
) -> None:
    for end in (".new", ".new-wal", ".new-journal"):
        write(path.with_name(path.name + end), left)
    await filled_journal(path)
    assert beside(path) == ["state.db", "state.db.lock"]


async def test_another_programs_database_is_refused_and_not_changed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cookies (name)")
    before = content_of(path)
    assert "is not a Ratchet journal" in await refusal_of(path)
    assert content_of(path) == before
    assert beside(path) == ["state.db"]


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is not a Ratchet journal" in await refusal_of(tmp_path)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_what_is_marked_read_only_is_refused(path: Path, what: str) -> None:
    await filled_journal(path)
    marked = path if what == "file" else path.parent
    mode = marked.stat().st_mode
    marked.chmod(mode & ~0o222)
    try:
        refused = await refusal_of(path)
    finally:
        marked.chmod(mode)
    assert "is read-only" in refused or "cannot be opened" in refused
    assert "writable" in refused


async def test_a_journal_is_private_to_its_user(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.db"
    await filled_journal(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_cut_in_half_is_refused_with_what_to_do(path: Path) -> None:
    await filled_journal(path, 500)
    whole = content_of(path)
    write(path, whole[: len(whole) // 2])
    refused = await refusal_of(path)
    assert "is damaged" in refused and "aside" in refused


async def test_a_flipped_bit_in_an_entry_is_noticed(path: Path) -> None:
    await filled_journal(path)
    content = bytearray(content_of(path))
    at = content.index(b'"kind":"timer"')
    content[at + 9] ^= 0x01
    write(path, bytes(content))
    refused = await refusal_of(path)
    assert "the chain breaks there" in refused


EDITS = {
    "an entry is changed": (
        "UPDATE events SET entry = replace(entry, 'timer', 'Timer') WHERE seq = 7",
        "entry 7 is not what was written",
    ),
    "an entry is taken out": ("DELETE FROM events WHERE seq = 7", "entry 7 is missing"),
    "two entries change places": (
        "UPDATE events SET entry = (SELECT e.entry FROM events AS e WHERE e.seq = 15 - events.seq) "
        "WHERE seq IN (7, 8)",
        "entry 7 is not what was written",
    ),
    "the end is cut off": (
        "DELETE FROM events WHERE seq > 40",
        "should end with entry 50 and ends with 40",
    ),
    "an entry is put at the end": (
        "INSERT INTO events SELECT 51, entry, chain, closes FROM events WHERE seq = 50",
        "should end with entry 50 and ends with 51",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_is_noticed(path: Path, edit: str) -> None:
    await filled_journal(path)
    statement, said = EDITS[edit]
    by_hand(path, statement)
    assert said in await refusal_of(path)
    async with await JournalReader.open(path) as reader:
        if "at the end" not in edit:
            with pytest.raises(JournalRefused):
                await reader.verify()


async def test_an_edit_below_the_snapshot_is_found_by_verify(path: Path) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.append([tick(n) for n in range(50)], BLANK)
        await journal.snapshot(BLANK)
    by_hand(path, EDITS["an entry is changed"][0])
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert (await journal.recover()).state == BLANK
        with pytest.raises(JournalRefused, match="entry 7 is not what was written"):
            await journal.verify()


async def test_a_changed_snapshot_is_not_believed(path: Path) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.append([tick(1)], BLANK)
        await journal.snapshot(BLANK)
        await journal.append([tick(2)], BLANK)
        await journal.snapshot(BLANK)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE snapshots SET state = replace(state, 'acct', 'evil') WHERE seq = 2")
        db.commit()
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        recovered = await journal.recover()
        assert recovered.state == BLANK
        assert [item.seq for item in recovered.after] == [2]
        with pytest.raises(JournalRefused, match="the snapshot after entry 2 was changed"):
            await journal.verify()


async def test_only_the_last_few_snapshots_are_kept(journal: SqliteJournal) -> None:
    for n in range(6):
        await journal.append([tick(n)], BLANK)
        await journal.snapshot(BLANK)
    with closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("SELECT seq FROM snapshots ORDER BY seq").fetchall() == [(4,), (5,), (6,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET entry = '{}' WHERE seq = 1",
        "DELETE FROM events WHERE seq = 1",
        "INSERT INTO events VALUES (9, '{}', x'00', 1)",
        "INSERT OR REPLACE INTO events VALUES (1, '{}', x'00', 1)",
    ],
)
async def test_the_database_itself_forbids_changing_an_event(journal: SqliteJournal, statement: str) -> None:
    await journal.append([tick(1)], BLANK)
    with (
        closing(sqlite3.connect(journal.path)) as db,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        db.execute(statement)


async def test_verify_tells_how_far_it_is(path: Path) -> None:
    await filled_journal(path, 12_000)
    told: list[tuple[int, int]] = []
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert await journal.verify(lambda done, of: told.append((done, of))) == 12_000
    assert told == [(5_000, 12_000), (10_000, 12_000), (12_000, 12_000)]


async def test_an_entry_of_a_kind_that_this_version_does_not_know_is_named(path: Path) -> None:
    await filled_journal(path, 1)
    line = b'{"event":{"at":1,"market":1,"body":{"kind":"moonshot"}},"actions":[],"notes":[]}'
    with closing(sqlite3.connect(path)) as db:
        (before,) = db.execute("SELECT chain FROM head").fetchone()
        end = link(before, 2, line)
        db.execute("INSERT INTO events VALUES (2, ?, ?, 1)", (line.decode(), end))
        db.execute("UPDATE head SET seq = 2, chain = ?", (end,))
        db.commit()
    assert "entry 2 cannot be read" in await refusal_of(path)
