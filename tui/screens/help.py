"""Help: every key and every sign of the desk on one page."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keymaps import DEFAULTS, HELP, QUIT
from tui.view_model.table import table

SIGNS: Final = (
    ("▲ LONG  ▼ SHORT", "the side of a position"),
    ("✖", "liquidation, by the exchange's own number"),
    ("■  □", "a stop that rests on the exchange; one that was not read back yet"),
    ("●", "the mark price"),
    ("○  =", "an entry; the price at which the cycle breaks even"),
    ("◎", "the next rung: bank half of the front leg (in coin), add a new one (USDT of margin)"),
    ("worst case", "the result if the market runs through every resting stop, fees included"),
    ("−4.50 +?", "the account's worst case, without what is open and not under care"),
    ("RISK-FREE", "the worst case is not a loss"),
    ("STALE 4s", "the mark is that old; past 10 s its numbers become --"),
    ("↻  AGE", "rungs that ran; how old the mark is"),
    ("14:03:21", "the engine's clock, UTC; a simulated market's own is called market time"),
    ("$  !  ‼", "in the log: money moved; a warning; urgent"),
    ("LOCK", "yes: a rung has passed this leg"),
    ("entry  margin", "why a stop lies there: its leg's own entry; where its leg has lost its margin"),
    ("cycle  guard", "where all of the cycle breaks even; moved so that it comes before liquidation"),
    ("ROE  R", "open profit as a part of the margin; net as a part of the cycle's first margin"),
)

OWN: Final = (("your own keys", f"[desk.keys] in config.toml, by these names: {' '.join(DEFAULTS)}"),)


WIDTH: Final = 78
EDGE: Final = 8
"""Cells of the box that are not for words: frame, padding, scrollbar."""


class HelpScreen(ModalScreen[None]):
    """Keys as they are bound now, and what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", show=False),
        *(Binding(key.keys, "dismiss", "close", id=key.id, show=False) for key in (HELP, QUIT)),
    ]

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: transparent;
        & > VerticalScroll {
            width: 78; max-width: 100%; height: auto; max-height: 100%; margin: 1 0; padding: 1 2;
            scrollbar-size-vertical: 1;
            background: $surface; border: round $frame-focus; border-title-color: $ink-bright;
            border-subtitle-color: $ink-label;
        }
        & Static { width: 1fr; height: auto; }
    }
    """

    def __init__(self, keys: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll() as page:
            page.border_title = "Keys and signs"
            page.border_subtitle = "esc closes"
            yield Static()

    def on_resize(self, event: Resize) -> None:
        self.query_one(Static).update(self._page(min(WIDTH, event.size.width) - EDGE))

    def _page(self, width: int) -> Text:
        parts = (self.keys, SIGNS, OWN)
        names = [name for part in parts for name, _ in part]
        least = max(map(len, names))
        page = Text("\n\n".join(table(part, width, least=least) for part in parts))
        for name in names:
            page.highlight_regex(rf"(?m)^{re.escape(name)}(?=  )", "bold")
        return page
