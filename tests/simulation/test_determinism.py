"""F3: the same seed gives the same digest in two processes with different hash seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEEDS = 40


def digests(hash_seed: str) -> list[str]:
    """The digests of the first seeds, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.prove", "--digests", str(SEEDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.splitlines()


def test_two_processes_with_different_hash_seeds_agree_on_every_digest() -> None:
    ones, others = digests("1"), digests("2")
    assert len(ones) == SEEDS
    assert ones == others
    assert len({line.split()[1] for line in ones}) == SEEDS, "different seeds must give different digests"
