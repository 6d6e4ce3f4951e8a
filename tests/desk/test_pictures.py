"""What the desk looks like, picture by picture: each screen in both sizes and both kinds of terminal, in
every state it can be in. `pytest tests/desk/test_pictures.py --snapshot-update` accepts new ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from engine.protocol import SettingsView
from tests.desk import scenes
from tests.desk.album import Album
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tests.desk.engine_face import EngineFace
from tui.app import RatchetDesk

SIZES: Final = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
BOTH: Final = ("ratchet-dark", "ratchet-ansi")
SHORT = replace(scenes.LIVE, positions=(scenes.BTC,))

SCREENS = {
    "desk": ((), "nearest liquidation first"),
    "signals": (("2",), "Signals"),
    "history": (("3",), "Equity 108.88"),
    "journal": (("4",), "8 of 8 lines"),
    "settings": (("5",), "RATCHET_LIMITS"),
}
"""The keys that lead to each screen, and what can be read there once it is drawn."""

INSIDE = {
    "cycle": (("3", "until Cycles 8", "down", "enter"), "Trades"),
    "chart": (("c",), "to liquidation"),
    "menu": (("m",), "98,071.2"),
    "ticket": (("o", "3", "0"), "more than 10 %"),
    "themes": (("5", "t"), "enter takes it"),
    "help": (("f1",), "Keys and signs"),
    "palette": (("ctrl+p",), "Search for commands"),
}
"""The same for what opens over a screen or in it."""

NOTHING = {
    "desk": ((), "No open position"),
    "signals": (("2",), "Signals"),
    "history": (("3",), "No cycle yet"),
    "journal": (("4",), "Nothing to tell yet"),
    "settings": (("5",), "This engine tells no options"),
}
"""The same for an engine that has done nothing yet."""


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may want none."""
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def album(snapshot: SnapshotAssertion) -> Album:
    return Album(snapshot)


async def walk(pilot: Pilot[Any], keys: tuple[str, ...], shown: str) -> None:
    """Press the keys, wait for what has to be read between them, and for what is shown at the end."""
    for step in keys:
        if step.startswith("until "):
            await until(lambda seen=step[6:]: seen in words(pilot), pilot)
        else:
            await pilot.press(step)
            await at_rest(pilot)
    await until(lambda: shown in words(pilot), pilot)


async def told(pilot: Pilot[Any], face: EngineFace, desk: RatchetDesk, snapshot: Any) -> None:
    """The engine sends another snapshot, and the desk has drawn it."""
    await face.tell(snapshot)
    await until(lambda: desk.scene.snapshot == snapshot, pilot)


@SIZES
@pytest.mark.parametrize("name", SCREENS)
async def test_every_screen_looks_the_same_in_every_state(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int], name: str
) -> None:
    live = scenes.FREE if name == "desk" else SHORT
    killed = scenes.KILLED if name == "desk" else replace(scenes.KILLED, positions=(scenes.BTC,))
    keys, shown = SCREENS[name]
    async with watching(socket, clocks, live, size=size) as (pilot, face, desk):
        await walk(pilot, keys, shown)
        await album.photograph(pilot, "live", BOTH)
        await told(pilot, face, desk, killed)
        await album.photograph(pilot, "killed", BOTH)
        await told(pilot, face, desk, replace(live, version=9))
        clocks.pass_s(4.2)
        await album.photograph(pilot, "stale", BOTH)
        await face.vanish()
        await until(lambda: desk.scene.is_gone, pilot)
        if name == "signals":
            await walk(pilot, ("1", "2"), "cannot be read")
        clocks.pass_s(7.8)
        await album.photograph(pilot, "disconnected", BOTH)
    album.assert_unchanged()


@SIZES
@pytest.mark.parametrize("name", NOTHING)
async def test_every_screen_of_an_engine_that_did_nothing_yet_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int], name: str
) -> None:
    keys, shown = NOTHING[name]
    looks: dict[str, object] = {"/v1/history": (), "/v1/equity": (), "/v1/settings": SettingsView(())}
    async with watching(socket, clocks, scenes.EMPTY, size=size, looks=looks) as (pilot, _, _desk):
        await walk(pilot, keys, shown)
        await album.photograph(pilot, "empty", BOTH)
    album.assert_unchanged()


@SIZES
@pytest.mark.parametrize("name", INSIDE)
async def test_what_opens_over_a_screen_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int], name: str
) -> None:
    async with watching(socket, clocks, SHORT, size=size) as (pilot, _, _desk):
        await walk(pilot, *INSIDE[name])
        await album.photograph(pilot, "open", BOTH)
    album.assert_unchanged()


@SIZES
async def test_what_needs_the_trader_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED, size=size) as (pilot, face, desk):
        await album.photograph(pilot, "unmanaged")
        await told(pilot, face, desk, scenes.ASKING)
        await walk(pilot, ("tab",), "enter yes")
        await album.photograph(pilot, "approvals")
        await told(pilot, face, desk, scenes.COMING)
        await walk(pilot, ("j", "m"), "Take it back")
        await album.photograph(pilot, "entering")
        await pilot.press("escape")
        await told(pilot, face, desk, scenes.LIVE)
        await walk(pilot, ("ctrl+x",), "FLATTEN ARMED")
        await album.photograph(pilot, "flatten-armed")
        await told(pilot, face, desk, scenes.KILLED)
        await walk(pilot, ("escape", "ctrl+r"), "Resume trading?")
        await album.photograph(pilot, "resume-asks")
    album.assert_unchanged()


@SIZES
async def test_real_money_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, scenes.REAL_MONEY, size=size) as (pilot, _, _desk):
        await pilot.press("j")
        await album.photograph(pilot, "real-money", ("ratchet-dark", "ratchet-light"))
    album.assert_unchanged()


@SIZES
async def test_the_desk_without_colour_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with watching(socket, clocks, scenes.FREE, size=size) as (pilot, face, desk):
        await album.photograph(pilot, "live")
        await told(pilot, face, desk, scenes.KILLED)
        await album.photograph(pilot, "killed")
        clocks.pass_s(4.2)
        await album.photograph(pilot, "stale")
    album.assert_unchanged()


async def test_every_theme_looks_the_same(socket: Path, clocks: Clocks, album: Album) -> None:
    async with watching(socket, clocks, scenes.FREE) as (pilot, _, desk):
        await pilot.press("j")
        await album.photograph(pilot, "desk", [name for name in desk.looks.names if name not in BOTH])
    album.assert_unchanged()


@pytest.mark.parametrize("size", [(40, 10), (160, 45), (200, 50)], ids=["too-small", "160", "200"])
async def test_other_terminals_look_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, scenes.FREE, size=size) as (pilot, _, _desk):
        await pilot.press("j")
        await album.photograph(pilot, "desk")
    album.assert_unchanged()


async def test_a_wide_terminal_has_the_chart_beside_the_ladder(
    socket: Path, clocks: Clocks, album: Album
) -> None:
    async with watching(socket, clocks, scenes.FREE, size=(200, 50)) as (pilot, _, _desk):
        await pilot.press("j", "c")
        await until(lambda: "to liquidation" in words(pilot), pilot)
        assert "LEG    SIZE" in words(pilot)
        await album.photograph(pilot, "chart")
    album.assert_unchanged()


@SIZES
async def test_plain_ascii_looks_the_same(
    socket: Path, clocks: Clocks, album: Album, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, scenes.FREE, size=size, ascii=True) as (pilot, _, _desk):
        await settled(pilot)
        await album.photograph(pilot, "ascii")
    album.assert_unchanged()
