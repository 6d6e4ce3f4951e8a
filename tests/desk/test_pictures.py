"""What the desk looks like, picture by picture. `pytest tests/desk/test_pictures.py --snapshot-update`
accepts new ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.protocol import Snapshot
from tests.desk import scenes
from tests.desk.conftest import Clocks, desk_on, face_in_thread, settled, until, words

Compare = Callable[..., bool]
SIZES = [(80, 24), (120, 40)]
STATES = ["live", "stale", "disconnected", "killed"]


def picture(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    snapshot: Snapshot,
    size: tuple[int, int],
    *,
    press: tuple[str, ...] = (),
    passing_s: float = 0.0,
    gone: bool = False,
    shown: str = "",
    **wishes: Any,
) -> bool:
    """Whether the desk looks as it did: with keys pressed, once `shown` can be read, then perhaps without an
    engine, `passing_s` later.
    """
    with face_in_thread(socket, snapshot) as vanish:
        desk = desk_on(socket, clocks, **wishes)

        async def before(pilot: Pilot[Any]) -> None:
            await until(lambda: desk.scene.snapshot is not None, pilot)
            for step in press:
                if step.startswith("until "):
                    await until(lambda seen=step[6:]: seen in words(pilot), pilot)
                else:
                    await pilot.press(step)
                    await pilot.pause()
            await until(lambda: shown in words(pilot), pilot)
            if gone:
                await asyncio.to_thread(vanish)
                await until(lambda: desk.scene.is_gone, pilot)
            clocks.pass_s(passing_s)
            await settled(pilot)
            await settled(pilot)

        return snap_compare(desk, terminal_size=size, run_before=before)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("colour", ["default", "nocolor", "ansi"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_desk_looks_the_same(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    colour: str,
    state: str,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colour == "nocolor":
        monkeypatch.setenv("NO_COLOR", "1")
    snapshot = scenes.KILLED if state == "killed" else scenes.FREE
    later = {"live": 0.0, "killed": 0.0, "stale": 4.2, "disconnected": 12.0}[state]
    theme = "ratchet-ansi" if colour == "ansi" else None
    gone = state == "disconnected"
    assert picture(snap_compare, socket, clocks, snapshot, size, passing_s=later, gone=gone, theme=theme)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "press"),
    [
        ("EMPTY", ()),
        ("UNMANAGED", ()),
        ("ASKING", ("tab",)),
        ("LIVE", ("ctrl+x",)),
        ("KILLED", ("ctrl+r",)),
        ("REAL_MONEY", ("j",)),
    ],
    ids=["empty", "unmanaged", "approvals", "flatten-armed", "resume-asks", "real-money"],
)
def test_what_needs_the_trader_looks_the_same(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    press: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert picture(snap_compare, socket, clocks, getattr(scenes, name), size, press=press)


@pytest.mark.parametrize(
    ("theme", "ascii_only", "size", "press"),
    [
        ("ratchet-cvd", False, (120, 40), ("j",)),
        ("ratchet-ansi", False, (80, 24), ()),
        ("ratchet-dark", True, (80, 24), ()),
        ("ratchet-dark", False, (40, 10), ()),
        ("ratchet-dark", False, (160, 45), ("j",)),
        ("ratchet-dark", False, (200, 50), ("j",)),
        ("ratchet-dark", False, (120, 40), ("f1",)),
        ("ratchet-light", False, (120, 40), ("j",)),
        ("ratchet-contrast", False, (120, 40), ("j",)),
        ("ratchet-cvd-light", False, (120, 40), ("j",)),
    ],
    ids=["cvd", "ansi", "ascii", "too-small", "160", "200", "help", "light", "contrast", "cvd-light"],
)
def test_other_eyes_and_other_terminals(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    theme: str,
    ascii_only: bool,
    size: tuple[int, int],
    press: tuple[str, ...],
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert picture(
        snap_compare, socket, clocks, scenes.FREE, size, press=press, theme=theme, ascii=ascii_only
    )


SCREENS = {
    "signals": (("2",), "No signal is configured"),
    "history": (("3",), "Equity 108.88"),
    "cycle": (("3", "until Cycles 8", "down", "enter"), "Trades"),
    "journal": (("4",), "8 of 8 lines"),
    "settings": (("5",), "RATCHET_LIMITS"),
    "chart": (("c",), "to liquidation"),
    "menu": (("m",), "98,071.2"),
    "ticket": (("o", "3", "0"), "more than 10 %"),
    "themes": (("5", "t"), "enter takes it"),
}
"""The keys that lead to each screen, and what can be read there once it is drawn."""


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("theme", ["ratchet-dark", "ratchet-ansi"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_screen_looks_the_same(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
    name: str,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    press, shown = SCREENS[name]
    short = replace(scenes.LIVE, positions=(scenes.BTC,))
    assert picture(snap_compare, socket, clocks, short, size, press=press, shown=shown, theme=theme)


@pytest.mark.parametrize("state", ["killed", "stale", "disconnected"])
@pytest.mark.parametrize("name", ["history", "journal", "settings", "signals"])
def test_every_screen_says_what_is_wrong(
    snap_compare: Compare,
    socket: Path,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    state: str,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    press, shown = SCREENS[name]
    snapshot = replace(scenes.KILLED if state == "killed" else scenes.LIVE, positions=(scenes.BTC,))
    later = {"killed": 0.0, "stale": 4.2, "disconnected": 12.0}[state]
    gone = state == "disconnected"
    assert picture(
        snap_compare,
        socket,
        clocks,
        snapshot,
        (80, 24),
        press=press,
        shown=shown,
        passing_s=later,
        gone=gone,
    )
