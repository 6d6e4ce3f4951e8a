"""Repaints of some rows: piece for piece what Textual itself would paint there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest
from textual._compositor import Compositor
from textual.strip import Strip

from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, watching
from tui.touched import TouchedRows

OVER = {"nothing": (), "the help": ("f1",), "a filter": ("slash", "b"), "the menu": ("m",), "history": ("3",)}


def painted(chops: Sequence[Mapping[int, Strip]], y: int) -> list[tuple[str, object]]:
    """A row cell by cell, with its style: how it is cut into pieces is not seen."""
    pieces = [piece for _, piece in sorted(chops[y].items()) if piece is not None]
    return [(letter, style) for piece in pieces for text, style, _ in piece for letter in text]


@pytest.mark.parametrize("keys", OVER.values(), ids=OVER)
@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
async def test_the_rows_that_are_painted_are_textuals_own(
    socket: Path, clocks: Clocks, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    async with watching(socket, clocks, scenes.crowd(12), size=size) as (pilot, face, desk):
        await settled(pilot)
        await pilot.press(*keys)
        dice = Random(7)
        for tick in range(1, 9):
            await face.tell(scenes.crowd(12, tick))
            await settled(pilot)
            compositor = desk.book.front._compositor if desk.book.front else None
            assert isinstance(compositor, TouchedRows)
            rows = set(dice.sample(range(size[1]), dice.randint(1, size[1])))
            whole = compositor.size.region
            ours = compositor._render_chops(whole, rows.__contains__)
            textuals = Compositor._render_chops(compositor, whole, rows.__contains__)
            for y in rows:
                assert painted(ours, y) == painted(textuals, y), f"row {y} after {tick}"
