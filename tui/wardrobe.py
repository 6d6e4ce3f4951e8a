"""The desk's themes while it runs: what is there, what the account wears, and what was changed on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from textual.theme import Theme

from engine.protocol import Hello
from tui.themes import load_themes, own_folder

USUAL: Final = "ratchet-dark"
COLOURLESS: Final = "ratchet-mono"


class Wardrobe:
    """Themes of the desk and of the trader's folders. `wanted` is the theme that was asked for by name,
    `worn` maps an account's name or kind (`live`, `demo`, `sim`) to one.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        wanted: str = "",
        worn: Mapping[str, str] | None = None,
        colourless: bool = False,
    ) -> None:
        self._folders = (own_folder(), *folders)
        self._wanted = COLOURLESS if colourless else wanted
        self._worn = {} if colourless else {name.lower(): theme for name, theme in (worn or {}).items()}
        self._seen: dict[Path, tuple[int, int]] = {}
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

    def choice(self, hello: Hello | None) -> tuple[str, str]:
        """The theme for this engine's account, and what was wrong with the wish, in words or empty.

        Asked for by name, else by the account's name, else by whose money it is, else the usual one.
        """
        wish = self._wanted
        if not wish and hello is not None:
            wish = self._worn.get(hello.account.lower(), "") or self._worn.get(hello.mode.lower(), "")
        if not wish or wish in self.names:
            return wish or USUAL, ""
        return USUAL, f"no theme is called {wish!r}: there are {', '.join(self.names)}"

    def _files(self) -> dict[Path, tuple[int, int]]:
        """When each file was written last, and its size."""
        found = {}
        for folder in self._folders:
            for path in folder.glob("*.toml"):
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                found[path] = stat.st_mtime_ns, stat.st_size
        return found
