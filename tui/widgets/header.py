"""The top line and the banners under it."""

from __future__ import annotations

from textual.geometry import Size

from engine.protocol import Mode
from tui.view_model.header import banners, header, mode_of
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


class Header(Sheet):
    """Whose money, may it trade, is all connected, what time is it; and what is wrong, in words over the
    whole width.
    """

    DEFAULT_CSS = """
    Header {
        height: auto; width: 1fr; background: $header-background;
        &.-live { background: $header-live; }
        &.-demo { background: $header-demo; }
    }
    """

    def show(self, scene: Scene, screen: Size) -> None:
        width = screen.width
        mode = mode_of(scene)
        self.set_class(mode is Mode.LIVE, "-live")
        self.set_class(mode is Mode.DEMO, "-demo")
        self.draw((header(scene, width), *banners(scene, width)))
