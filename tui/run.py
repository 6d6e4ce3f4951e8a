"""Running the desk in this terminal until the trader quits or a signal ends it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tui import haste
from tui.later import putting_off

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from tui.alarms import Alarms
    from tui.hand import Hand
    from tui.looks import Wished


def run_desk(
    socket: Path,
    *,
    read_only: bool = False,
    theme: str | None = None,
    themes: Mapping[str, str] | None = None,
    theme_folders: Sequence[Path] = (),
    keymap: Wished = None,
    said_in: Mapping[str, str] | None = None,
    kept: Path | None = None,
    ascii: bool = False,
    alarms: Alarms | None = None,
    problems: Sequence[str] = (),
    mouse: bool = True,
    hand: Hand | None = None,
    farewell: str | None = None,
    until: Future[None] | None = None,
    by: str = "",
) -> int:
    """Run the desk on the engine's socket until the trader quits.

    `theme` and `keymap` were asked for by name and `said_in` tells where (`config.toml line 3`); `kept` is
    the file in which the desk remembers what was chosen in it; `problems` are told on it. `farewell` is the
    last line in the trader's shell instead of the usual one: for an engine that ends with the desk. Once
    `until` is done, the desk leaves as at `q`. Returns the exit code: 0, or 128 + n after signal n.
    """
    haste.begin()
    with putting_off():
        from tui.app import RatchetDesk
        from tui.client import EngineClient
        from tui.colours import colours_of_terminal
        from tui.leaving import Leaving, terminal_name

    desk = RatchetDesk(
        EngineClient(socket, by=by or f"desk on {terminal_name()}"),
        read_only=read_only,
        hand=hand,
        theme=theme,
        themes=themes,
        theme_folders=theme_folders,
        keymap=keymap,
        said_in=said_in,
        kept=kept,
        ascii=ascii or not knows_signs(),
        colours=colours_of_terminal(),
        alarms=alarms,
        problems=problems,
        farewell=farewell,
        until=until,
    )

    def leave(number: int) -> None:
        desk.call_later(desk.exit, 128 + number)

    with Leaving(leave) as leaving:
        if until is not None:
            until.add_done_callback(lambda _: leaving.lent_out())
        code = desk.run(mouse=mouse)
    return code if code is not None else desk.return_code or 0


def knows_signs() -> bool:
    """Whether the terminal's encoding has the lines and signs that the desk is drawn with."""
    try:
        "╭─▲●".encode(sys.stderr.encoding)
    except UnicodeEncodeError:
        return False
    return True
