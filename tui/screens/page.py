"""What every screen of the desk shares: the header with its banners, the bottom line, and what stands there
when nothing can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from tui.desk import Desk, desk_of
from tui.keymaps import Key
from tui.touched import TouchedRows
from tui.view_model.obstacle import obstacle
from tui.view_model.scene import Scene
from tui.widgets.filter_line import FilterLine
from tui.widgets.foot_line import FootLine
from tui.widgets.header import Header
from tui.widgets.obstacle import ObstaclePanel


class Page(Screen[None]):
    """A screen with a number. It draws only while it is in front; a dialog over it does not hide it.

    Textual calls the `on_…` of every class of a screen, this one's too: those of a screen never call these.
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-medium"), (160, "-wide")]  # noqa: RUF012 - typed by Screen
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 - typed by Screen

    def __init__(self) -> None:
        super().__init__()
        self._compositor = TouchedRows()
        self._header, self._foot = Header(id="header"), FootLine(id="foot")
        self._obstacle = ObstaclePanel(id="obstacle")

    def compose(self) -> ComposeResult:
        width, height = self.app.size
        for size, breakpoints in ((width, self.HORIZONTAL_BREAKPOINTS), (height, self.VERTICAL_BREAKPOINTS)):
            self.add_class(max((least, name) for least, name in breakpoints if size >= least)[1])
        yield self._header
        yield from self.parts()
        yield self._obstacle
        yield self._foot

    def parts(self) -> Iterable[Widget]:
        """What stands between the header and the bottom line."""
        raise NotImplementedError

    def show_parts(self, scene: Scene) -> None:
        """Hand the scene to every part; each paints only what differs."""
        raise NotImplementedError

    @property
    def idle(self) -> frozenset[str]:
        """The names of its keys that do nothing as it stands now."""
        return frozenset()

    def show_all(self) -> None:
        """No filter hides anything any more."""
        for line in self.query("#filter").results(FilterLine):
            if line.value:
                line.action_give_up()

    @property
    def desk(self) -> Desk:
        """The application, as far as it concerns a screen."""
        return desk_of(self)

    def on_mount(self) -> None:
        self.desk.scene_changed.subscribe(self, self.show)
        self.call_after_refresh(self.show_again)

    def on_screen_resume(self) -> None:
        """In front again: what happened meanwhile is drawn now."""
        self.call_after_refresh(self.show_again)

    def on_screen_suspend(self) -> None:
        """A dialog has the keys now."""
        self.call_after_refresh(self.show_foot)

    def on_descendant_focus(self) -> None:
        """Other keys work in another place."""
        self.show_foot()

    def on_resize(self, event: events.Resize) -> None:
        """Other widths: everything is drawn once more, after the layout knows the new sizes."""
        self.call_after_refresh(self.show_again)

    def show_again(self) -> None:
        """The newest scene once more."""
        self.show(self.desk.scene)

    def show(self, scene: Scene) -> None:
        if not self.desk.is_in_front(self):
            return
        hindered = obstacle(scene, self.size.width, self.size.height)
        self.set_class(hindered is not None, "-hindered")
        with self.app.batch_update():
            if hindered is not None:
                self._obstacle.show(hindered)
            self._header.show(scene, self.size)
            self.show_parts(scene)
            self.show_foot()

    def show_foot(self) -> None:
        """The bottom line alone: it changes with keys, not with the market."""
        self._foot.show(self.desk.foot_line(self.size.width))
