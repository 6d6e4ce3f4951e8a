"""Pictures of the desk, many from one desk: a picture that differs from the accepted one is told line by
line.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable
from typing import Any

from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.desk.conftest import at_rest, settled
from tui.app import RatchetDesk

TEXT = re.compile(r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')
SOCKET = re.compile(r"/tmp/desk\w{8}/s")
"""The socket of a test lies in another folder each time; in the pictures it has a name as long."""

CELL = 12.2
"""The width of a cell in a picture."""


class Album:
    """Compares pictures with those of before; all that differ are told at the end."""

    def __init__(self, accepted: SnapshotAssertion) -> None:
        self._accepted = accepted.use_extension(SVGImageExtension)
        self._wrong: list[str] = []

    async def photograph(self, pilot: Pilot[Any], name: str, themes: Iterable[str] = ()) -> None:
        """One picture, or one in each of these themes."""
        if not themes:
            await self._photograph(pilot, name)
        desk = pilot.app
        assert isinstance(desk, RatchetDesk)
        worn = desk.theme
        for theme in themes:
            desk.theme = theme
            await self._photograph(pilot, f"{name}-{theme.removeprefix('ratchet-')}")
        desk.theme = worn

    async def _photograph(self, pilot: Pilot[Any], name: str) -> None:
        await settled(pilot)
        await at_rest(pilot)
        seen = SOCKET.sub("/run/ratchet/home/s", pilot.app.export_screenshot())
        if self._accepted(name=name) != seen:
            before = str(self._accepted(name=name))
            self._wrong.append(f"{name}:\n{difference(before, seen)}")

    def assert_unchanged(self) -> None:
        """Fails with every line that differs."""
        assert not self._wrong, "\n\n".join(self._wrong) + "\n\naccept with --snapshot-update"


def difference(before: str, after: str) -> str:
    """The lines that differ; when none does, it is the colours."""
    told = difflib.unified_diff(read(before), read(after), "accepted", "now", n=0, lineterm="")
    return "\n".join(told) or "the same words in other colours"


def read(picture: str) -> list[str]:
    """The words of a picture, line by line."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, words in TEXT.findall(picture):
        rows.setdefault(float(y), []).append((float(x), html.unescape(words).replace("\xa0", " ")))
    lines = []
    for y in sorted(rows):
        line = ""
        for x, words in sorted(rows[y]):
            line = line.ljust(round(x / CELL)) + words
        lines.append(line.rstrip())
    return lines
