"""How the desk looks and which keys it has, while it runs: what the trader wished, what an account wears, and
what was written into a theme file meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tui.keymaps import keymap_of
from tui.wardrobe import Wardrobe

if TYPE_CHECKING:
    from tui.app import RatchetDesk

WARDROBE_S: Final = 1.0
"""How often the theme folders are looked into."""


class Looks:
    """Themes out of the wardrobe and a keymap, put on the desk. `problems` are sentences that were not told
    yet.
    """

    def __init__(self, desk: RatchetDesk, wardrobe: Wardrobe) -> None:
        self._desk = desk
        self.wardrobe = wardrobe
        self.keymap = "default"
        wardrobe.load()
        self.problems = wardrobe.problems
        self._told: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Every theme there is."""
        return self.wardrobe.names

    def dress(self) -> None:
        """Put on what the wardrobe has for this account."""
        self._register()
        name, problem = self.wardrobe.choice(self._desk.client.link.hello)
        if problem and problem not in self._told:
            self._told.add(problem)
            self.problems += (problem,)
        if name in self._desk.available_themes:
            self._desk.theme = name

    def use_keymap(self, keymap: str | Mapping[str, str]) -> None:
        """Bind the keys by the name of a keymap or by the trader's own table."""
        keys, wrong = keymap_of(keymap)
        self.keymap = "your own" if not isinstance(keymap, str) else "default" if wrong else keymap
        self._desk.set_keymap(keys)
        self.problems += wrong

    def watch(self) -> None:
        """Look into the theme folders from now on."""
        self._desk.set_interval(WARDROBE_S, self._look)

    def _look(self) -> None:
        """A theme file that was written is worn at once; a bad one is told."""
        if not self.wardrobe.is_changed():
            return
        self.wardrobe.load()
        self._register()
        self.problems += self.wardrobe.problems
        self.tell_problems()
        if self._desk.theme in self._desk.available_themes:
            self._desk.wear_again()

    def _register(self) -> None:
        for theme in self.wardrobe.themes:
            self._desk.register_theme(theme)

    def tell_problems(self) -> None:
        """Each once, in the corner of the screen."""
        problems, self.problems = self.problems, ()
        for problem in problems:
            self._desk.notify(problem, severity="warning", timeout=12, markup=False)

    def choose_theme(self) -> None:
        """A list of themes; what the cursor stands on is put on at once."""
        from tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self._desk.orders.tell(f"theme {name}", f'to keep it write theme = "{name}" under [desk]')

        self._desk.push_screen(Chooser("Theme", self.names, self._desk.theme, self.wear), chosen)

    def wear(self, name: str) -> None:
        """Put on a theme by name."""
        self._desk.theme = name

    def choose_keymap(self) -> None:
        """A list of keymaps."""
        from tui.keymaps import KEYMAPS
        from tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self.use_keymap(name)
                self._desk.orders.tell(f"keymap {name}", f'to keep it write keymap = "{name}" under [desk]')

        self._desk.push_screen(Chooser("Keymap", tuple(KEYMAPS), self.keymap), chosen)
