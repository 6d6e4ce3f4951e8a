"""What every screen of the desk shares: the header with its banners, the bottom line, and what stands there
when nothing can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from textual import events, on
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

FLAT: Final = 20
"""In a terminal with fewer lines what is only looked up gives way to what is read."""


class Page(Screen[None]):
    """A screen with a number. It draws only while it is in front; a dialog over it does not hide it.

    Textual calls the `on_…` of every class of a screen, this one's too: those of a screen never call these.
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()
    LINES: ClassVar[Mapping[str, str]] = {}
    """What the trader can type here: the id of each line, and its hint."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-medium"), (160, "-wide")]  # noqa: RUF012 - typed by Screen
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 - typed by Screen

    def __init__(self) -> None:
        super().__init__()
        self._compositor = TouchedRows()
        self._header, self._foot = Header(id="header"), FootLine(id="foot")
        self._obstacle = ObstaclePanel(id="obstacle")
        self._is_laid_out = False
        self._is_drawn = False
        self._is_due = False

    def compose(self) -> ComposeResult:
        width, height = self.app.size
        sizes = (width, self.HORIZONTAL_BREAKPOINTS), (height, self.VERTICAL_BREAKPOINTS)
        fitting = (max((least, name) for least, name in points if size >= least)[1] for size, points in sizes)
        self.add_class(*fitting, *(["-flat"] if height < FLAT else []))
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

    def open_line(self, name: str = "filter", *, empty: bool = False) -> None:
        """Let the trader type; a line is made at its first time and kept after that."""
        line = self._line(name)
        if line is None:
            line = FilterLine(self.LINES[name], id=name)
            self.mount(line, before=self._obstacle)
        elif empty:
            line.value = ""
        line.open()

    def close_line(self, name: str = "filter") -> None:
        """Out of view; what was typed stays."""
        if line := self._line(name):
            line.close()

    def show_all(self) -> None:
        """No filter hides anything any more."""
        line = self._line("filter")
        if line is not None and line.value:
            line.action_give_up()

    def _line(self, name: str) -> FilterLine | None:
        return next(iter(self.query(f"#{name}").results(FilterLine)), None)

    @property
    def desk(self) -> Desk:
        """The application, as far as it concerns a screen."""
        return desk_of(self)

    @on(events.ScreenResume)
    def _come_forward(self, event: events.ScreenResume) -> None:
        """In front again: what happened meanwhile is drawn now. A new screen has just been styled, and is
        laid out next.
        """
        if self._is_laid_out:
            self._show_soon()
        else:
            event.refresh_styles = False
            self._is_laid_out = True
            self.call_next(self.show_again)

    def on_screen_suspend(self) -> None:
        """A dialog has the keys now."""
        self.call_after_refresh(self.show_foot)

    def on_descendant_focus(self) -> None:
        """Other keys work in another place."""
        self.show_foot()

    def on_resize(self, event: events.Resize) -> None:
        """Other widths: everything is drawn once more, after the layout knows the new sizes."""
        self.set_class(event.size.height < FLAT, "-flat")
        self._show_soon()

    def _show_soon(self) -> None:
        """Once more after the next layout, however many ask for it."""
        if not self._is_due:
            self._is_due = True
            self.call_after_refresh(self.show_again)

    def show_again(self) -> None:
        """The newest scene once more."""
        self._is_due = False
        self.show(self.desk.scene)

    def show(self, scene: Scene) -> None:
        """Draw what differs, when this screen is in front and laid out."""
        if not (self._is_laid_out and self.desk.is_in_front(self) and self.desk.has_looked):
            return
        if self._is_drawn:
            self._hand_out(scene)
        else:
            self._draw_first(scene)

    def _draw_first(self, scene: Scene) -> None:
        """The first picture, whole and at once: widths decide what is said, and that decides the heights."""
        self._hand_out(scene)
        self._clear_arrangement_cache()
        self._settle()
        self._hand_out(scene)
        self._settle()
        self._is_drawn = True
        self._compositor_refresh()

    def _settle(self) -> None:
        """Lay everything out now, and ask for one whole picture in the place of each part's own."""
        self._compositor.update_widgets(set(self.walk_children(Widget)))
        self.refresh(layout=True)
        self._on_timer_update()

    def _hand_out(self, scene: Scene) -> None:
        hindered = obstacle(scene, self.size.width, self.size.height)
        self.set_class(hindered is not None, "-hindered")
        with self.app.batch_update():
            if hindered is not None:
                self._obstacle.show(hindered)
            self._header.show(scene, self.size)
            self.show_parts(scene)
            self.show_foot()

    def _compositor_refresh(self) -> None:
        """Nothing is painted before the first scene: an empty screen takes as long and says nothing."""
        if self._is_drawn:
            super()._compositor_refresh()

    def show_foot(self) -> None:
        """The bottom line alone: it changes with keys, not with the market."""
        self._foot.show(self.desk.foot_line(self.size.width))
