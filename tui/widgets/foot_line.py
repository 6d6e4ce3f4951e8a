"""The bottom line of the screen."""

from __future__ import annotations

from textual import events

from tui.messages import KeyClicked
from tui.view_model.footer import hint_at
from tui.view_model.ink import Line
from tui.widgets.sheet import Sheet


class FootLine(Sheet):
    """Keys, the answer to a command, or what is armed: always one line, always there."""

    DEFAULT_CSS = """
    FootLine { height: 1; width: 1fr; dock: bottom; background: $header-background; }
    """

    def show(self, words: Line) -> None:
        self.draw((words,))

    def on_click(self, event: events.Click) -> None:
        """A key that is told can be clicked."""
        inside = event.get_content_offset(self)
        if inside is not None and self.lines and (key := hint_at(self.lines[0], inside.x)):
            self.post_message(KeyClicked(key))
