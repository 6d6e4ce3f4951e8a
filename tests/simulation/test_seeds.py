"""F2: random stories with faults, hands and crashes, and not one violation. `make prove` plays more."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from .chapters import FOUND
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
    "an empty list of positions",
    "prices that lag",
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
    "asked: Enter",
    "asked: Deny",
    "asked: Exit",
    "entered",
)
"""What the seeds together have to contain, or they prove nothing."""


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all workers share: what happened in each shard."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "counted"
    folder.mkdir(exist_ok=True)
    return folder


def what_never_happened(counted: Path) -> list[str]:
    """What no shard has seen, once all of them have been counted; nothing before that."""
    shards = [msgspec.json.decode(file.read_bytes(), type=dict[str, int]) for file in counted.glob("*.json")]
    if len(shards) < SEEDS // SHARD:
        return []
    return [name for name in MUST_HAPPEN if not any(happened.get(name) for happened in shards)]


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, SEEDS, SHARD))
def test_no_seed_violates_anything_and_all_that_can_go_wrong_goes_wrong(first: int, counted: Path) -> None:
    """The shard that ends last asks whether everything has happened in all of them together."""
    tally = run_seeds(list(range(first, first + SHARD)))
    told = [f"make prove SEED={name.removeprefix('seed ')}: {said}" for name, said in tally.failed]
    assert not told, "\n".join(told)
    assert tally.ran == SHARD
    unfinished = counted / f"{first}.unfinished"
    unfinished.write_bytes(msgspec.json.encode(tally.happened))
    unfinished.rename(counted / f"{first}.json")
    assert what_never_happened(counted) == []


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_failed_once_fails_no_more(seed: int) -> None:
    assert run_seeds([seed]).failed == []


def test_a_kind_of_trouble_that_never_comes_is_noticed(tmp_path: Path) -> None:
    for shard in range(SEEDS // SHARD - 1):
        happened = dict.fromkeys(MUST_HAPPEN[1:], 1)
        (tmp_path / f"{shard}.json").write_bytes(msgspec.json.encode(happened))
    assert what_never_happened(tmp_path) == []
    (tmp_path / "last.json").write_bytes(b"{}")
    assert what_never_happened(tmp_path) == [MUST_HAPPEN[0]]
