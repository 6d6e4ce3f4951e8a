"""The Journal: why everything was done, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final
from urllib.parse import quote

from textual import events
from textual.binding import BindingType
from textual.widget import Widget

from engine.protocol import StoryLine
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.keymaps import JOURNAL_KEYS, bindings
from tui.messages import FilterChanged
from tui.screens.page import Page
from tui.view_model.ink import printable
from tui.view_model.scene import Scene
from tui.view_model.story import Loudness, copied, named, next_match, row, wanted
from tui.widgets.listing import Listing

READ_S: Final = 3.0
NOBODY: Final = "Nothing to tell yet. g names a symbol, a cycle or an order id."


class JournalScreen(Page):
    """The story of one symbol, cycle or order, newest step first; read again while it is in front."""

    KEYS = JOURNAL_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(JOURNAL_KEYS)
    LINES: ClassVar[Mapping[str, str]] = {
        "filter": "filter: any words of the line · enter keeps it · esc shows all",
        "goto": "story of: symbol, cycle or order id · enter reads it · esc leaves it",
        "find": "find: words; n and b go on · enter goes to the next · esc leaves it",
    }
    AUTO_FOCUS: ClassVar[str | None] = "Listing"

    DEFAULT_CSS = """
    JournalScreen #story { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.subject = ""
        self.whose = ""
        self.shown: tuple[StoryLine, ...] = ()
        self._story: tuple[StoryLine, ...] = ()
        self._words = ""
        self._found = ""
        self._loudness = Loudness.ALL
        self._trouble = ""
        self._drawn: tuple[object, ...] = ()

    def parts(self) -> Iterable[Widget]:
        yield Listing(NOBODY, id="story")

    def on_mount(self) -> None:
        self.set_interval(READ_S, self._read_again)

    def on_screen_resume(self) -> None:
        self._read_again()

    @property
    def listing(self) -> Listing:
        return self.query_one("#story", Listing)

    def tell(self, subject: str, whose: str = "") -> None:
        """Show the story of this symbol, cycle or order id; `whose` says it in the trader's words."""
        if subject != self.subject:
            self.subject, self.whose, self._story, self._trouble = subject, whose, (), ""
            self.listing.chosen = 0
            self._drawn = ()
        self._read_again()

    def show_parts(self, scene: Scene) -> None:
        if not self.subject and scene.positions:
            first = scene.positions[0]
            self.tell(first.cycle or first.symbol, named(first))
        self._draw()

    def _read_again(self) -> None:
        if self.subject and self.desk.is_in_front(self):
            send_off(self, self._read, "story")

    async def _read(self) -> None:
        subject = self.subject
        try:
            story = await self.desk.client.look(f"/v1/why/{quote(subject, safe='')}", tuple[StoryLine, ...])
        except EngineUnheard as error:
            self._trouble = str(error)
        else:
            self._story = story
            self._trouble = "" if story else f"the journal knows no {subject}"
        self._draw()

    def _draw(self) -> None:
        """The lines that are wanted; made again only when something of it changed."""
        state = (self._story, self._words, self._found, self._loudness, self._trouble, self.listing.room)
        if state == self._drawn:
            return
        self._drawn = state
        chosen = self.shown[self.listing.chosen] if self.listing.chosen < len(self.shown) else None
        self.shown = wanted(self._story, self._words, self._loudness)
        if chosen in self.shown and self.listing.chosen:
            self.listing.chosen = self.shown.index(chosen)
        width = self.listing.room
        self.listing.nothing = self._why_empty()
        self.listing.fill(tuple(row(step, width, self._found) for step in self.shown))
        whose = f"{printable(self.whose)} · " if self.whose else ""
        name = f"Story of {whose}{printable(self.subject)}" if self.subject else "Journal"
        count = f" · {len(self.shown)} of {len(self._story)} lines" if self._story else ""
        wish = f"filter “{self._words}” · " if self._words else ""
        self.listing.entitle(f"{name}{count}", f"{wish}{self._loudness.value} · newest first")

    def _why_empty(self) -> str:
        if self._trouble:
            return f"{printable(self._trouble)}. g names another."
        return "No line matches the filter; esc shows all." if self._story else NOBODY

    def action_filter(self) -> None:
        self.open_line()

    def action_goto(self) -> None:
        self.open_line("goto", empty=True)

    def action_find(self) -> None:
        self.open_line("find")

    def on_filter_changed(self, message: FilterChanged) -> None:
        if message.line == "filter":
            self._words = message.words
        elif message.line == "find":
            self._found = message.words
        if message.closed:
            self.close_line(message.line)
            self.listing.focus()
            if message.line == "goto" and message.words.strip():
                self.tell(_name(message.words))
            elif message.line == "find" and message.words:
                self.action_next_match(1)
        self._draw()

    def action_next_match(self, by: int) -> None:
        if self._found:
            at = next_match(self.shown, self._found, self.listing.chosen, back=by < 0)
            if at is None:
                self.desk.orders.refuse("find", f"no line has “{self._found}”")
            else:
                self.listing.action_jump(at)

    def action_loudness(self) -> None:
        self._loudness = self._loudness.following
        self._draw()

    def action_copy_row(self) -> None:
        if self.listing.chosen < len(self.shown):
            self.app.copy_to_clipboard(copied(self.shown[self.listing.chosen]))
            self.desk.orders.tell("copy the line", "on the clipboard, where the terminal allows it")

    def action_copy_all(self) -> None:
        self.app.copy_to_clipboard("\n".join(copied(step) for step in self.shown))
        self.desk.orders.tell(
            f"copy {len(self.shown)} lines", "on the clipboard, where the terminal allows it"
        )

    def on_resize(self, event: events.Resize) -> None:
        self._drawn = ()


def _name(words: str) -> str:
    """Symbols are written in capitals, ids as they are."""
    name = words.strip()
    return name.upper() if name.isalnum() and name.lower().endswith("usdt") else name
