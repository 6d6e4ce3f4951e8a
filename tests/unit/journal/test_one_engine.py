"""One engine a journal and an account: the second is refused, wherever and however it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from journal_day import ACCOUNT
from test_journal_disasters import ROOT, refusal_of, start_writer

from engine.journal.lock import EngineLock, account_lock
from engine.journal.port import JournalRefused
from engine.journal.sqlite import SqliteJournal


async def test_a_second_engine_is_refused_and_told_who_is_first(path: Path) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT):
        refused = await refusal_of(path)
    assert f"pid {os.getpid()}" in refused
    assert f"account {ACCOUNT}" in refused
    async with await SqliteJournal.open(path, account=ACCOUNT):
        pass


async def test_death_gives_the_lock_back(path: Path) -> None:
    with start_writer(path) as writer:
        assert writer.stdout is not None
        next(writer.stdout)
        assert f"pid {writer.pid}" in await refusal_of(path)
        writer.kill()
        writer.communicate(timeout=60)
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        assert await journal.verify() > 0


def test_a_lock_names_its_holder_and_can_be_taken_again_after_its_release(tmp_path: Path) -> None:
    first = EngineLock(tmp_path / "engine.lock", "acct")
    with first:
        holder = first.holder()
        assert holder is not None and (holder.pid, holder.account) == (os.getpid(), "acct")
        assert holder.since > 1_700_000_000_000
        with pytest.raises(JournalRefused, match="already runs"), EngineLock(tmp_path / "engine.lock"):
            pass
    with EngineLock(tmp_path / "engine.lock", "other") as second:
        assert repr(second).endswith("held)")


async def test_a_database_has_one_lock_by_whatever_link_it_is_reached(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "journal.db"
    other.parent.mkdir()
    with start_writer(path) as writer:
        assert writer.stdout is not None
        next(writer.stdout)
        other.symlink_to(path)
        assert f"pid {writer.pid}" in await refusal_of(other)
        writer.kill()
        writer.communicate(timeout=60)


HOLDS_AN_ACCOUNT = """
from engine.journal.lock import account_lock
held = account_lock("lock-test", {at!r})
held.acquire()
print("held", flush=True)
input()
"""


def test_an_account_is_held_by_one_process_whatever_its_environment(tmp_path: Path) -> None:
    """Not more than that: the same key at another Bitget is another account."""
    at = f"http://localhost/{tmp_path}"
    elsewhere = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HOLDS_AN_ACCOUNT.format(at=at)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=elsewhere, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert next(holder.stdout) == "held\n"
        lock = account_lock("lock-test", at)
        with pytest.raises(JournalRefused, match=rf"pid {holder.pid}, account lock-test"):
            lock.acquire()
        other = account_lock("lock-test", f"{at}/other")
        other.acquire()
        other.release()
        holder.kill()
        holder.wait()
        lock.acquire()
        lock.release()
