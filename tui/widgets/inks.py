"""The inks of the theme that is worn, as styles: made once for a theme, not once for each widget."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.style import Style
from textual.app import App
from textual.color import Color

from tui.themes import INK_DEFAULTS
from tui.view_model.ink import Ink

BADGES: Final = {
    Ink.LIVE: ("ink-on-badge", "ink-live", "ink-badge-style"),
    Ink.DEMO: ("ink-on-badge", "ink-demo", "ink-badge-style"),
    Ink.SIM: ("ink-on-badge", "ink-sim", "ink-badge-style"),
    Ink.ALARM: ("ink-on-alarm", "ink-alarm", "ink-badge-style"),
    Ink.NOTICE: ("ink-on-notice", "ink-notice", "ink-badge-style"),
}
"""Words on a ground of their own: their colour, their ground, their style, by the theme's names."""

BOLD: Final = {Ink.BRIGHT, Ink.BRAND, Ink.KEY}
CURSOR: Final = "cursor-row"


class Inks:
    """Styles by ink; `cursor` is the ground of the row under the cursor. `values` are a theme's own."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {**INK_DEFAULTS, **values}
        self._styles = {ink: self._badge(*BADGES[ink]) if ink in BADGES else self._plain(ink) for ink in Ink}
        self.cursor = Style(bgcolor=self._colour(CURSOR))

    def __getitem__(self, ink: Ink) -> Style:
        return self._styles[ink]

    def _plain(self, ink: Ink) -> Style:
        colour = self._colour(f"ink-{ink.value}")
        if ink is Ink.FADED:
            return Style(color=colour) + self._manner("ink-faded-style")
        return Style(color=colour, bold=True if ink in BOLD else None)

    def _badge(self, words: str, ground: str, manner: str) -> Style:
        return Style(color=self._colour(words), bgcolor=self._colour(ground)) + self._manner(manner)

    def _colour(self, name: str) -> RichColor | None:
        colour = Color.parse(self._values[name])
        return colour.rich_color if colour.a > 0 else None

    def _manner(self, name: str) -> Style:
        return Style.parse(self._values[name])


def inks_of(app: App[object]) -> Inks:
    """The inks of the theme that this app wears now."""
    worn = app.theme_variables
    return _made(tuple((name, worn[name]) for name in INK_DEFAULTS if name in worn))


@lru_cache(16)
def _made(values: tuple[tuple[str, str], ...]) -> Inks:
    return Inks(dict(values))
