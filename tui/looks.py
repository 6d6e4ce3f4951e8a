"""How the desk looks and which keys it has, while it runs: what the trader wished, what an account wears,
what was chosen at the desk, and what was written into a theme file meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.app import App
from textual.binding import Keymap

from engine.protocol import Hello
from tui.kept import CHART, KEYMAP, THEME, Kept
from tui.keymaps import FIRST_KEYS, KEYMAPS, first_keys
from tui.orders import Orders
from tui.own_keys import keymap_of
from tui.wardrobe import CHOSEN, Wardrobe

WARDROBE_S: Final = 1.0
"""How often the theme folders are looked into."""

OPEN, CLOSED = "open", "closed"
"""How the chart was left."""

OWN: Final = "your own"
"""What the keymap is called that the configuration spells out key by key."""

Wished = str | Mapping[str, str] | None
"""A keymap by name, or the trader's own table; None when nobody asked for one."""


class Looks:
    """Themes out of the wardrobe and a keymap, put on the desk. `where` says whose word each is, for the
    Settings; `keys` is the keymap as Textual has it, `first_keys` as sentences tell it; `problems` are
    sentences that were not told yet.
    """

    def __init__(
        self, app: App[int], orders: Orders, wardrobe: Wardrobe, kept: Kept, keymap: Wished, said_in: str
    ) -> None:
        self._app = app
        self._orders = orders
        self._hello: Hello | None = None
        self._kept = kept
        self._tried = ""
        self._told: set[str] = set()
        self.wardrobe = wardrobe
        wardrobe.load()
        self.problems = (*wardrobe.problems, *((kept.problem,) if kept.problem else ()))
        self.where = {THEME: "default", KEYMAP: "default"}
        self.keymap = "default"
        self.keys: Keymap = {}
        self.first_keys = FIRST_KEYS
        self._wished, self._said_in = keymap, said_in
        self.dress(None)
        chosen = kept.choice(KEYMAP)
        self._bind(keymap or chosen or "default", said_in if keymap else CHOSEN if chosen else "default")

    @property
    def names(self) -> tuple[str, ...]:
        """Every theme there is."""
        return self.wardrobe.names

    @property
    def now(self) -> tuple[tuple[str, str, str], ...]:
        """What is on: `theme` and `keymap`, each with its name and whose word that is."""
        return (
            (THEME, self._app.theme, self.where[THEME]),
            (KEYMAP, self.keymap, self.where[KEYMAP]),
        )

    @property
    def has_chart(self) -> bool:
        """Whether the Desk shows the chart, as the trader left it at the last desk."""
        return self._kept.choice(CHART) == OPEN

    def keep_chart(self, *, shown: bool) -> None:
        """What the next desk opens with. Only that it cannot be kept is worth a word."""
        self._keep(CHART, OPEN if shown else CLOSED)

    def dress(self, hello: Hello | None) -> None:
        """Put on what the wardrobe has for this engine's account; what was chosen since the desk opened stays
        on.
        """
        self._hello = hello
        self._register()
        choice = self.wardrobe.choice(hello, self._kept.choice(THEME))
        if choice.problem and choice.problem not in self._told:
            self._told.add(choice.problem)
            self.problems += (choice.problem,)
        if not self._tried and choice.name in self._app.available_themes:
            self._app.theme, self.where[THEME] = choice.name, choice.where

    def watch(self) -> None:
        """Look into the theme folders from now on."""
        self._app.set_interval(WARDROBE_S, self._look)

    def _look(self) -> None:
        """A theme file that was written is worn at once; a bad one is told."""
        if not self.wardrobe.is_changed():
            return
        self.wardrobe.load()
        self._register()
        self.problems += self.wardrobe.problems
        self.tell_problems()
        if self._app.theme in self._app.available_themes:
            self._app.mutate_reactive(App.theme)

    def _register(self) -> None:
        for theme in self.wardrobe.themes:
            self._app.register_theme(theme)

    def tell_problems(self) -> None:
        """Each once, in the corner of the screen."""
        problems, self.problems = self.problems, ()
        for problem in problems:
            self._app.notify(problem, severity="warning", timeout=12, markup=False)

    def choose_theme(self) -> None:
        """A list of themes; what the cursor stands on is put on at once."""
        from tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self.wear(name)

        self._app.push_screen(Chooser("Theme", self.names, self._app.theme, self._try), chosen)

    def _try(self, name: str) -> None:
        self._app.theme = name

    def wear(self, name: str) -> None:
        """The trader's choice: put on now, and found again by the next desk."""
        self._app.theme = self._tried = name
        kept = self.wardrobe.choice(self._hello, name)
        self._remember(THEME, name, "" if kept.where == CHOSEN else kept.where)

    def choose_keymap(self) -> None:
        """A list of keymaps."""
        from tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self.use_keymap(name)

        own = (OWN,) if isinstance(self._wished, Mapping) else ()
        self._app.push_screen(Chooser("Keymap", (*KEYMAPS, *own), self.keymap), chosen)

    def use_keymap(self, name: str) -> None:
        """The trader's choice: holds now, and for the next desk. The own keys stand in the configuration, and
        hold there already.
        """
        if name == OWN and self._wished is not None:
            self._bind(self._wished, self._said_in)
            self._orders.tell(f"keymap {name}", f"from {self._said_in}")
            return
        self._bind(name, CHOSEN)
        self._remember(KEYMAP, name, self._said_in if self._wished else "")

    def _bind(self, keymap: str | Mapping[str, str], where: str) -> None:
        keys, wrong = keymap_of(keymap)
        self.keymap = OWN if not isinstance(keymap, str) else "default" if wrong else keymap
        self.where[KEYMAP] = where
        self.keys, self.first_keys = keys, first_keys(keys)
        self._app.set_keymap(keys)
        self.problems += tuple(f"keymap: {each}" for each in wrong)

    def _remember(self, what: str, name: str, stronger: str) -> None:
        """Keep a choice, and say how long it holds: `stronger` is who comes first at the next start."""
        self.where[what] = f"{CHOSEN}; {stronger} comes first next time" if stronger else CHOSEN
        if not self._keep(what, name):
            return
        if stronger:
            told = f"until the desk closes: {stronger} comes first at the next start"
            self._orders.tell(f"{what} {name}", told)
        else:
            kept = f"kept in {self._kept.name}" if self._kept.name else "until the desk closes"
            self._orders.tell(f"{what} {name}", kept)

    def _keep(self, what: str, name: str) -> bool:
        """Whether the next desk finds it; if not, the trader is told."""
        trouble = self._kept.keep(what, name)
        if trouble:
            self._orders.refuse(f"keep {what} {name}", f"it holds until the desk closes: {trouble}")
        return not trouble
