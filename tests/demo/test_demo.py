"""`ratchet demo`, as a newcomer starts it: what is told, and what is left behind."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest
from playhouse import Stage, until


def heard(demo: subprocess.Popen[str], words: str) -> bool:
    """Read on until a line has these words; False when the demo ended before."""
    assert demo.stdout is not None
    return any(words in line for line in demo.stdout)


def test_without_a_terminal_it_tells_the_story_of_a_rung_and_ends_by_itself(stage: Stage) -> None:
    demo = stage.play("--speed", "240", "--for", "12")
    told = demo.stdout
    assert demo.returncode == 0, told + demo.stderr
    story = (
        "No key, no network, no real money",
        "SIM account demo",
        "by hand, as at Bitget's app: opened ETHUSDT long",
        "new position: ETHUSDT long, ACTIVE",
        "reached rung 1",
        "stop leg 2",
        "rung 1 done. Banked",
        "Result: 100.00 USDT became",
    )
    places = [told.find(words) for words in story]
    assert -1 not in places, told
    assert places == sorted(places), told
    assert re.search(r"Worst case −\d+\.\d\d → −\d\.\d\d", told)
    assert not stage.left()


@pytest.fixture
def quiet(tmp_path: Path) -> tuple[str, ...]:
    """Two hours of a still market of one's own: read in no time."""
    candles = tmp_path / "BTCUSDT-mine.csv"
    minutes = [f"{1746748800000 + 60000 * n},95000,95010,94990,95000,12" for n in range(120)]
    candles.write_text("\n".join(["timestamp,open,high,low,close,volume", *minutes]))
    return ("--plain", "--speed", "20", "--data", str(candles))


def test_ones_own_candles_and_balance_are_played_from_the_first_minute(
    stage: Stage, quiet: tuple[str, ...]
) -> None:
    demo = stage.play(*quiet, "--for", "1", "--balance", "2500")
    assert demo.returncode == 0, demo.stderr
    assert "equity 2,500.00" in demo.stdout
    assert "opened BTCUSDT long" in demo.stdout
    assert "250 USDT at 20x" in demo.stdout
    assert "Result: 2,500.00 USDT became" in demo.stdout
    assert not stage.left()


def test_a_folder_of_ones_own_keeps_the_journal(stage: Stage, quiet: tuple[str, ...]) -> None:
    home = stage.folder / "kept"
    demo = stage.play(*quiet, "--for", "1", "--home", str(home))
    assert demo.returncode == 0, demo.stderr
    assert (home / "state.db").stat().st_size > 0
    again = stage.play("--home", str(home))
    assert again.returncode == 2
    assert "the demo needs a new or an empty folder" in again.stderr
    unseen = stage.play("--home", str(home / ("x" * 300)))
    assert (unseen.returncode, unseen.stderr) == (
        2,
        f"ratchet demo: --home {home / ('x' * 300)} cannot be looked at (File name too long): name another\n",
    )
    assert not stage.living()


def test_candles_that_are_garbage_are_refused_with_their_line(stage: Stage, tmp_path: Path) -> None:
    candles = tmp_path / "BTCUSDT-garbage.csv"
    candles.write_text("timestamp,open,high,low,close,volume\n1746748800000,95000,cheap,94990,95000,12\n")
    demo = stage.play("--plain", "--data", str(candles))
    assert demo.returncode == 2
    assert "BTCUSDT-garbage.csv line 2: six numbers" in demo.stderr
    assert "Traceback" not in demo.stderr
    assert not stage.left()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--speed", "0"), "--speed 0: a number above 0 and up to 1200 is expected"),
        (("--speed", "max"), "the market would outrun every order"),
        (("--for", "-3"), "--for -3: a number of seconds above 0 is expected"),
        (("--balance", "7"), "--balance 7: at least 50 USDT are expected"),
        (("--balance", "nan"), "--balance nan: at least 50 USDT are expected"),
        (("--scenario", "moon"), "--scenario moon is not known. There are: rally"),
    ],
)
def test_an_option_that_makes_no_sense_starts_nothing(
    stage: Stage, words: tuple[str, ...], sentence: str
) -> None:
    demo = stage.play("--plain", *words)
    assert demo.returncode == 2
    assert sentence in demo.stderr
    assert demo.stdout == ""
    assert not stage.left()


def test_sigterm_ends_all_three_and_leaves_nothing(stage: Stage, quiet: tuple[str, ...]) -> None:
    demo = stage.begin(*quiet, "--for", "80")
    assert heard(demo, "by hand")
    assert len(stage.living()) == 3
    demo.terminate()
    demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal.SIGTERM
    assert not stage.left()


def test_ctrl_c_ends_all_three_with_the_result(stage: Stage, quiet: tuple[str, ...]) -> None:
    demo = stage.begin(*quiet, "--for", "80")
    assert heard(demo, "the market runs")
    demo.send_signal(signal.SIGINT)
    told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal.SIGINT
    assert "ended by Ctrl-C" in told
    assert "Result: 100.00 USDT became" in told
    assert not stage.left()


def test_even_kill_9_leaves_nothing_behind(stage: Stage, quiet: tuple[str, ...]) -> None:
    demo = stage.begin(*quiet, "--for", "80")
    assert heard(demo, "by hand")
    demo.kill()
    demo.communicate(timeout=60)
    assert until(lambda: not stage.left(), 60), stage.left()


def test_a_reader_that_goes_away_ends_it(stage: Stage, quiet: tuple[str, ...]) -> None:
    demo = stage.begin(*quiet, "--for", "80")
    assert heard(demo, "by hand")
    assert demo.stdout is not None
    demo.stdout.close()
    assert demo.wait(60) == 0
    assert not stage.left()


def in_terminal(stage: Stage, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """A demo in a pseudo terminal, and the trader's end of it."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    demo = subprocess.Popen(
        stage.command(*words),
        env=stage.environment | {"COLUMNS": "120", "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    return demo, ours


def test_in_a_terminal_its_time_ends_it_as_q_does(stage: Stage) -> None:
    demo, ours = in_terminal(stage, "--for", "1")
    shown = read_until(ours, rb"Result: 100.00 USDT became .*\n", 90)
    assert b"The demo is over" in shown
    assert b"Result: 100.00 USDT became" in shown
    assert demo.wait(60) == 0
    os.close(ours)
    assert not stage.left()


def test_in_a_terminal_it_is_the_desk_and_q_ends_all_of_it(stage: Stage) -> None:
    demo, ours = in_terminal(stage)
    screen = read_until(ours, rb"RATCHET.*ETHUSDT.*LONG", 60)
    assert re.search(rb"RATCHET.*ETHUSDT.*LONG", screen, re.DOTALL)
    os.write(ours, b"q")
    rest = read_until(ours, rb"Result: 100.00 USDT became .*\n", 60)
    assert b"The demo is over" in rest
    assert b"Result: 100.00 USDT became" in rest
    assert b"keeps running" not in rest
    assert demo.wait(60) == 0, read_until(ours, rb"nothing more", 1).decode()
    os.close(ours)
    assert not stage.left()


def test_in_a_terminal_that_cannot_draw_it_tells_lines_and_when_it_ends(
    stage: Stage, quiet: tuple[str, ...]
) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    words = [word for word in quiet if word != "--plain"]
    demo = subprocess.Popen(
        stage.command(*words, "--for", "1"),
        env=stage.environment | {"TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told = read_until(ours, rb"Result: 100.00 USDT became .*\n", 60)
    assert demo.wait(60) == 0
    os.close(ours)
    assert b"It ends by itself after 1 s; Ctrl-C ends it earlier." in told
    assert b"opened BTCUSDT long" in told
    assert b"\x1b" not in told
    assert not stage.left()


def read_until(terminal: int, pattern: bytes, seconds: float) -> bytes:
    """What the terminal shows until `pattern` was in it, or until time is over."""
    shown, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and not re.search(pattern, shown, re.DOTALL):
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            shown += os.read(terminal, 65536) if ready else b""
        except OSError:
            break
    return shown
