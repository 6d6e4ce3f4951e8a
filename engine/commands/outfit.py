"""What the desk could not wear: themes and keymaps that do not exist, said before it is opened.

The desk itself opens all the same, as by default, because the kill key is in there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.config.layers import Layers, Name
from engine.config.options import DeskPart
from engine.config.paths import Paths
from engine.config.toml import toml

KEYMAPS: Final = ("default", "vim")


def faults_of_desk(desk: DeskPart, layers: Layers, paths: Paths) -> Iterator[str]:
    """A sentence for each name under [desk] that nothing has, and for each key that cannot be had."""
    if desk.keymap not in KEYMAPS:
        yield _unknown("keymap", desk.keymap, KEYMAPS, layers)
    wanted = {"theme": desk.theme, **{f"themes.{who}": name for who, name in desk.themes.items()}}
    there = theme_names(paths)
    for what, name in wanted.items():
        if name and name not in there:
            yield _unknown(what, name, there, layers)
    if desk.keys:
        from tui.own_keys import keymap_of

        for problem in keymap_of(desk.keys)[1]:
            yield _placed(f"desk.keys, {problem}", ("desk", "keys"), layers)


def theme_names(paths: Paths) -> tuple[str, ...]:
    """Every theme by its name, those that come with the desk and the trader's own."""
    folders = (_own_folder(), paths.config.parent / "themes")
    return tuple(sorted({_name(file) for folder in folders for file in folder.glob("*.toml")}))


def _own_folder() -> Path:
    """In the wheel beside the desk, in a checkout at the top. Nothing of the desk is loaded for it."""
    found = find_spec("tui")
    top = Path(found.origin).parent if found and found.origin else Path(__file__).parents[2] / "tui"
    return top / "themes" if (top / "themes").is_dir() else top.parent / "themes"


def _name(file: Path) -> str:
    try:
        return str(tomllib.loads(file.read_text("utf-8")).get("name", file.stem))
    except (OSError, ValueError):
        return file.stem


def _unknown(what: str, name: str, there: tuple[str, ...], layers: Layers) -> str:
    words = f"desk.{what} must be one of {', '.join(map(toml, there))}, got {toml(name)}"
    return _placed(words, ("desk", *what.split(".")), layers)


def _placed(words: str, place: Name, layers: Layers) -> str:
    where = layer.where(place) if (layer := layers.winner(place)) else ""
    return f"{where}: {words}" if where else words
