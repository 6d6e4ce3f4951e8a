"""What was typed or configured wrongly is told at once, with what to write instead."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import main
from engine.commands.outfit import KEYMAPS, theme_names
from engine.config.paths import find_paths
from tui import keymaps
from tui.themes import load_themes, own_folder

Captured = pytest.CaptureFixture[str]
Ratchet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("web --port abc", "'abc' is not a port; write a number"),
        ("telegram fake --user abc", "'abc' is not a user id; write a whole number"),
        ("watch --every abc", "'abc' is not a time; write a number of seconds"),
        ("demo --for abc", "'abc' is not a time; write a number of seconds"),
    ],
)
def test_what_is_no_number_is_told_with_what_to_write(words: str, told: str, capsys: Captured) -> None:
    assert main(words.split()) == 2
    assert told in capsys.readouterr().err


def test_an_unknown_option_shows_the_usage_of_its_command(capsys: Captured) -> None:
    assert main(["status", "--nope"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: ratchet status [-h]")
    assert "unrecognized arguments: --nope" in told
    assert main(["journal", "verify", "--nope"]) == 2
    assert capsys.readouterr().err.startswith("usage: ratchet journal verify [-h]")


def test_config_check_says_all_that_engine_and_desk_would_refuse(ratchet: Ratchet, home: Path) -> None:
    (home / "config.toml").write_text(
        "[rest]\non = true\n[webhook]\non = true\n"
        '[desk]\ntheme = "pink"\nkeymap = "emacs"\n[desk.themes]\nlive = "mine"\n'
    )
    (home / "themes").mkdir()
    (home / "themes" / "mine.toml").write_text('primary = "#ffffff"\n')
    ran = ratchet("config", "check")
    assert (ran.returncode, ran.stdout) == (2, "")
    told = ran.stderr.splitlines()
    assert [line.partition(", ")[0].partition(" one of")[0] for line in told] == [
        "ratchet: rest.on lets nobody in: name at least",
        "ratchet: webhook.token is missing: looked in env:WEBHOOK_EXPECTED_TOKEN",
        "ratchet: config.toml line 7: desk.keymap must be",
        "ratchet: config.toml line 6: desk.theme must be",
    ]
    assert '"mine"' in told[3]


def test_config_check_names_own_keys_that_the_desk_would_leave_out(ratchet: Ratchet, home: Path) -> None:
    (home / "config.toml").write_text('[desk.keys]\nhaltt = "ctrl+h"\nsort = "ctrl+k"\nticket = "t"\n')
    ran = ratchet("config", "check")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "ratchet: config.toml line 1: desk.keys, no key is called 'haltt' (did you mean 'halt'?); F1 shows "
        "the names",
        "ratchet: config.toml line 1: desk.keys, ctrl+k is halt already; sort cannot have it",
    ]


def test_the_names_that_config_check_knows_are_those_of_the_desk(tmp_path: Path) -> None:
    assert tuple(keymaps.KEYMAPS) == KEYMAPS
    themes, _ = load_themes([own_folder()])
    assert theme_names(find_paths(str(tmp_path))) == tuple(sorted(theme.name for theme in themes))
