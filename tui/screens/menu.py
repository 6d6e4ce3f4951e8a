"""A menu over the desk: choices, and under them the facts behind the one under the cursor."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.desk import Desk, desk_of
from tui.view_model.choices import Choice
from tui.view_model.ink import printable
from tui.view_model.table import table
from tui.widgets.deliberate import DeliberateList

WIDTH: Final = 72
EDGE: Final = 6
"""Cells of the box that are not for words: frame, padding, and what the facts are indented by."""

FIGURE: Final = 14
LINES: Final = 14
BESIDE: Final = 10
"""Lines of the screen that the choices leave to the facts, the frame and the margin around it."""

LOOK_AGAIN_S: Final = 2.0


class Menu(ModalScreen[Choice | None]):
    """Returns the choice; the desk asks and sends. What is offered is read again every two seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,m,q", "dismiss(None)", "close", id="menu.close", show=False),
        Binding("j", "cursor(1)", "down", show=False),
        Binding("k", "cursor(-1)", "up", show=False),
    ]

    DEFAULT_CSS = """
    Menu {
        align: center middle;
        background: transparent;
        & > Vertical {
            width: 72; max-width: 100%; height: auto; max-height: 100%; margin: 1 0;
            background: $surface; border: round $frame-focus; border-title-color: $ink-bright;
            border-subtitle-color: $ink-label;
        }
        & OptionList {
            height: auto; max-height: 14; border: none; padding: 0; background: $surface;
            scrollbar-size-vertical: 1; scrollbar-background: $surface;
            &:focus { border: none; background-tint: $surface 0%; }
            & > .option-list--option { padding: 0 1; }
        }
        & #facts {
            height: 6; padding: 0 1; border-top: solid $frame; color: $ink-text; background: $surface;
        }
    }
    """

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of
        self.offered: tuple[Choice, ...] = ()
        self.trouble = ""

    def choices(self) -> tuple[Choice, ...]:
        """What can be done now."""
        raise NotImplementedError

    def look_again(self) -> None:
        """Read what the choices depend on."""
        self.offer()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self.of)
            box.border_subtitle = Text("enter does it · esc closes")
            yield DeliberateList()
            yield Static(id="facts")

    @property
    def desk(self) -> Desk:
        return desk_of(self)

    def on_mount(self) -> None:
        self.offer()
        self.set_interval(LOOK_AGAIN_S, self.look_again)
        self.look_again()

    def offer(self) -> None:
        """Fill the menu; the cursor stays where it was."""
        if not self.is_attached:
            return
        offered = self.choices()
        if offered == self.offered:
            self._tell()
            return
        menu, before = self.query_one(OptionList), self.query_one(OptionList).highlighted or 0
        self.offered = offered
        if menu.option_count == len(offered):
            for k, choice in enumerate(offered):
                menu.replace_option_prompt_at_index(k, self._line(choice))
        else:
            menu.clear_options()
            menu.add_options(Option(self._line(choice)) for choice in offered)
            menu.highlighted = min(before, len(offered) - 1)
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """Another room: the choices are written anew, and leave the facts in view."""
        self.query_one(OptionList).styles.max_height = max(3, min(LINES, event.size.height - BESIDE))
        self.offered = ()
        self.offer()

    @property
    def _room(self) -> int:
        """Cells of a line."""
        return min(WIDTH, self.app.size.width) - EDGE

    def _line(self, choice: Choice) -> Text:
        """The words left, the figure right, within what the scrollbar leaves."""
        room = self._room - 2
        words = f"{choice.words:<{room - max(FIGURE, len(choice.figure) + 1)}}"
        return Text(f"{words}{choice.figure:>{room - len(words)}}", overflow="ellipsis", no_wrap=True)

    def on_option_list_option_highlighted(self, _event: OptionList.OptionHighlighted) -> None:
        self._tell()

    def _tell(self) -> None:
        """The facts behind the choice under the cursor."""
        at = self.query_one(OptionList).highlighted
        facts = self.offered[at].facts if at is not None and at < len(self.offered) else ()
        words = table(facts, self._room) if facts else ""
        trouble = f"No preview: {printable(self.trouble)}\n" if self.trouble else ""
        self.query_one("#facts", Static).update(Text(trouble + words))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """What would send another command by now is shown anew, and sends nothing."""
        choice, now = self.offered[event.option_index], self.choices()
        if [each.command for each in now] != [each.command for each in self.offered]:
            self.offer()
        elif choice.command is not None or choice.opens:
            self.dismiss(choice)

    def on_key(self, event: events.Key) -> None:
        """The letters beside a choice work here as on the desk."""
        for choice in self.offered:
            if choice.opens and event.character == choice.figure:
                event.stop()
                self.dismiss(choice)

    def action_cursor(self, by: int) -> None:
        menu = self.query_one(OptionList)
        if by > 0:
            menu.action_cursor_down()
        else:
            menu.action_cursor_up()
