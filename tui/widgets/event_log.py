"""The event log."""

from __future__ import annotations

from tui.view_model.log import log
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


class EventLog(Sheet, can_focus=True):
    """What happened, newest first. Wrapped again only when a line came or the width changed."""

    DEFAULT_CSS = """
    EventLog { border: round $frame; border-title-color: $ink-label; &:focus { border: round $frame-focus; } }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entitle("Log")
        self._drawn: tuple[int, int, int] | None = None
        self._scene: Scene | None = None

    def redraw(self) -> None:
        if self._scene is not None:
            self.show(self._scene)

    def show(self, scene: Scene) -> None:
        self._scene = scene
        entries = scene.snapshot.log if scene.snapshot else ()
        version = (len(entries), max((entry.id for entry in entries), default=0), self.room)
        if version != self._drawn:
            self._drawn = version
            self.draw(log(scene, self.room))
