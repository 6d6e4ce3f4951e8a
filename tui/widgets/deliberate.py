"""What the mouse cannot do by accident: the second half of a double click answers nothing that came under it,
and a click alone is never an act.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Button, OptionList


class DeliberateButton(Button):
    """A button for which only a click by itself counts."""

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1:
            event.prevent_default().stop()


class DeliberateList(OptionList):
    """A list in which a click marks a choice, so that what it does can be read, and another one takes it."""

    clicked: int | None = None

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()
        at = event.style.meta.get("option")
        if at is None:
            return
        if at == self.clicked == self.highlighted and event.chain == 1:
            self.action_select()
        else:
            self.clicked = self.highlighted = at
