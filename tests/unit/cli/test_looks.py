"""How the desk shall look: whose word it is, and whose word comes first."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from engine.commands.desk import Looks, looks_of
from engine.config.paths import find_paths


def looks(home: Path, *, theme: str | None = None, config: str = "") -> Looks:
    if config:
        (home / "config.toml").write_text(config)
    return looks_of(
        argparse.Namespace(theme=theme, ascii=False, no_mouse=False), find_paths(str(home), {"HOME": "/h"})
    )


def test_a_configuration_that_says_nothing_of_the_desk_leaves_theme_and_keymap_to_the_desk(
    tmp_path: Path,
) -> None:
    assert looks(tmp_path) == Looks()
    silent = looks(tmp_path, config="[desk]\nmouse = false\n")
    assert (silent.theme, silent.keymap, silent.mouse) == (None, None, False)


def test_the_desk_is_told_on_which_line_of_the_configuration_its_theme_and_its_keymap_stand(
    tmp_path: Path,
) -> None:
    said = looks(tmp_path, config='[desk]\ntheme = "ratchet-light"\nkeymap = "default"\n')
    assert (said.theme, said.keymap) == ("ratchet-light", "default")
    assert said.said_in == {"theme": "config.toml line 2", "keymap": "config.toml line 3"}


def test_own_keys_come_before_the_keymap_and_the_command_line_before_the_theme(tmp_path: Path) -> None:
    config = '[desk]\ntheme = "ratchet-light"\nkeymap = "vim"\n[desk.keys]\nhalt = "ctrl+g"\n'
    said = looks(tmp_path, theme="ratchet-cvd", config=config)
    assert (said.theme, said.keymap) == ("ratchet-cvd", {"halt": "ctrl+g"})
    assert said.said_in["theme"] == "command line"
    assert said.said_in["keymap"].startswith("config.toml line ")


def test_a_wrong_configuration_keeps_no_desk_shut_and_is_told_on_it(tmp_path: Path) -> None:
    said = looks(tmp_path, config="[desk]\nkeymap = \n")
    assert said._replace(problems=()) == Looks()
    (told,) = said.problems
    assert told.startswith("The configuration is wrong, so this desk is as by default: ")
    assert "line 2" in told


def test_a_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_DESK__KEYMAP", "vim")
    said = looks(tmp_path)
    assert (said.keymap, said.said_in["keymap"]) == ("vim", "RATCHET_DESK__KEYMAP")


def test_what_the_desk_keeps_lies_beside_the_journal(tmp_path: Path) -> None:
    assert find_paths(str(tmp_path), {}).chosen == tmp_path / "desk.toml"
    assert find_paths(None, {"HOME": "/h"}).chosen == Path("/h/.local/state/ratchet/desk.toml")
