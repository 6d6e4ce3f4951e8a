"""The positions grid."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from engine.protocol import Coming, PositionView
from tui.messages import PositionChosen
from tui.view_model import coming, positions
from tui.view_model.ink import Ink, Line, Span, line
from tui.view_model.positions import Column, Order, Row, columns_for, grid_line, headings
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


class PositionsGrid(Sheet, can_focus=True):
    """One row a position, and under them one each thing on its way. The cursor follows what it stands on, not
    its row, when the order changes, and from an entry to the position that it becomes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next position", id="grid.next", show=False),
        Binding("up,k", "move(-1)", "previous position", id="grid.previous", show=False),
        Binding("home", "jump(0)", "first position", id="grid.first", show=False),
        Binding("end", "jump(-1)", "last position", id="grid.last", show=False),
        Binding("pagedown", "move(10)", "ten down", id="grid.page_down", show=False),
        Binding("pageup", "move(-10)", "ten up", id="grid.page_up", show=False),
    ]

    DEFAULT_CSS = """
    PositionsGrid {
        border: round $frame; border-title-color: $ink-label; border-subtitle-color: $ink-label;
        &:focus { border: round $frame-focus; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.order = Order.LIQUIDATION
        self.wanted = ""
        self.chosen: str | None = None
        self._scene: Scene | None = None
        self.rows: tuple[Row, ...] = ()
        self.under: tuple[Coming, ...] = ()
        self._made: dict[str, tuple[Row, bool, tuple[Column, ...], Line]] = {}

    def show(self, scene: Scene) -> None:
        self._scene = scene
        self.rows = positions.rows(scene, self.order, self.wanted)
        self.under = coming.coming(scene, self.wanted)
        keys = self._keys
        if self.chosen not in keys:
            became = coming.becomes(self.chosen or "")
            self._choose(became if became in keys else keys[0] if keys else None)
        cursor = keys.index(self.chosen) if self.chosen in keys else None
        columns = columns_for(self.room)
        lines = tuple(self._line(row, columns) for row in self.rows)
        lines += tuple(self._coming(scene, each, columns) for each in self.under)
        self._title(scene)
        self.draw(lines or (self._nothing(scene),), head=headings(columns), cursor=cursor)

    @property
    def _keys(self) -> list[str]:
        """What each row is of, from the top."""
        return [*(row.position.key for row in self.rows), *map(coming.row_key, self.under)]

    def _line(self, row: Row, columns: tuple[Column, ...]) -> Line:
        """The line of a row, made again only when the row changed."""
        key, chosen = row.position.key, row.position.key == self.chosen
        made = self._made.get(key)
        if made is not None and made[:3] == (row, chosen, columns):
            return made[3]
        words = grid_line(row, columns, chosen=chosen)
        self._made[key] = (row, chosen, columns, words)
        return words

    def _coming(self, scene: Scene, of: Coming, columns: tuple[Column, ...]) -> Line:
        chosen = coming.row_key(of) == self.chosen
        return coming.coming_line(scene, of, columns, self.room, chosen=chosen)

    def _nothing(self, scene: Scene) -> Line:
        if scene.snapshot is None:
            return line(Span("  Waiting for the engine.", Ink.LABEL))
        if self.wanted and (scene.positions or coming.coming(scene)):
            return line(Span(f"  No position matches “{self.wanted}”. Esc shows all.", Ink.LABEL))
        ticket = "" if scene.read_only else f", or here by ticket: {scene.keys['ticket']}"
        return line(Span(f"  No open position. Open one on Bitget{ticket}.", Ink.LABEL))

    def _title(self, scene: Scene) -> None:
        total = len(scene.positions)
        count = f" {len(self.rows)} of {total}" if self.wanted else f" {total}" if total else ""
        ways = Counter(map(coming.does, coming.coming(scene)))
        count += "".join(f" · {number} {does}" for does, number in ways.items())
        wanted = f"filter “{self.wanted}” · " if self.wanted else ""
        self.entitle(f"Positions{count}", f"{wanted}{self.order.value}" if total > 1 or wanted else "")

    @property
    def position(self) -> PositionView | None:
        """The position under the cursor."""
        return next((row.position for row in self.rows if row.position.key == self.chosen), None)

    @property
    def coming(self) -> Coming | None:
        """What is on its way under the cursor."""
        return next((each for each in self.under if coming.row_key(each) == self.chosen), None)

    def sort_on(self) -> None:
        """The next order."""
        self.order = self.order.following
        self.redraw()

    def filter(self, words: str) -> None:
        """Show only what matches."""
        self.wanted = words
        self.redraw()

    def redraw(self) -> None:
        """The same scene once more, after something of the grid's own changed."""
        if self._scene:
            self.show(self._scene)

    def action_move(self, by: int) -> None:
        keys = self._keys
        if self.chosen in keys:
            self.action_jump(min(len(keys) - 1, max(0, keys.index(self.chosen) + by)))

    def action_jump(self, row: int) -> None:
        if keys := self._keys:
            self._choose(keys[row])
            self.redraw()
            self._bring_into_view()

    def on_click(self, event: events.Click) -> None:
        """A click selects the row under it; the frame and the headings are no rows."""
        inside = event.get_content_offset(self)
        if inside is not None and inside.y >= 1 and inside.y - 1 + self.scroll_offset.y < len(self._keys):
            self.action_jump(inside.y - 1 + self.scroll_offset.y)

    def _choose(self, key: str | None) -> None:
        self.chosen = key
        self.post_message(PositionChosen(key))

    def _bring_into_view(self) -> None:
        if self.cursor_row is None:
            return
        room = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if self.cursor_row < top:
            self.scroll_to(y=self.cursor_row, animate=False)
        elif self.cursor_row >= top + room:
            self.scroll_to(y=self.cursor_row - room + 1, animate=False)
