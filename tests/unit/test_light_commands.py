"""Commands for a bad moment must not wait for imports: what they load, seen in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"textual", "ccxt", "pydantic", "pydantic_settings", "aiohttp", "rich", "numpy", "torch", "asyncio"}
LIGHT = (
    "--help",
    "--version",
    "status",
    "positions --json",
    "orders",
    "why BTCUSDT",
    "pause BTCUSDT",
    "reduce BTCUSDT 50%",
    "config path",
    "",
)
HALTS = ("kill --help", "kill", "kill --flatten --reason news", "resume")


def loaded_after(home: Path, *lines: str) -> set[str]:
    """The packages of an interpreter that ran these commands one after the other. No engine answers them."""
    code = (
        "import sys; from engine.cli import main; [main(line.split()) for line in sys.argv[1:]]; "
        "print('\\nLOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    environment = {**os.environ, "RATCHET_HOME": str(home), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code, *lines],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=True,
    )
    return set(ran.stdout.rpartition("LOADED")[2].split())


def test_a_light_command_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_after(tmp_path, *LIGHT, *HALTS) & HEAVY == set()


def test_a_halt_needs_only_the_standard_library(tmp_path: Path) -> None:
    assert "msgspec" not in loaded_after(tmp_path, *HALTS)


def test_the_check_itself_sees_what_is_loaded(tmp_path: Path) -> None:
    assert "pydantic" in loaded_after(tmp_path, "config check")
