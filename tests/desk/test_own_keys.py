"""The trader's own keys: what a table may say, what it cannot take away, and where its names are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from engine.protocol import Halt
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tui.link import Link, LinkState
from tui.own_keys import keymap_of
from tui.view_model.ink import text_of
from tui.view_model.ladder import ladder
from tui.view_model.scene import Scene


def test_an_unknown_keymap_is_told_and_the_default_stays() -> None:
    keys, problems = keymap_of("emacs")
    assert keys == {}
    assert problems == ("no keymap is called 'emacs': choose one of default, vim",)


def test_a_keymap_cannot_take_the_kill_key_away() -> None:
    keys, problems = keymap_of({"halt": " ", "sort": "z", "sell": "x"})
    assert keys == {"sort": "z"}
    assert problems == (
        "no key is called 'sell'; F1 shows the names",
        "halt must have a key; its own stays",
    )


@pytest.mark.parametrize(
    ("name", "press", "why"),
    [
        ("resume", "ctrl+k", "ctrl+k is halt already; resume cannot have it"),
        ("flatten", "ctrl+k", "ctrl+k is halt already; flatten cannot have it"),
        ("palette", "ctrl+k", "ctrl+k is halt already; palette cannot have it"),
        ("grid.next", "ctrl+x", "ctrl+x is flatten already; grid.next cannot have it"),
        ("halt", "controll+k", "there is no key 'controll+k' for halt"),
        ("halt", "k", "k is typed into lines; halt cannot have it"),
        ("flatten", "ctrl+m", "a terminal tells ctrl+m as enter; flatten cannot have it"),
        ("pause", "m", "m is menu already; pause cannot have it"),
        ("find", "q", "q is quit already; find cannot have it"),
    ],
)
def test_a_key_that_would_be_dead_or_take_another_is_left_out_and_told(
    name: str, press: str, why: str
) -> None:
    assert keymap_of({name: press}) == ({}, (f"{why}",))


def test_own_keys_may_change_places_and_are_written_as_they_are_shown() -> None:
    own = {"ticket": "m", "menu": "o, enter", "halt": "^H", "resume": "ctrl+k", "help": "!,f1", "goto": "o"}
    assert keymap_of(own) == (
        {
            "halt": "ctrl+h",
            "ticket": "m",
            "menu": "o,enter",
            "resume": "ctrl+k",
            "help": "exclamation_mark,f1",
            "goto": "o",
        },
        (),
    )


def test_halt_and_flatten_may_have_the_key_that_leaves() -> None:
    assert keymap_of({"halt": "ctrl+c"}) == ({"halt": "ctrl+c"}, ())
    assert keymap_of({"resume": "ctrl+c"})[1] == ("ctrl+c is quit.twice already; resume cannot have it",)


async def test_what_was_wrong_before_the_desk_stood_is_told_on_it(socket: Path, clocks: Clocks) -> None:
    wrong = "The configuration is wrong: line 2"
    async with watching(socket, clocks, problems=(wrong,)) as (pilot, _, desk):
        await until(lambda: wrong in [note.message for note in desk._notifications], pilot)


async def test_a_terminal_that_is_too_small_names_the_kill_key_that_holds(
    socket: Path, clocks: Clocks
) -> None:
    own = {"halt": "ctrl+g"}
    async with watching(socket, clocks, size=(59, 14), keymap=own) as (pilot, face, _desk):
        await until(lambda: "TOO SMALL" in words(pilot) and "^G halt" in words(pilot), pilot)
        assert "^K" not in words(pilot)
        await pilot.press("ctrl+g")
        await until(lambda: face.commands == [Halt()], pilot)


async def test_who_tried_another_keymap_can_have_the_own_one_back(socket: Path, clocks: Clocks) -> None:
    own = {"ticket": "t"}
    async with watching(socket, clocks, keymap=own, said_in={"keymap": "config.toml"}) as (pilot, _, desk):
        await pilot.press("5", "m")
        await settled(pilot)
        assert "your own" in words(pilot)
        await pilot.press("up", "enter")
        await until(lambda: desk.looks.keymap == "vim", pilot)
        assert desk.looks.keys.get("ticket") is None
        await pilot.press("m", "down", "enter")
        await until(lambda: desk.looks.keymap == "your own", pilot)
        assert desk.looks.keys == own
        assert desk.looks.where["keymap"] == "config.toml"


async def test_help_tells_the_names_for_own_keys_in_every_width(socket: Path, clocks: Clocks) -> None:
    for size in ((60, 15), (120, 60)):
        async with watching(socket, clocks, size=size) as (pilot, _, desk):
            await pilot.press("f1")
            await settled(pilot)
            page = desk.screen.query_one(Static)
            told = str(page.render())
            assert all(name in " ".join(told.split()) for name in ("[desk.keys]", "page.5", "grid.next"))
            assert max(map(len, told.splitlines())) <= size[0] - 8


OWN = {"resume": "ctrl+l", "quit": "Q", "help": "f2", "adopt": "v", "ticket": "t", "quit.twice": "ctrl+g"}


async def test_every_sentence_that_names_a_key_names_the_traders_own(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED, keymap=OWN) as (pilot, face, _):
        await until(lambda: "· v adopts it" in words(pilot), pilot)
        await face.tell(scenes.KILLED)
        await until(lambda: "^L resumes" in words(pilot), pilot)
        await pilot.press("2")
        await until(lambda: "by ticket (t on the Desk)" in words(pilot), pilot)
        await face.vanish()
        await until(lambda: "Q quits, F2 helps" in words(pilot), pilot)
        await pilot.press("ctrl+g")
        await until(lambda: "^G again within 3 s leaves the desk" in words(pilot), pilot)


async def test_help_tells_the_traders_own_keys_and_closes_by_them(socket: Path, clocks: Clocks) -> None:
    own = {**OWN, "grid.next": "down,n", "approval.yes": "y", "palette": "F9"}
    async with watching(socket, clocks, keymap=own, size=(120, 70)) as (pilot, _, desk):
        for closes in ("f2", "Q", "escape"):
            await pilot.press("f2")
            await until(lambda: "^G  ^G" in words(pilot), pilot)
            told = words(pilot)
            assert all(keys in told for keys in ("F2", "F9", "↑ ↓  k n", "y  h  n", "^L"))
            assert "F1" not in told
            await pilot.press(closes)
            await until(lambda: desk.screen is desk.page, pilot)


def test_a_wrong_name_is_told_with_the_key_that_shows_the_names() -> None:
    wrong = {"hepl": "F3"}
    assert keymap_of(wrong)[1] == ("no key is called 'hepl' (did you mean 'help'?); F1 shows the names",)
    assert keymap_of({**wrong, "help": "F2"}) == (
        {"help": "f2"},
        ("no key is called 'hepl' (did you mean 'help'?); F2 shows the names",),
    )


async def test_an_empty_desk_names_the_traders_own_key_of_the_ticket(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.EMPTY, keymap=OWN) as (pilot, _, _):
        await until(lambda: "or here by ticket: t." in words(pilot), pilot)
    async with watching(socket, clocks, scenes.EMPTY, read_only=True) as (pilot, _, _):
        await until(lambda: "No open position. Open one on Bitget." in words(pilot), pilot)


async def test_a_keymap_that_is_chosen_meanwhile_is_told_at_once(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.KILLED, keymap=OWN) as (pilot, _, desk):
        await until(lambda: "^L resumes" in words(pilot), pilot)
        desk.looks.use_keymap("default")
        await until(lambda: "^R resumes" in words(pilot), pilot)


def test_a_desk_that_only_watches_is_told_no_key_that_adopts() -> None:
    watcher = Scene(Link(LinkState.UP), scenes.UNMANAGED, 0, scenes.NOW, read_only=True)
    drawn = "\n".join(text_of(line) for line in ladder(watcher, scenes.STRANGER, 78, 10))
    assert "Not managed: SOLUSDT is not in the list of managed symbols" in drawn
    assert "adopts it" not in drawn
