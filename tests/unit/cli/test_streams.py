"""Where an answer goes may be closed, full, gone, or unable to show a minus: the command does its work."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from served import EngineFace

from engine.protocol import Halt
from tui.run import knows_signs

FULL = Path("/dev/full")

Ratchet = Callable[..., subprocess.CompletedProcess[str]]


def in_shell(environment: dict[str, str], words: str) -> subprocess.CompletedProcess[str]:
    """`ratchet WORDS` as a shell starts it, with what the shell does to its streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m engine.cli {words}', sys.executable],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_keeps_no_kill_from_its_end(
    face: EngineFace, environment: dict[str, str], closed: str
) -> None:
    ran = in_shell(environment, f"kill --reason news {closed}")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert face.asked[0].command == Halt("news")


def test_a_closed_stream_keeps_no_complaint_from_its_exit_code(environment: dict[str, str]) -> None:
    assert in_shell(environment, "status 2>&-").returncode == 3


def test_a_full_disk_under_the_answer_is_told_and_the_kill_is_done(
    face: EngineFace, environment: dict[str, str]
) -> None:
    ran = in_shell(environment, f"kill > {FULL}")
    assert ran.returncode == 2
    assert ran.stderr == (
        "ratchet: the answer could not be written; what was asked of an engine, it does all the same "
        "(No space left on device)\n"
    )
    assert face.asked[0].command == Halt("")
    for words in ("status", "config example", "config check"):
        ran = in_shell(environment, f"{words} > {FULL}")
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), words


@pytest.mark.parametrize("words", ["status", "positions --json", "config example", "--help"])
def test_a_reader_that_has_seen_enough_is_no_fault(
    face: EngineFace, environment: dict[str, str], words: str
) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "engine.cli", *words.split()],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_loss_keeps_its_minus_in_an_encoding_that_has_none(face: EngineFace, ratchet: Ratchet) -> None:
    account = msgspec.structs.replace(face.now.account, worst_case=Decimal("-15.03"))
    face.now = msgspec.structs.replace(face.now, account=account)
    told = ratchet("status", env={"PYTHONIOENCODING": "iso-8859-1"}).stdout
    assert "worst case -15.03" in told
    assert "worst case −15.03" in ratchet("status").stdout


@pytest.mark.parametrize(("encoding", "knows"), [("utf-8", True), ("ascii", False), ("iso-8859-15", False)])
def test_the_desk_is_drawn_with_signs_that_the_terminal_has(
    monkeypatch: pytest.MonkeyPatch, encoding: str, knows: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert knows_signs() is knows


def test_a_reason_of_several_lines_is_one_line(face: EngineFace, ratchet: Ratchet) -> None:
    assert ratchet("kill", "--reason", " news\nat noon\t").returncode == 0
    assert face.asked[0].command == Halt("news at noon")
