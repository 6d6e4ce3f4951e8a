"""The menu of what is on its way: take it back."""

from __future__ import annotations

from engine.protocol import Coming
from tui.screens.menu import Menu
from tui.view_model.choices import Choice
from tui.view_model.coming import does
from tui.view_model.ink import printable
from tui.view_model.positions import side
from tui.view_model.taking_back import coming_choices


class ComingMenu(Menu):
    """Its facts are the newest snapshot's."""

    def __init__(self, coming: Coming) -> None:
        super().__init__(f"{printable(coming.symbol)} {side(coming)[0]} · {does(coming)}")
        self.coming = coming

    def choices(self) -> tuple[Choice, ...]:
        return coming_choices(self.desk.scene, self.coming)
