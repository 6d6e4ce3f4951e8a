"""The question before risk is added."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.view_model.asking import Question
from tui.view_model.table import table
from tui.widgets.deliberate import DeliberateButton


class Ask(ModalScreen[bool]):
    """Shows the numbers and waits; Cancel has the focus, and escape is Cancel. The desk stays in view behind
    it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "cancel", id="ask.cancel", show=False),
        Binding("left,right,up,down,h,l", "app.focus_next", "other button", show=False),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "#cancel"

    DEFAULT_CSS = """
    Ask {
        align: center middle;
        background: transparent;
        & > Vertical {
            width: 64; max-width: 100%; height: auto; max-height: 100%; margin: 1 0; padding: 1 3;
            overflow-y: auto; scrollbar-size-vertical: 1;
            background: $surface; border: round $ink-warn; border-title-color: $ink-warn;
        }
        & Static { width: 1fr; height: auto; }
        & .title { text-style: bold; color: $ink-bright; margin-bottom: 1; }
        & Horizontal { height: 1; margin-top: 1; align-horizontal: right; }
        & #yes, & #cancel { margin-left: 2; min-width: 14; background: $panel; color: $ink-text; }
        & #yes:focus, & #cancel:focus {
            background: $ink-accent; color: $background; text-style: $ink-badge-style;
        }
    }
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text(self.question.title), classes="title")
            yield Static(Text(table(self.question.facts, 54)))
            with Horizontal():
                yield DeliberateButton("Cancel", id="cancel", compact=True)
                yield DeliberateButton(self.question.yes, id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
