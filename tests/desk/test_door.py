"""The way out: q, Ctrl-C, and the one who lent the desk for a while."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.desk import scenes
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tests.desk.terminal import ROOT
from tui.screens.ask import Ask
from tui.screens.help import HelpScreen
from tui.view_model.scene import Scene
from tui.widgets.filter_line import FilterLine
from tui.widgets.header import Header


def foot(pilot: object) -> str:
    return words(pilot).splitlines()[-1].strip()  # type: ignore[arg-type]


async def test_ctrl_c_says_how_to_leave_and_leaves_at_its_second_press(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, size=(80, 24)) as (pilot, face, desk):
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert foot(pilot) == "^C again within 3 s leaves the desk; the engine goes on"
        assert desk.return_code is None
        clocks.pass_s(2.9)
        await pilot.press("ctrl+c")
        await at_rest(pilot)
        assert desk.return_code == 0
        assert face.commands == []


async def test_a_second_ctrl_c_that_comes_too_late_only_asks_again(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("ctrl+c")
        clocks.pass_s(3.1)
        await settled(pilot)
        assert "^C again" not in foot(pilot)
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert "^C again" in foot(pilot)
        assert desk.return_code is None


@pytest.mark.parametrize(
    ("first", "shown"), [(("a",), Ask), (("f1",), HelpScreen)], ids=["a question", "help"]
)
async def test_ctrl_c_is_heard_over_a_dialog(
    socket: Path, clocks: Clocks, first: tuple[str, ...], shown: type
) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, face, desk):
        await pilot.press(*first)
        await until(lambda: isinstance(desk.screen, shown), pilot)
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert "^C again within 3 s" in foot(pilot)
        await pilot.press("ctrl+c")
        await at_rest(pilot)
        assert desk.return_code == 0
        assert face.commands == []


async def test_ctrl_c_copies_what_is_selected_in_a_field(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("slash", *"eth")
        desk.screen.query_one(FilterLine).select_all()
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert desk.clipboard == "eth"
        assert "^C again" not in foot(pilot)
        assert "copy · done · on the clipboard" in foot(pilot)


async def test_with_a_keymap_that_halts_by_ctrl_c_it_halts(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, keymap={"halt": "ctrl+c"}) as (pilot, face, desk):
        await pilot.press("ctrl+c")
        await until(lambda: face.commands, pilot)
        assert "^C again" not in foot(pilot)
        assert desk.return_code is None


async def test_without_an_engine_ctrl_c_does_not_say_that_it_goes_on(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await face.vanish()
        await until(lambda: desk.scene.is_gone, pilot)
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert foot(pilot) == "^C again within 3 s leaves the desk; it has no engine now"


async def test_a_lent_engine_ends_with_the_desk_and_every_place_says_so(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, farewell="The demo is over.") as (pilot, _, _desk):
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert "leaves the desk; its engine and all of the demo end with it" in foot(pilot)
        clocks.pass_s(3.1)
        await pilot.press("f1")
        await until(lambda: "Quit the desk; its engine and all of" in words(pilot), pilot)
        assert "keeps running" not in words(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_quit_stands_in_the_bottom_line_of_every_screen(
    socket: Path, clocks: Clocks, size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, size=size) as (pilot, _, _desk):
        for screen in "12345":
            await pilot.press(screen)
            await settled(pilot)
            assert "? help  q quit" in foot(pilot), screen


async def test_who_lent_the_desk_for_a_while_closes_it_as_q_does(socket: Path, clocks: Clocks) -> None:
    over: Future[None] = Future()
    async with watching(socket, clocks, farewell="The demo is over.", until=over) as (pilot, _, desk):
        await settled(pilot)
        assert desk.return_code is None
        over.set_result(None)
        await until(lambda: desk.return_code == 0, pilot)
        assert desk._exit_renderables == ["The demo is over."]


async def test_a_lender_that_failed_closes_the_desk_without_a_traceback(socket: Path, clocks: Clocks) -> None:
    over: Future[None] = Future()
    async with watching(socket, clocks, farewell="The demo is over.", until=over) as (pilot, _, desk):
        over.set_exception(RuntimeError("nothing could be opened"))
        await until(lambda: desk.return_code == 0, pilot)


def test_what_is_put_away_after_the_desk_is_not_cut_short_by_its_grace() -> None:
    code = (
        "import os, signal, time; from tui import leaving; leaving.GRACE_S = 0.2\n"
        "with leaving.Leaving(lambda number: None): os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(0.6); print('put away')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "put away\n"), ended.stderr


async def test_a_desk_that_closes_draws_no_more(
    socket: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its timer may run once more while its parts are taken away."""
    drawn: list[Scene] = []
    async with watching(socket, clocks) as (_, _, desk):

        def another_moment(_: Header) -> None:
            monkeypatch.setattr(Header, "show", lambda _, scene, size: drawn.append(scene))
            clocks.pass_s(60)
            desk.sample()

        monkeypatch.setattr(Header, "on_unmount", another_moment, raising=False)
    assert desk.scene.elapsed_ms == 60_000
    assert drawn == []
