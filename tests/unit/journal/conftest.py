from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from journal_day import ACCOUNT
from shelf import Shelf

from engine.journal.sqlite import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(path, account=ACCOUNT)
    yield opened
    await opened.close()


@pytest.fixture(params=["file", "memory"])
async def shelf(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Shelf]:
    kept = Shelf(path if request.param == "file" else None)
    yield kept
    if kept.newest is not None:
        await kept.newest.close()
