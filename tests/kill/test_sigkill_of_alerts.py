"""kill -9 of the engine, or of its doors alone, while alerts come: each is journalled once and done once.

Four kills in the suite; `RATCHET_KILLS=100` for as many as you like, `RATCHET_KILL_SEED` for other moments.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.kill.alerts import TOKEN, play

KILLS = int(os.environ.get("RATCHET_KILLS", "4"))
SEED = int(os.environ.get("RATCHET_KILL_SEED", "1"))


@pytest.mark.long
async def test_every_alert_that_was_answered_is_in_the_journal_once_and_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T_HOOK", TOKEN)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    strategy = await play(home, KILLS, SEED)
    sent, statuses = strategy.sent.total(), dict(strategy.statuses)
    print(f"{KILLS} kills: {sent} alerts, answered {statuses}, journalled {dict(strategy.outcomes())}")
    assert strategy.statuses[HTTPStatus.ACCEPTED], (
        "none was under way when its engine died: nothing was proved"
    )
    assert strategy.statuses[HTTPStatus.OK], "none was done"
