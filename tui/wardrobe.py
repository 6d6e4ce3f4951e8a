"""The desk's themes while it runs: what is there, what the account wears, and what was changed on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from textual.theme import Theme

from engine.protocol import Hello
from tui.themes import load_themes, own_folder

USUAL: Final = "ratchet-dark"
FEW: Final = "ratchet-ansi"
COLOURLESS: Final = "ratchet-mono"
CHOSEN: Final = "chosen at the desk"


class Choice(NamedTuple):
    """A theme by name, whose word it is, and what was wrong with the wish, in words or empty."""

    name: str
    where: str
    problem: str = ""


class Wardrobe:
    """Themes of the desk and of the trader's folders. `wanted` is the theme that was asked for by name and
    `where` says by whom, `worn` maps an account's name or kind (`live`, `demo`, `sim`) to one. A terminal of
    `few` colours gets its own sixteen: of ours it would show next to nothing but white.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        wanted: str = "",
        where: str = "command line",
        worn: Mapping[str, str] | None = None,
        colourless: bool = False,
        few: bool = False,
    ) -> None:
        self._folders = (own_folder(), *folders)
        self._wanted, self._where = wanted, where
        self._worn = {name.lower(): theme for name, theme in (worn or {}).items()}
        self._colourless = colourless
        self._usual = (FEW, "a terminal of sixteen colours") if few else (USUAL, "default")
        self._seen: dict[str, tuple[int, int]] = {}
        self.themes: tuple[Theme, ...] = ()
        self.problems: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(theme.name for theme in self.themes)

    def load(self) -> None:
        """Read every file; a bad one becomes a sentence in `problems`."""
        self._seen = self._files()
        self.themes, self.problems = load_themes(self._folders)

    def is_changed(self) -> bool:
        """Whether a file came, went or was written since it was read."""
        return self._files() != self._seen

    def choice(self, hello: Hello | None, kept: str = "") -> Choice:
        """The theme for this engine's account. What was asked for by name comes first, then what is worn by
        the account's name, then by whose money it is, then what was `kept` from the chooser, then the usual.
        """
        name, where = next((name, where) for name, where in self._wishes(hello, kept) if name)
        if name in self.names:
            return Choice(name, where)
        return Choice(
            USUAL, "default", f"no theme is called {name!r} ({where}): there are {', '.join(self.names)}"
        )

    def _wishes(self, hello: Hello | None, kept: str) -> Iterator[tuple[str, str]]:
        """Every word about the theme with its place, the strongest first."""
        if self._colourless:
            yield COLOURLESS, "NO_COLOR"
        yield self._wanted, self._where
        for who in (hello.account.lower(), hello.mode.lower()) if hello else ():
            yield self._worn.get(who, ""), f"desk.themes.{who}"
        yield kept, CHOSEN
        yield self._usual

    def _files(self) -> dict[str, tuple[int, int]]:
        """When each file was written last, and its size."""
        found = {}
        for folder in self._folders:
            with suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".toml"):
                        with suppress(FileNotFoundError):
                            stat = entry.stat()
                            found[entry.path] = stat.st_mtime_ns, stat.st_size
        return found
