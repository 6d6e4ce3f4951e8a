"""The panel that takes the desk's place when it cannot be drawn."""

from __future__ import annotations

import textwrap

from tui.view_model.ink import BLANK, Ink, Line, Span, line
from tui.view_model.obstacle import Obstacle
from tui.widgets.sheet import Sheet


class ObstaclePanel(Sheet):
    """A title and what to do, in the middle of whatever room there is."""

    DEFAULT_CSS = """
    ObstaclePanel { display: none; height: 1fr; width: 1fr; overflow: hidden; }
    """

    def show(self, obstacle: Obstacle) -> None:
        width, height = self.screen.size
        words = textwrap.wrap(obstacle.text, max(10, width - 4))
        body: list[Line] = [line(Span(obstacle.title, Ink.WARN)), BLANK]
        body += [line(Span(text)) for text in words]
        body += [BLANK, *obstacle.lines] if obstacle.lines else []
        above = max(0, (height - 1 - len(body)) // 2)
        centred = tuple(_centred(words, width) for words in body)
        self.draw((*(BLANK,) * above, *centred))


def _centred(words: Line, width: int) -> Line:
    used = sum(len(span.text) for span in words)
    return (Span(" " * max(0, (width - used) // 2)), *words) if words else BLANK
