"""`ratchet` on a terminal without an engine: it offers to start one, and never does so unasked."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path


def on_a_terminal(environment: dict[str, str], answer: str) -> tuple[int, str]:
    """Run `ratchet` in a pty, type `answer` to its question, and return exit code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    screen, answered, end = "", False, time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                screen += os.read(ours, 4096).decode()
            except OSError:
                break
        if "[y/N]" in screen and not answered:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    return process.wait(10), screen.replace("\r\n", "\n")


def test_the_answer_no_starts_nothing(environment: dict[str, str], home: Path) -> None:
    for answer in ("", "n"):
        code, screen = on_a_terminal(environment, answer)
        assert code == 3
        assert "An engine trades by its configuration from the moment it is up" in screen
        assert "Nothing started." in screen
    assert not (home / "logs").exists()


def test_an_engine_that_ends_at_once_tells_its_last_words(environment: dict[str, str], home: Path) -> None:
    code, screen = on_a_terminal(environment, "y")
    assert code == 2
    assert "the engine ended at once (exit code 2):" in screen
    assert "bitget.key is missing" in screen
    assert (home / "logs" / "engine.out").stat().st_mode & 0o777 == 0o600
