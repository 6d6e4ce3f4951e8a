"""The account strip under the header."""

from __future__ import annotations

from textual.geometry import Size

from tui.view_model.account import strip
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


class AccountStrip(Sheet):
    """Equity, results, worst case, what is deployed."""

    DEFAULT_CSS = """
    AccountStrip { height: 2; width: 1fr; }
    """

    def show(self, scene: Scene, screen: Size) -> None:
        self.draw(strip(scene, screen.width))
