"""A short list to choose one word from; what the cursor stands on is tried at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Chooser(ModalScreen[str | None]):
    """Returns the chosen word, None when the trader leaves it as it was. `tries` is called for every word
    that the cursor passes, and with the first one again when nothing is chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", "leave it", show=False),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]

    DEFAULT_CSS = """
    Chooser {
        align: center middle;
        background: transparent;
        & > OptionList {
            width: 46; height: auto; max-height: 80%; padding: 0 1;
            background: $surface; border: round $frame-focus; border-title-color: $ink-bright;
            border-subtitle-color: $ink-label; scrollbar-size-vertical: 1;
            &:focus { border: round $frame-focus; }
        }
    }
    """

    def __init__(
        self, title: str, words: Sequence[str], chosen: str, tries: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._title, self._words, self._before, self._tries = title, tuple(words), chosen, tries

    def compose(self) -> ComposeResult:
        menu = OptionList(*(Option(Text(word)) for word in self._words))
        menu.border_title = Text(self._title)
        menu.border_subtitle = Text("enter takes it · esc leaves it as it was")
        yield menu

    def on_mount(self) -> None:
        if self._before in self._words:
            self.query_one(OptionList).highlighted = self._words.index(self._before)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if self._tries is not None:
            self._tries(self._words[event.option_index])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._words[event.option_index])

    def action_give_up(self) -> None:
        if self._tries is not None and self._before in self._words:
            self._tries(self._before)
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        menu = self.query_one(OptionList)
        if by > 0:
            menu.action_cursor_down()
        else:
            menu.action_cursor_up()
