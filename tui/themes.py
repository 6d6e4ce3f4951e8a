"""Themes as TOML: one file a theme, the desk's own and the trader's. A bad file is reported, and never stops
the desk.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

PAINTS: Final = (
    "primary",
    "secondary",
    "warning",
    "error",
    "success",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
)
STYLES: Final = {"ink-badge-style", "ink-faded-style"}
STYLE_WORDS: Final = {"none", "bold", "dim", "reverse", "underline", "italic"}

INK_DEFAULTS: Final = {
    "ink-text": "#c3cad4",
    "ink-label": "#76818f",
    "ink-faint": "#333b47",
    "ink-bright": "#f0f3f7",
    "ink-accent": "#7aa7e0",
    "ink-gain": "#6cc499",
    "ink-loss": "#ea7b83",
    "ink-warn": "#e3b562",
    "ink-faded": "#5a6472",
    "ink-faded-style": "none",
    "ink-brand": "#e3b562",
    "ink-key": "#e3b562",
    "ink-live": "#d9363e",
    "ink-demo": "#c98a1b",
    "ink-sim": "#3d6fb8",
    "ink-on-badge": "#ffffff",
    "ink-badge-style": "bold",
    "ink-alarm": "#c22f38",
    "ink-on-alarm": "#ffffff",
    "ink-notice": "#6b5419",
    "ink-on-notice": "#fdf0d0",
    "frame": "#2b323d",
    "frame-focus": "#4d6a94",
    "header-background": "#161b22",
    "header-live": "#3b1519",
    "header-demo": "#33270f",
    "cursor-row": "#1f2833",
}
"""What a theme of somebody else gets where it says nothing; also the list of names that a theme may set."""


class BadTheme(Exception):
    """A theme file that cannot be used; the text names the file and what to change."""


def own_folder() -> Path:
    """Where the desk's own themes lie: in the wheel beside this file, in a checkout at the top."""
    inside = Path(__file__).parent / "themes"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "themes"


def load_themes(folders: Iterable[Path]) -> tuple[tuple[Theme, ...], tuple[str, ...]]:
    """All themes of these folders, later ones replacing earlier ones of the same name, and a sentence for
    each bad file.
    """
    found: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read_theme(path)
            except BadTheme as error:
                problems.append(str(error))
            else:
                found[theme.name] = theme
    return tuple(found.values()), tuple(problems)


def read_theme(path: Path) -> Theme:
    """One theme from its file.

    Raises:
        BadTheme: when the file cannot be read, or says something that is no colour.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTheme(f"theme {path.name}: {error}") from error
    ink = table.pop("ink", {})
    if not isinstance(ink, dict):
        raise BadTheme(f"theme {path.name}: [ink] must be a table of colours")
    name = table.pop("name", path.stem)
    dark, ansi = table.pop("dark", True), table.pop("ansi", False)
    if not isinstance(name, str) or not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise BadTheme(f"theme {path.name}: name must be text; dark and ansi must be true or false")
    paints = {key: _colour(path, key, value) for key, value in table.items() if _is_named(path, key, PAINTS)}
    inks = {key: _ink(path, key, value) for key, value in ink.items() if _is_named(path, key, INK_DEFAULTS)}
    if "primary" not in paints:
        raise BadTheme(f"theme {path.name}: primary is missing")
    terminal = BUILTIN_THEMES["ansi-dark" if dark else "ansi-light"].variables if ansi else {}
    return Theme(name=name, dark=dark, ansi=ansi, variables={**terminal, **inks}, **paints)  # type: ignore[arg-type]


def _is_named(path: Path, key: str, names: Iterable[str]) -> bool:
    if key not in names:
        raise BadTheme(
            f"theme {path.name}: {key!r} is not a name this desk knows; allowed: {', '.join(names)}"
        )
    return True


def _ink(path: Path, key: str, value: Any) -> str:
    if key not in STYLES:
        return _colour(path, key, value)
    if not isinstance(value, str) or not set(value.split()) <= STYLE_WORDS:
        raise BadTheme(f"theme {path.name}: {key} must be made of {', '.join(sorted(STYLE_WORDS))}")
    return value


def _colour(path: Path, key: str, value: Any) -> str:
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        raise BadTheme(
            f"theme {path.name}: {key} = {value!r} is no colour; write #rrggbb or a name"
        ) from error
    return str(value)
