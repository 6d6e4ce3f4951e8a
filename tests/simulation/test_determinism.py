"""F3: the same seed gives the same digest in two processes with different hash seeds.

Forty seeds in the suite; `make prove TWICE=1000` for as many as you like.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEEDS = int(os.environ.get("RATCHET_TWICE", "40"))


def digests(hash_seed: str) -> list[str]:
    """The digests of the first seeds, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.prove", "--digests", str(SEEDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=300 + SEEDS,
        check=True,
    )
    return done.stdout.splitlines()


def test_two_processes_with_different_hash_seeds_agree_on_every_digest() -> None:
    with ThreadPoolExecutor() as pool:
        ones, others = pool.map(digests, ("1", "2"))
    assert len(ones) == SEEDS
    differing = [one.split()[0] for one, other in zip(ones, others, strict=True) if one != other]
    assert not differing, f"seeds whose digests differ: {', '.join(differing)}"
    assert len({line.split()[1] for line in ones}) == SEEDS, "different seeds must give different digests"
    print(f"{SEEDS} of {SEEDS} seeds gave the same digest twice")
