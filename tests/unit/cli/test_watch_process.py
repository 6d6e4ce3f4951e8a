"""`ratchet watch` as a process: it tells changes, outlives the engine, ends with Ctrl-C or with its pipe."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import living_engine

Watching = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def watching(environment: dict[str, str]) -> Iterator[Watching]:
    started: list[subprocess.Popen[str]] = []

    def watch() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "engine.cli", "watch", "--plain", "--every", "0"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        started.append(process)
        return process

    yield watch
    for process in started:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")


def test_it_outlives_the_engine_and_ends_with_ctrl_c(home: Path, watching: Watching) -> None:
    socket = home / "engine.sock"
    with living_engine(socket):
        watch = watching()
        assert until(watch, "BTCUSDT short").startswith("14:00:01 BTCUSDT short, BREAKEVEN")
    until(watch, "ENGINE GONE: nothing is known from here on")
    with living_engine(socket):
        until(watch, "engine back after")
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=60)
    assert watch.returncode == 0
    assert said == ""


def test_it_ends_when_nobody_reads_any_more(home: Path, watching: Watching) -> None:
    with living_engine(home / "engine.sock"):
        watch = watching()
        until(watch, "BTCUSDT short")
        assert watch.stdout is not None
        watch.stdout.close()
        assert watch.wait(60) == 0
        assert watch.stderr is not None
        assert watch.stderr.read() == ""
