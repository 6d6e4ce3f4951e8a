"""The menu of one position: what can be done with it, and what each choice would do to the worst case."""

from __future__ import annotations

from engine.protocol import PositionView, PreviewView
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.screens.menu import Menu
from tui.view_model.choices import Choice, choices
from tui.view_model.ink import printable
from tui.view_model.positions import side


class PositionMenu(Menu):
    """The numbers are the engine's preview."""

    def __init__(self, position: PositionView) -> None:
        super().__init__(f"{printable(position.symbol)} {side(position)[0]}")
        self.position = position
        self.preview: PreviewView | None = None

    def choices(self) -> tuple[Choice, ...]:
        return choices(self.desk.scene, self.position, self.preview)

    def look_again(self) -> None:
        if self.position.managed:
            send_off(self, self._read, "preview")

    async def _read(self) -> None:
        path = f"/v1/preview/{self.position.symbol}/{self.position.side}"
        try:
            self.preview = await self.desk.client.look(path, PreviewView)
            self.trouble = ""
        except EngineUnheard as error:
            self.preview, self.trouble = None, str(error)
        held = self.desk.scene.positions
        self.position = next((p for p in held if p.key == self.position.key), self.position)
        self.offer()
