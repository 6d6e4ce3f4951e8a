"""The line in which the trader types what the grid should show."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.messages import FilterChanged


class FilterLine(Input):
    """Filters while it is typed; enter keeps it, escape shows everything again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "show all", id="filter.clear", show=False)
    ]

    DEFAULT_CSS = """
    FilterLine {
        dock: bottom; height: 1; margin: 0 0 1 0; border: none; padding: 0 1; display: none;
        background: $header-background; color: $ink-bright;
        &.-open { display: block; }
        &:focus { border: none; background: $header-background; }
    }
    """

    def __init__(self, hint: str, *, id: str) -> None:
        """`hint` says what is looked for, then what the keys do: `filter: symbol · enter keeps it`."""
        about, *keys = hint.split(" · ")
        super().__init__(placeholder=about, id=id)
        self._line = id
        pairs = (each.partition(" ") for each in keys)
        self.keys = tuple((key, words) for key, _, words in pairs)

    def open(self) -> None:
        """Into view; the next key is its."""
        self.add_class("-open")
        self.screen.set_focus(self)

    def close(self) -> None:
        self.remove_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self._told(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self._told(event.value, closed=True))

    def action_give_up(self) -> None:
        self.value = ""
        self.post_message(self._told("", closed=True))

    def _told(self, words: str, *, closed: bool = False) -> FilterChanged:
        return FilterChanged(words, closed, self._line)
