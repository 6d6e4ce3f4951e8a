"""The Signals: what came from outside and what became of it, as the journal has it. Without a source it says
what to configure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.widget import Widget

from engine.protocol import SignalsView
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.keymaps import SIGNAL_KEYS, bindings
from tui.screens.page import Page
from tui.view_model.ink import cropped
from tui.view_model.scene import Scene
from tui.view_model.signals import empty, heading, regimes, row
from tui.widgets.listing import Listing
from tui.widgets.sheet import Sheet

READ_S: Final = 2.0


class SignalSheet(Sheet, can_focus=True):
    """A framed sheet."""

    DEFAULT_CSS = """
    SignalSheet { border: round $frame; border-title-color: $ink-label; height: 1fr; }
    """


class SignalsScreen(Page):
    """Read from the journal while it is in front. Enter tells the story of a signal's symbol."""

    KEYS = SIGNAL_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(SIGNAL_KEYS)
    AUTO_FOCUS: ClassVar[str | None] = "SignalSheet"

    DEFAULT_CSS = """
    SignalsScreen {
        & #regimes { height: auto; max-height: 3; display: none; }
        & #heard { height: 1fr; display: none; }
        &.-heard #regimes, &.-heard #heard { display: block; }
        &.-heard #signals { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view: SignalsView | None = None
        self._trouble = ""

    def parts(self) -> Iterable[Widget]:
        yield Sheet(id="regimes")
        yield Listing("No signal has come yet.", id="heard")
        yield SignalSheet(id="signals")

    def on_mount(self) -> None:
        self.set_interval(READ_S, self._read_again)
        self._read_again()

    def on_screen_resume(self) -> None:
        self._read_again()

    def _read_again(self) -> None:
        if self.desk.is_in_front(self):
            send_off(self, self._read, "signals")

    async def _read(self) -> None:
        try:
            self._view = await self.desk.client.look("/v1/signals", SignalsView)
            self._trouble = ""
        except EngineUnheard as error:
            self._trouble = str(error)
        self.show_parts(self.desk.scene)

    def show_parts(self, scene: Scene) -> None:
        view = self._view
        has_any = view is not None and bool(view.signals)
        if has_any and not self.has_class("-heard"):
            self.query_one(Listing).focus()
        self.set_class(has_any, "-heard")
        if view is not None and has_any:
            self._show_heard(view)
        sheet = self.query_one(SignalSheet)
        sheet.entitle("Signals")
        said = empty(view, self._trouble, ticket=scene.keys["ticket"])
        sheet.draw(tuple(cropped(words, sheet.room) for words in said))

    def _show_heard(self, view: SignalsView) -> None:
        self.query_one("#regimes", Sheet).draw(regimes(view, self.size.width))
        listing = self.query_one(Listing)
        listing.fill(tuple(row(signal, listing.room) for signal in view.signals), head=heading())
        trouble = f" · {self._trouble}" if self._trouble else ""
        listing.entitle(f"Signals {len(view.signals)}{trouble}", "enter tells the story")

    def on_listing_opened(self, message: Listing.Opened) -> None:
        signals = self._view.signals if self._view else ()
        if message.index < len(signals) and signals[message.index].symbol:
            self.desk.tell_story(signals[message.index].symbol)
