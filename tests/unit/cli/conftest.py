"""A folder for an engine, an engine in it, and the command line as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "api"))

from served import EngineFace, living_engine  # noqa: E402

Ratchet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def face(home: Path) -> Iterator[EngineFace]:
    with living_engine(home / "engine.sock") as face:
        yield face


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """Ours, without the keys and options of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RATCHET", "BITGET", "CREDENTIALS"))}
    return {**kept, "RATCHET_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def ratchet(environment: dict[str, str]) -> Ratchet:
    """`ratchet(*words)`, with no terminal and nothing to read."""

    def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine.cli", *words],
            capture_output=True,
            text=True,
            env={**environment, **more.pop("env", {})},
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            **more,
        )

    return run
