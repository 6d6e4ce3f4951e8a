"""The trader's hand on the simulated exchange: a small menu that opens and closes positions as if on Bitget's
own page.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.protocol import Side
from tui.hand import Hand
from tui.widgets.deliberate import DeliberateList

Choice = tuple[str, str, Side | None]
"""What to do (`open`, `close`, `move`), on which symbol, on which side."""


class HandMenu(ModalScreen[Choice | None]):
    """Returns the choice; the desk carries it out. Only there in a simulation, where no real money moves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,h", "dismiss(None)", "close", show=False)]

    DEFAULT_CSS = """
    HandMenu {
        align: center middle;
        background: transparent;
        & > OptionList {
            width: 46; height: auto; max-height: 100%; margin: 1 0; padding: 0;
            background: $surface; border: round $ink-sim; border-title-color: $ink-bright;
            border-subtitle-color: $ink-label; scrollbar-size-vertical: 1;
            scrollbar-background: $surface;
            &:focus { border: round $ink-sim; background-tint: $surface 0%; }
            & > .option-list--option { padding: 0 1; }
        }
    }
    """

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.choices = _choices(hand)

    def compose(self) -> ComposeResult:
        menu = DeliberateList(*(Option(Text(words)) for words, _ in self.choices))
        menu.border_title = "Your hand on the simulated exchange"
        menu.border_subtitle = "enter does it · esc closes"
        yield menu

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.choices[event.option_index][1])


def _choices(hand: Hand) -> tuple[tuple[str, Choice], ...]:
    opening = tuple(
        (f"{'▲ long' if side is Side.LONG else '▼ short'} {symbol}", ("open", symbol, side))
        for symbol in hand.symbols
        for side in Side
    )
    closing = tuple((f"✖ close {symbol}", ("close", symbol, None)) for symbol in hand.symbols)
    return (*opening, *closing, ("→ run to the next large move", ("move", "", None)))
