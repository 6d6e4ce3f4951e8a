"""What is chosen at the desk is found again by the next one, and the configuration's word comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tui.kept import KEYMAP, THEME, Kept

SHORT = replace(scenes.LIVE, positions=(scenes.BTC,))


def test_what_was_chosen_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    assert Kept(file).keep(THEME, 'mine "and" yours') == ""
    assert Kept(file).keep(KEYMAP, "vim") == ""
    assert Kept(file).choice(THEME) == 'mine "and" yours'
    assert Kept(file).choice(KEYMAP) == "vim"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["desk.toml"]


def test_two_desks_keep_what_each_of_them_chose(tmp_path: Path) -> None:
    one, other = Kept(tmp_path / "desk.toml"), Kept(tmp_path / "desk.toml")
    one.keep(THEME, "ratchet-light")
    other.keep(KEYMAP, "vim")
    assert Kept(tmp_path / "desk.toml").choice(THEME) == "ratchet-light"


def test_a_file_that_cannot_be_read_is_told_and_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text("theme = ratchet\n")
    kept = Kept(file)
    assert kept.choice(THEME) == ""
    assert kept.problem.startswith("desk.toml: Invalid value")
    kept.keep(THEME, "ratchet-light")
    assert Kept(file).problem == ""


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "nowhere" / "desk.toml")
    assert kept.keep(THEME, "ratchet-light") == "desk.toml cannot be written (No such file or directory)"
    assert kept.choice(THEME) == "ratchet-light", "until the desk closes"


async def test_a_chosen_theme_and_keymap_are_on_the_next_desk_and_the_settings_say_why(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    file = tmp_path / "desk.toml"
    async with watching(socket, clocks, kept=file, size=(160, 45)) as (pilot, _, desk):
        await pilot.press("5", "t", "end")
        worn = desk.theme
        await pilot.press("enter")
        await settled(pilot)
        assert f"theme {worn} · done · kept in desk.toml" in words(pilot)
        await pilot.press("m", "end", "enter")
        await settled(pilot)
        assert "keymap vim · done · kept in desk.toml" in words(pilot)
    async with watching(socket, clocks, kept=file, size=(160, 45)) as (pilot, _, desk):
        assert (desk.theme, desk.looks.keymap) == (worn, "vim")
        await pilot.press("5")
        await until(lambda: "desk.theme" in words(pilot), pilot)
        line = next(line for line in words(pilot).splitlines() if "desk.theme" in line)
        assert f'"{worn}"' in line
        assert "chosen at the desk" in line


async def test_the_configuration_comes_first_and_a_choice_then_lasts_as_long_as_the_desk(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    file = tmp_path / "desk.toml"
    wishes: dict[str, Any] = {
        "theme": "ratchet-light",
        "said_in": {"theme": "config.toml line 3"},
        "kept": file,
    }
    async with watching(socket, clocks, **wishes) as (pilot, face, desk):
        await pilot.press("5", "t", "home", "enter")
        await settled(pilot)
        assert "until the desk closes: config.toml line 3 comes first at the next start" in words(pilot)
        worn = desk.theme
        assert worn != "ratchet-light"
        await face.vanish()
        await until(lambda: desk.scene.is_gone, pilot)
        desk.looks.dress(desk.client.link.hello)
        assert desk.theme == worn, "another engine does not undo what the trader just chose"
    async with watching(socket, clocks, **wishes) as (_, _, desk):
        assert desk.theme == "ratchet-light"


async def test_the_desk_opens_with_the_chart_as_the_last_one_was_left(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    file = tmp_path / "desk.toml"
    async with watching(socket, clocks, SHORT, kept=file) as (pilot, _, _):
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" in words(pilot)
        await pilot.press("c")
        await until(lambda: "5 min candles" in words(pilot), pilot)
        assert "desk.toml" not in words(pilot), "it goes without saying"
    async with watching(socket, clocks, SHORT, kept=file) as (pilot, _, _):
        await until(lambda: "5 min candles" in words(pilot), pilot)
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" not in words(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" in words(pilot)
    async with watching(socket, clocks, SHORT, kept=file) as (pilot, _, _):
        assert "BTCUSDT ▼ SHORT · BREAKEVEN" in words(pilot)


async def test_a_chart_that_cannot_be_kept_opens_and_says_so(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    async with watching(socket, clocks, SHORT, kept=tmp_path / "nowhere" / "desk.toml") as (pilot, _, _):
        await pilot.press("c")
        await until(lambda: "5 min candles" in words(pilot), pilot)
        assert "keep chart open" in words(pilot)
        assert "desk.toml cannot be written" in words(pilot)


async def test_a_choice_that_cannot_be_kept_holds_and_says_so(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    async with watching(socket, clocks, kept=tmp_path / "nowhere" / "desk.toml") as (pilot, _, desk):
        await pilot.press("5", "m", "end", "enter")
        await settled(pilot)
        assert desk.looks.keymap == "vim"
        assert "it holds until the desk closes: desk.toml cannot be written" in words(pilot)
