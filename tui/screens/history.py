"""The History: the equity curve, what all cycles came to, and every cycle with what happened inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.widget import Widget

from engine.protocol import CycleStory, CycleView, EquityPoint
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.keymaps import HISTORY_KEYS, bindings
from tui.messages import FilterChanged
from tui.screens.page import Page
from tui.view_model.history import cycle_line, cycle_title, figures, heading, inside, record
from tui.view_model.ink import BLANK, Ink, Line, Span, line, printable
from tui.view_model.numbers import MARKET_TIME
from tui.view_model.scene import Scene
from tui.view_model.story import named
from tui.widgets.equity_curve import EquityCurve
from tui.widgets.listing import Listing
from tui.widgets.sheet import Sheet

READ_S: Final = 5.0


class CycleSheet(Sheet, can_focus=True):
    """The inside of one cycle, to be read from top to bottom."""

    DEFAULT_CSS = """
    CycleSheet {
        border: round $frame-focus; border-title-color: $ink-bright; border-subtitle-color: $ink-label;
    }
    """


class HistoryScreen(Page):
    """Read from the journal while it is in front. Enter opens a cycle, escape closes it."""

    KEYS = HISTORY_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(HISTORY_KEYS)
    LINES: ClassVar[Mapping[str, str]] = {
        "filter": "filter: symbol, side, reason, open · enter keeps it · esc shows all"
    }
    AUTO_FOCUS: ClassVar[str | None] = "Listing"

    DEFAULT_CSS = """
    HistoryScreen {
        & #figures { height: auto; }
        & #curve { height: 35%; min-height: 7; }
        & #cycles, & #inside { height: 1fr; }
        & #inside { display: none; }
        &.-inside #inside { display: block; }
        &.-inside #cycles, &.-inside #curve { display: none; }
        &.-low #curve { height: 8; }
        &.-flat #curve { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[CycleView, ...] = ()
        self._cycles: tuple[CycleView, ...] = ()
        self._curve: tuple[EquityPoint, ...] = ()
        self._story: CycleStory | None = None
        self._words = ""
        self._trouble = ""
        self._was_read = False

    def parts(self) -> Iterable[Widget]:
        yield Sheet(id="figures")
        yield EquityCurve(id="curve")
        yield Listing("Reading the journal.", id="cycles")
        yield CycleSheet(id="inside")

    def on_mount(self) -> None:
        self.set_interval(READ_S, self._read_again)
        self._read_again()

    def on_screen_resume(self) -> None:
        self._read_again()

    @property
    def idle(self) -> frozenset[str]:
        return frozenset({"cycle.close"} if self._story is None else {"filter"})

    @property
    def listing(self) -> Listing:
        return self.query_one(Listing)

    def _read_again(self) -> None:
        if self.desk.is_in_front(self):
            send_off(self, self._read, "history")

    async def _read(self) -> None:
        client = self.desk.client
        try:
            self._cycles = await client.look("/v1/history", tuple[CycleView, ...])
            self._curve = await client.look("/v1/equity", tuple[EquityPoint, ...])
            await self._read_open_story()
            self._trouble, self._was_read = "", True
        except EngineUnheard as error:
            self._trouble = str(error)
        self.show_parts(self.desk.scene)

    async def _read_open_story(self) -> None:
        """The cycle that is looked into goes on while it is open."""
        story = self._story
        if story is None or story.cycle.closed:
            return
        newer = await self.desk.client.look(f"/v1/history/{story.cycle.cycle}", CycleStory)
        if self._story is story:
            self._story = newer

    def show_parts(self, scene: Scene) -> None:
        width = self.size.width
        known = record(self._cycles, self._curve) if self._was_read else None
        self.query_one("#figures", Sheet).draw(figures(known, width))
        self.query_one(EquityCurve).show(self._curve, self._why_unread())
        self._show_cycles(scene)
        if self._story is not None:
            self._show_inside(self._story, scene)

    def _show_cycles(self, scene: Scene) -> None:
        words = self._words.lower().split()
        self.shown = tuple(c for c in self._cycles if all(word in _named(c) for word in words))
        listing = self.listing
        listing.nothing = self._why_empty()
        width = listing.room
        rows = tuple((cycle_line(c, scene.market_now, width),) for c in self.shown)
        listing.fill(rows, head=heading(width))
        wish = f"filter “{self._words}” · " if self._words else ""
        apart = MARKET_TIME if scene.market_apart else ""
        listing.entitle(f"Cycles {len(self.shown)}{apart}", f"{wish}enter opens one")

    def _why_empty(self) -> str:
        if unread := printable(self._trouble) or self._why_unread():
            return unread
        return (
            "No cycle matches the filter." if self._cycles else "No cycle yet: the first position begins one."
        )

    def _why_unread(self) -> str:
        """Why nothing of the past is known; empty when it is."""
        return "" if self._was_read else printable(self._trouble) or "Reading the journal."

    def on_listing_opened(self, message: Listing.Opened) -> None:
        cycle = self.shown[message.index]
        send_off(self, partial(self._open, cycle.cycle), "inside")

    async def _open(self, name: str) -> None:
        try:
            story = await self.desk.client.look(f"/v1/history/{name}", CycleStory)
        except EngineUnheard as error:
            self.desk.orders.refuse(f"open cycle {name}", str(error))
            return
        self._story = story
        self.add_class("-inside")
        sheet = self.query_one(CycleSheet)
        sheet.scroll_home(animate=False)
        sheet.focus()
        self.call_after_refresh(self._show_inside, story, self.desk.scene)

    def _show_inside(self, story: CycleStory, scene: Scene) -> None:
        sheet = self.query_one(CycleSheet)
        apart = MARKET_TIME if scene.market_apart else ""
        closes, tells = scene.keys["cycle.close"], scene.keys["why"]
        sheet.entitle(f"{cycle_title(story.cycle)}{apart}", f"{closes} closes · {tells} tells its story")
        lines: tuple[Line, ...] = inside(story, scene.market_now, sheet.room)
        sheet.draw((*lines, BLANK, line(Span(f" Cycle {printable(story.cycle.cycle)}", Ink.LABEL))))

    def action_close(self) -> None:
        self._story = None
        self.remove_class("-inside")
        self.listing.focus()
        self.desk.orders.disarm()

    def action_why(self) -> None:
        if self._story is not None:
            cycle = self._story.cycle
        elif self.listing.chosen < len(self.shown):
            cycle = self.shown[self.listing.chosen]
        else:
            return
        self.desk.tell_story(cycle.cycle, named(cycle))

    def action_filter(self) -> None:
        if self._story is None:
            self.open_line()

    def on_filter_changed(self, message: FilterChanged) -> None:
        self._words = message.words
        self._show_cycles(self.desk.scene)
        if message.closed:
            self.close_line()
            self.listing.focus()


def _named(cycle: CycleView) -> str:
    """What the filter looks into."""
    state = "ended" if cycle.closed else "open"
    return f"{cycle.symbol} {cycle.side} {cycle.ending} {cycle.status} {cycle.cycle} {state}".lower()
