"""A journal decided again gives the same decisions, snapshots and tables; an edit of one is found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.cli import main
from engine.journal import belief
from engine.journal.example import write
from engine.journal.port import JournalRefused
from engine.journal.replay import replay


@pytest.fixture
def lived(tmp_path: Path) -> Path:
    """A day of the real core, in the file that the engine would have written."""
    path = tmp_path / "state.db"
    asyncio.run(write(path))
    return path


def edit(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """An edit by somebody who has taken the triggers away."""
    with closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        change(db)


def test_a_journal_decided_again_is_equal(lived: Path) -> None:
    told: list[tuple[int, int]] = []
    found = replay(lived, lambda done, all: told.append((done, all)))
    assert found.difference == ""
    assert found.entries > 40
    assert found.rows > 20


def test_another_decision_is_named_with_its_entry(lived: Path) -> None:
    edit(
        lived,
        lambda db: db.execute("UPDATE events SET entry = replace(entry, 'reached rung 1', 'reached rung 9')"),
    )
    found = replay(lived)
    assert found.difference.startswith("entry ")
    assert "recorded" in found.difference
    assert "decided now" in found.difference


def test_another_row_of_a_table_is_named(lived: Path) -> None:
    edit(lived, lambda db: db.execute("UPDATE trades SET qty = '7'"))
    found = replay(lived)
    assert found.difference.startswith("table trades: kept [")


def test_another_belief_is_named_with_its_field(lived: Path) -> None:
    with closing(sqlite3.connect(lived)) as db, db:
        link = db.execute("SELECT chain FROM head").fetchone()[0]
        kept = belief.read(db, link)
        assert kept.state is not None
        kept, change = belief.follow(kept, replace(kept.state, balance_at=7))
        change.write(db)
        db.execute("UPDATE head SET belief = ?", (kept.seal(link),))
    assert replay(lived).difference.startswith("what was believed last, balance_at: kept 7, now ")


def test_the_command_says_equal_or_ends_with_4(
    lived: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(lived.parent))
    assert main(["journal", "replay"]) == 0
    assert "entries decided again: equal" in capsys.readouterr().out
    edit(lived, lambda db: db.execute("UPDATE trades SET qty = '7'"))
    assert main(["journal", "replay"]) == 4
    assert "not equal: table trades" in capsys.readouterr().err


def test_nothing_is_left_behind_and_the_journal_is_untouched(lived: Path) -> None:
    before = lived.read_bytes()
    replay(lived)
    assert lived.read_bytes() == before


def test_no_journal_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalRefused, match="There is no journal"):
        replay(tmp_path / "state.db")
