"""F2: random stories with faults, hands and crashes, and not one violation. `make prove` plays more."""

from __future__ import annotations

import pytest

from .prove import run_seeds

SEEDS = 2000
SHARD = 100

MUST_HAPPEN = (
    "lost",
    "response lost",
    "doubled",
    "late beyond the timeout",
    "late beyond a restart",
    "late beyond its time stamp",
    "business reject",
    "429",
    "5xx with effect",
    "5xx without effect",
    "partial fill",
    "malformed answer",
    "gap",
    "duplicate",
    "reorder",
    "silent stall",
    "forced disconnect",
    "stale snapshot after a reconnect",
    "fill and order update swapped",
    "slow",
    "adl",
    "clock",
    "transfer",
    "funding rate",
    "maintenance",
    "flip",
    "adds",
    "modify-tpsl-order",
    "cancel-plan-order",
    "place-tpsl-order",
    "missing closed push",
    "malformed frame",
    "disk full",
    "disk that refuses now and then",
    "EIO after the bytes were written",
    "the journal refused and was mended",
    "second engine",
    "another bot",
    "margin mode",
    "close",
    "move stop",
    "cancel stop",
    "own stop",
    "leverage",
    "auto margin",
    "limit order",
)
"""What the first seeds together have to contain, or they prove nothing."""


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, SEEDS, SHARD))
def test_no_seed_violates_anything(first: int) -> None:
    tally = run_seeds(list(range(first, first + SHARD)))
    told = [f"make prove SEED={name.removeprefix('seed ')}: {said}" for name, said in tally.failed]
    assert not told, "\n".join(told)
    assert tally.ran == SHARD


def test_everything_that_can_go_wrong_does_go_wrong_in_the_seeds() -> None:
    happened = run_seeds(list(range(200))).happened
    missing = [name for name in MUST_HAPPEN if not happened.get(name)]
    assert not missing
