"""Arming, keymaps, themes and ASCII: the small parts, each on its own."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from rich.cells import cell_len

from tui import haste
from tui.arming import Arming
from tui.ascii_only import plain
from tui.keymaps import APP_KEYS, DESK_KEYS
from tui.themes import INK_DEFAULTS, BadTheme, load_themes, own_folder, read_theme


def test_the_second_press_fires_only_within_three_seconds() -> None:
    catch = Arming()
    assert not catch.press(10.0)
    assert catch.is_armed(13.0)
    assert not catch.is_armed(13.01)
    assert catch.press(13.0)


def test_a_late_press_arms_anew_and_three_presses_fire_once() -> None:
    catch = Arming()
    assert [catch.press(t) for t in (0.0, 3.5, 4.0, 4.5)] == [False, False, True, False]


def test_a_hasty_start_collects_nothing_and_a_desk_that_stands_does() -> None:
    try:
        haste.begin()
        assert not gc.isenabled()
        haste.end()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0, "what was there is looked through no more"
        gc.unfreeze()
        haste.end()
        assert gc.get_freeze_count() == 0, "where nobody was hasty nothing is changed"
    finally:
        gc.enable()
        gc.unfreeze()


def test_every_key_has_its_own_name_and_no_two_share_a_key() -> None:
    keys = (*APP_KEYS, *DESK_KEYS)
    assert len({key.id for key in keys}) == len(keys)
    pressed = [one for key in keys for one in key.keys.split(",")]
    assert len(set(pressed)) == len(pressed)


def test_halt_and_flatten_are_priority_keys() -> None:
    assert [key.id for key in APP_KEYS if key.priority] == ["halt", "flatten"]


def test_the_desks_own_themes_all_load_and_say_every_ink() -> None:
    themes, problems = load_themes([own_folder()])
    assert problems == ()
    assert {theme.name for theme in themes} == {
        f"ratchet-{kind}" for kind in ("dark", "light", "contrast", "cvd", "cvd-light", "ansi", "mono")
    }
    assert all(set(INK_DEFAULTS) <= set(theme.variables) for theme in themes)


def test_a_bad_theme_is_reported_and_the_good_one_beside_it_loads(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('primary = "#336699"\n[ink]\nink-gain = "#00ff00"\n')
    (tmp_path / "bad.toml").write_text('primary = "bleu"\n')
    (tmp_path / "torn.toml").write_text("primary = ")
    themes, problems = load_themes([tmp_path])
    assert [theme.name for theme in themes] == ["good"]
    assert len(problems) == 2
    assert problems[0] == "theme bad.toml: primary = 'bleu' is no colour; write #rrggbb or a name"
    assert problems[1].startswith("theme torn.toml:")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dark = true", "primary is missing"),
        ('primary = "red"\ncolour = "blue"', "'colour' is not a name this desk knows"),
        ('primary = "red"\n[ink]\nink-badge-style = "blink"', "ink-badge-style must be made of"),
        ('primary = "red"\nink = 3', "[ink] must be a table"),
        ('primary = "red"\ndark = "yes"', "dark and ansi must be true or false"),
    ],
)
def test_a_theme_says_what_is_wrong_with_it(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadTheme, match=r"theme mine\.toml: ") as caught:
        read_theme(path)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("text", ["−4.50 · ▲ LONG ● ✖ ◎ ╭─╮ …", "日本 🔎", "plain"])
def test_ascii_keeps_every_cell_in_its_place(text: str) -> None:
    assert plain(text).isascii()
    assert len(plain(text)) == cell_len(text)
