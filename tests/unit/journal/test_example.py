"""`state.db.example`: example A of the ladder as a real journal, made again by one command."""

from __future__ import annotations

import filecmp
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from engine.journal import schema
from engine.journal.example import ACCOUNT, example, main, write
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader
from engine.journal.sqlite import SqliteJournal

SHIPPED = Path(__file__).parents[3] / "state.db.example"
AGAIN = "run `rm state.db.example && python -m engine.journal.example state.db.example`"


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def rounded(value: object) -> str:
    return str(Decimal(str(value)).quantize(Decimal("0.0001")))


async def test_the_shipped_example_is_what_the_command_writes_now(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    await write(fresh)
    assert dump(fresh) == dump(SHIPPED), f"the decisions or the schema have changed: {AGAIN}"


async def test_writing_it_twice_gives_the_same_rows_and_nothing_beside_them(tmp_path: Path) -> None:
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    assert await write(one) == await write(two) == len(example().entries)
    assert dump(one) == dump(two)
    assert names_in(tmp_path) == ["one.db", "two.db"]


async def test_it_is_a_whole_journal_of_this_schema(tmp_path: Path) -> None:
    copy = Path(shutil.copy(SHIPPED, tmp_path / "state.db"))
    with closing(sqlite3.connect(copy)) as db:
        assert schema.version_of(db) == len(schema.steps())
    async with await JournalReader.open(copy) as reader:
        assert await reader.verify() == len(example().entries)
    async with await SqliteJournal.open(copy, account=ACCOUNT) as journal:
        recovered = await journal.recover()
        assert recovered.state == example().state
        assert recovered.after == ()


async def test_its_tables_hold_the_numbers_of_example_a(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    await write(fresh)
    with closing(sqlite3.connect(fresh)) as db:
        (position,) = db.execute("SELECT realised, fees, margin, liquidation, rungs, status FROM positions")
        legs = db.execute("SELECT number, qty, entry, stop, stop_why FROM legs ORDER BY number").fetchall()
        (account,) = db.execute("SELECT equity, free FROM accounts")
        rungs = db.execute("SELECT number, state, bank_profit, worst_before FROM rungs").fetchall()
        start = db.execute("SELECT start_equity FROM positions").fetchone()
        curve = db.execute("SELECT equity FROM pnl_snapshots ORDER BY minute").fetchall()
    assert [rounded(number) for number in position[:4]] == ["11.3629", "0.4700", "20.0719", "97576.4857"]
    assert position[4:] == (2, "BREAKEVEN")
    assert legs == [
        (1, "0.0010", "100000", "97088.6", "guard"),
        (2, "0.0011", "95000", "95000", "entry"),
        (3, "0.0022", "90250", "94328.5", "own margin"),
    ]
    assert [rounded(number) for number in account] == ["124.2550", "90.8211"]
    assert [(number, state, rounded(profit)) for number, state, profit, _ in rungs] == [
        (1, "ended", "5.0000"),
        (2, "ended", "6.3629"),
    ]
    assert [rounded(worst) for *_, worst in rungs] == ["-10.1200", "-4.4975"]
    assert rounded(start[0]) == "100.0000"
    assert [rounded(point[0]) for point in curve] == ["99.8800", "109.7033", "124.2550"]


async def test_a_rebuild_of_it_by_the_real_decide_changes_nothing(tmp_path: Path) -> None:
    from engine.core.decide import decide

    path = tmp_path / "fresh.db"
    await write(path)
    before = dump(path)
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        await journal.rebuild(lambda state, event: decide(state, event).state)
    assert dump(path) == before


async def test_it_never_writes_over_a_file(tmp_path: Path) -> None:
    path = Path(shutil.copy(__file__, tmp_path / "mine.db"))
    with pytest.raises(JournalRefused, match="is there already"):
        await write(path)
    assert filecmp.cmp(path, __file__, shallow=False)


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.db"
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: {len(example().entries)} entries of example A\n"
    assert main([str(path)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main([]) == 2
    assert "Usage" in capsys.readouterr().err
