"""A list of rows, each one or several lines, with a cursor that moves from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.view_model.ink import Ink, Line, Span, line
from tui.widgets.sheet import Sheet

Row = tuple[Line, ...]
"""One entry; its further lines hang under the first."""


class Listing(Sheet, can_focus=True):
    """Rows under a fixed heading. `nothing` stands there when there are none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next", id="grid.next", show=False),
        Binding("up,k", "move(-1)", "previous", id="grid.previous", show=False),
        Binding("home", "jump(0)", "first", id="grid.first", show=False),
        Binding("end", "jump(-1)", "last", id="grid.last", show=False),
        Binding("pagedown", "move(10)", "ten down", id="grid.page_down", show=False),
        Binding("pageup", "move(-10)", "ten up", id="grid.page_up", show=False),
        Binding("enter", "open", "open", id="list.open", show=False),
    ]

    DEFAULT_CSS = """
    Listing {
        border: round $frame; border-title-color: $ink-label; border-subtitle-color: $ink-label;
        &:focus { border: round $frame-focus; }
    }
    """

    @dataclass
    class Opened(Message):
        """Enter, or a second click, on row `index`."""

        index: int

    def __init__(self, nothing: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.nothing = nothing
        self.chosen = 0
        self._rows: tuple[Row, ...] = ()
        self._head: Line | None = None

    def fill(self, rows: tuple[Row, ...], *, head: Line | None = None) -> None:
        """Show these rows; the cursor stays on its number as far as there is one."""
        self._rows, self._head = rows, head
        self.chosen = max(0, min(self.chosen, len(rows) - 1))
        self.redraw()

    def redraw(self) -> None:
        if not self._rows:
            self.draw((line(Span(f"  {self.nothing}", Ink.LABEL)),), head=self._head)
            return
        lines = tuple(
            (Span("▸ " if k == self.chosen and n == 0 else "  ", Ink.ACCENT), *words)
            for k, row in enumerate(self._rows)
            for n, words in enumerate(row)
        )
        self.draw(lines, head=self._head, cursor=self._top(self.chosen))

    def _top(self, row: int) -> int:
        return sum(len(each) for each in self._rows[:row])

    def action_move(self, by: int) -> None:
        self.action_jump(max(0, min(len(self._rows) - 1, self.chosen + by)))

    def action_jump(self, row: int) -> None:
        if self._rows:
            self.chosen = row % len(self._rows)
            self.redraw()
            self._bring_into_view()

    def action_open(self) -> None:
        if self._rows:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        """A click selects the row under it, another one opens it."""
        inside = event.get_content_offset(self)
        if inside is None or inside.y < (self._head is not None):
            return
        at = inside.y - (self._head is not None) + self.scroll_offset.y
        row = next((k for k in range(len(self._rows)) if self._top(k) <= at < self._top(k + 1)), None)
        if row is None:
            return
        if row == self.chosen:
            self.action_open()
        self.action_jump(row)

    def _bring_into_view(self) -> None:
        room = max(1, self.size.height - (self._head is not None))
        first, last = self._top(self.chosen), self._top(self.chosen + 1) - 1
        if first < self.scroll_offset.y:
            self.scroll_to(y=first, animate=False)
        elif last >= self.scroll_offset.y + room:
            self.scroll_to(y=last - room + 1, animate=False)
