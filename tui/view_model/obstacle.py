"""When the desk cannot be drawn: the terminal is too small, or the engine speaks another protocol."""

from __future__ import annotations

from typing import Final

import msgspec

from tui.view_model.ink import Ink, Line, Span, line, printable
from tui.view_model.scene import Scene

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 15


class Obstacle(msgspec.Struct, frozen=True):
    """What stands in the way: a title and what to do, as words; `alarming` when trading is affected."""

    title: str
    text: str
    lines: tuple[Line, ...] = ()


def obstacle(scene: Scene, width: int, height: int) -> Obstacle | None:
    """The obstacle, or None when the desk can be drawn."""
    if scene.is_foreign:
        stops = "" if scene.read_only else " Halt and flatten still work: the last line names their keys."
        return Obstacle(
            "ANOTHER PROTOCOL",
            f"{printable(scene.link.reason)} This desk shows nothing rather than guess.{stops}",
        )
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        text = (
            f"{width}x{height}, the desk needs {LEAST_WIDTH}x{LEAST_HEIGHT}. "
            "The kill key still works: the last line names it."
        )
        return Obstacle("TOO SMALL", text, _vital(scene))
    return None


def _vital(scene: Scene) -> tuple[Line, ...]:
    """What still has to be seen on a stamp of a screen."""
    if scene.is_gone:
        return (line(Span("ENGINE GONE", Ink.ALARM)),)
    if scene.snapshot is not None and scene.killed:
        return (line(Span("FLATTENING" if scene.snapshot.engine.flattening else "HALTED", Ink.ALARM)),)
    count = len(scene.positions)
    return (line(Span(f"{count} position{'s' if count != 1 else ''} open", Ink.LABEL)),)
