"""The bottom line of the screen."""

from __future__ import annotations

from tui.view_model.ink import Line
from tui.widgets.sheet import Sheet


class FootLine(Sheet):
    """Keys, the answer to a command, or what is armed: always one line, always there."""

    DEFAULT_CSS = """
    FootLine { height: 1; width: 1fr; dock: bottom; background: $header-background; }
    """

    def show(self, words: Line) -> None:
        self.draw((words,))
