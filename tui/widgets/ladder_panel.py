"""The ladder of the selected position."""

from __future__ import annotations

from engine.protocol import PositionView
from tui.view_model.ladder import ladder, title
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


class LadderPanel(Sheet):
    """A vertical price axis with entries, stops, next rung, mark and liquidation; its legs beside it, its
    money below. Made again only when the position changed, or how far its mark may be trusted.
    """

    DEFAULT_CSS = """
    LadderPanel { overflow: hidden; border: round $frame; border-title-color: $ink-label; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Scene, PositionView | None] | None = None
        self._drawn: tuple[object, ...] = ()

    def redraw(self) -> None:
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, scene: Scene, position: PositionView | None) -> None:
        self._shown = scene, position
        trust = position and scene.trust(position)
        drawn = position, trust, scene.is_gone, self.size
        if drawn != self._drawn:
            self._drawn = drawn
            self.entitle(title(position))
            self.draw(ladder(scene, position, self.size.width, self.size.height))
