"""kill -9 of the real engine at bad moments of a recorded rally: exchange and ledger are equal after each.

Ten kills in the suite; `RATCHET_KILLS=500` for as many as you like, `RATCHET_KILL_SEED` for other moments.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.kill.evening import play

KILLS = int(os.environ.get("RATCHET_KILLS", "10"))
SEED = int(os.environ.get("RATCHET_KILL_SEED", "1"))
AN_EVENING = 25


@pytest.mark.long
async def test_the_engine_is_killed_again_and_again_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    done = rungs = evenings = 0
    began = time.monotonic()
    while done < KILLS:
        home = tmp_path / str(evenings)
        home.mkdir(mode=0o700)
        kills, climbed = await play(home, min(AN_EVENING, KILLS - done), SEED + evenings)
        done, rungs, evenings = done + kills, rungs + climbed, evenings + 1
        took = time.monotonic() - began
        print(f"seed {SEED + evenings - 1}: {done} of {KILLS} kills, {rungs} rungs, {took:.0f} s")
    assert rungs > 0, "the market gave no rung: nothing was proved"
