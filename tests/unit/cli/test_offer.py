"""`ratchet` on a terminal without an engine: it offers to start one, and never does so unasked."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

from served import EngineFace

from engine.commands.speech import at_words


def on_a_terminal(
    environment: dict[str, str], answer: str, *words: str, errors: IO[bytes] | None = None
) -> tuple[int, str]:
    """Run `ratchet` in a pty, type `answer` to its question, and return exit code and screen. `errors`
    takes standard error away from the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=errors or theirs,
        env=environment,
    )
    os.close(theirs)
    screen, answered, end = "", False, time.monotonic() + 60
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
    return process.wait(60), screen.replace("\r\n", "\n")


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


def test_a_desk_whose_drawing_would_go_into_a_file_does_not_open(
    face: EngineFace, environment: dict[str, str], tmp_path: Path
) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        code, screen = on_a_terminal(environment, "", errors=errors)
    assert (code, screen) == (2, "ratchet: the desk draws on standard error: open it without `2>`\n")
    assert (tmp_path / "errors").read_bytes() == b""


def test_a_terminal_that_cannot_draw_gets_a_sentence_instead_of_empty_boxes(
    face: EngineFace, environment: dict[str, str]
) -> None:
    code, screen = on_a_terminal({**environment, "TERM": "dumb"}, "")
    assert code == 2
    assert screen.startswith("ratchet: the desk cannot be drawn with TERM=dumb: set it to what this")
    assert screen.count("ratchet: ") == 1
    assert "Traceback" not in screen


def test_an_engine_in_a_terminal_says_there_what_it_does(environment: dict[str, str], home: Path) -> None:
    keys = dict.fromkeys(("BITGET_API_KEY", "BITGET_API_SECRET", "BITGET_API_PASSPHRASE"), "x")
    process, screen = begun_on_a_terminal(
        {**environment, **keys}, "engine", "--bitget-url", "http://127.0.0.1:9", until="trying again"
    )
    assert f"the engine runs here until Ctrl-C; its log is {home}/logs/engine.log" in screen
    assert "Bitget cannot be reached" in screen
    process.terminate()
    assert process.wait(60) == 0


def begun_on_a_terminal(
    environment: dict[str, str], *words: str, until: str
) -> tuple[subprocess.Popen[bytes], str]:
    """A command in a pty that has shown `until`, or has had its time."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    screen, end = "", time.monotonic() + 60
    while until not in screen and time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            screen += os.read(ours, 4096).decode()
    os.close(ours)
    return process, screen


def test_in_a_terminal_a_sentence_breaks_between_words_and_in_a_pipe_not_at_all() -> None:
    sentence = (
        "ratchet: no engine runs here: there is no socket at /tmp/a-rather-long-folder/of/mine/engine.sock"
    )
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        with os.fdopen(os.dup(theirs), "w") as terminal:
            lines = at_words(sentence, terminal).split("\n")
        assert max(map(len, lines)) <= 60
        assert " ".join(lines) == sentence
    finally:
        os.close(ours)
        os.close(theirs)
    assert at_words(sentence, io.StringIO()) == sentence
