"""The desk as an application: it owns the client and the scene, and hands what the trader asks for to whom it
concerns. It decides nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType, Keymap
from textual.driver import Driver
from textual.events import DescendantFocus, Key
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input

from engine.protocol import Hello, Snapshot
from tui import haste
from tui.alarms import Alarms, notice_sequence
from tui.ascii_only import AsciiOnly
from tui.book import Book
from tui.client import EngineClient
from tui.colours import ALL, MANY, SIXTEEN, NearestColours
from tui.desk import Desk
from tui.door import Door
from tui.foot import Foot
from tui.hand import Hand
from tui.kept import KEYMAP, THEME, Kept
from tui.keymaps import APP_KEYS, FLATTEN, QUIT, bindings
from tui.lending import Lending
from tui.listening import listening_driver
from tui.looks import Looks, Wished
from tui.messages import CommandWanted, KeyClicked
from tui.orders import Orders
from tui.pace import Pace
from tui.palette import DeskCommands, Stock
from tui.screens.page import Page
from tui.standing import standing_driver
from tui.terse import terse_driver
from tui.themes import INK_DEFAULTS
from tui.view_model.ink import Line
from tui.view_model.scene import Scene
from tui.wardrobe import Wardrobe

SAMPLE_S: Final = 0.25
"""The screen looks at the newest snapshot four times a second, however many there are."""

PATIENCE_S: Final = 0.3
"""How long the first picture waits for its numbers."""

SETTLED_S: Final = 1.0
"""When the first picture stands for sure."""


class RatchetDesk(App[int]):
    """The terminal desk of one engine.

    `theme` and `keymap` were asked for by name, `said_in` tells where; `themes` maps accounts to theirs;
    `kept` is the desk's own file of what was chosen in it; `colours` is how many the terminal has.
    """

    TITLE = "Ratchet"
    CSS_PATH = "desk.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[DeskCommands]]] = {DeskCommands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(APP_KEYS),
        Binding("ctrl+p", "command_palette", "Palette", id="palette", show=False, priority=True, system=True),
        Binding("ctrl+q", "leave", "Quit", id="quit.also", show=False),
        Binding("ctrl+c", "interrupt", "Quit", id="quit.twice", show=False, priority=True, system=True),
        Binding("escape", "disarm", "Disarm flatten", show=False),
    ]

    def __init__(
        self,
        client: EngineClient,
        *,
        read_only: bool = False,
        hand: Hand | None = None,
        theme: str | None = None,
        themes: Mapping[str, str] | None = None,
        theme_folders: Sequence[Path] = (),
        keymap: Wished = None,
        said_in: Mapping[str, str] | None = None,
        kept: Path | None = None,
        ascii: bool = False,
        colours: str = ALL,
        alarms: Alarms | None = None,
        problems: Sequence[str] = (),
        farewell: str | None = None,
        until: Future[None] | None = None,
        steady: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sample_s: float = SAMPLE_S,
    ) -> None:
        colourless = "NO_COLOR" in os.environ
        self.ascii, self._colours = ascii, colours
        super().__init__(ansi_color=True if colourless else None)
        self.client = client
        self.read_only = read_only
        self.alarms = alarms or Alarms()
        self.scene = Scene(client.link, read_only=read_only)
        self._wall, self._sample_s = wall, sample_s
        self._moment: tuple[object, ...] = ()
        self.has_looked = False
        self._pace = Pace()
        self._greeted: Hello | None = None
        self.book = Book(self)
        self.orders = Orders(self, client, steady, self.show_foot, read_only=read_only)
        self.door = Door(self, client, self.orders, steady, self.show_foot, farewell, until)
        self.lending = Lending(self, client, self.orders, hand)
        said = {THEME: "command line", KEYMAP: "command line", **(said_in or {})}
        wardrobe = Wardrobe(
            theme_folders,
            wanted=theme or "",
            where=said[THEME],
            worn=themes,
            colourless=colourless,
            few=colours == SIXTEEN,
        )
        self.looks = Looks(self, self.orders, wardrobe, Kept(kept), keymap, said[KEYMAP])
        self.looks.problems += tuple(problems)
        self.foot = Foot(self, self.book, self.orders, self.door, self.lending, self.looks)

    def get_css_variables(self) -> dict[str, str]:
        """Colours are mixed once there is a theme to wear."""
        return super().get_css_variables() if hasattr(self, "looks") else {}

    def refresh_css(self, animate: bool = True) -> None:
        """Before the first screen there is nothing to style: its rules are read once, in its own colours."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """A terminal of our own: fewer bytes to it, no looking for keys in it, and it is taken once."""
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        return terse_driver(listening_driver(standing_driver(driver)))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The inks, for a theme that is not one of ours."""
        return dict(INK_DEFAULTS)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With `--ascii` nothing else comes through; in a terminal of 256 colours none but those."""
        filters = (*super().get_line_filters(), *([AsciiOnly()] if self.ascii else []))
        return (*filters, NearestColours()) if self._colours == MANY else filters

    @property
    def keymap(self) -> Keymap:
        """The keys that differ from the table in `keymaps`."""
        return self.looks.keys

    @property
    def page(self) -> Page | None:
        """The numbered screen in front, with or without a dialog over it."""
        return self.book.front

    def get_default_screen(self) -> Page:
        """The Desk is there from the beginning."""
        return self.book.first()

    def on_load(self) -> None:
        """The engine answers while the screen is made."""
        self.run_worker(self.client.watch(), name="watch", group="watch", exclusive=True, exit_on_error=True)
        self.run_worker(self._first_look(), name="first look", exit_on_error=True)

    def on_mount(self) -> None:
        self.run_worker(self.door.wait(), name="door", exit_on_error=True)
        self.set_interval(self._sample_s, self.sample)
        self.looks.watch()
        self.call_after_refresh(self.looks.tell_problems)
        self.set_timer(SETTLED_S, haste.end)

    @on(Driver.SignalResume)
    def draw_anew(self) -> None:
        """The terminal was somebody else's: all of the screen in front is drawn again."""
        self.screen.refresh()

    async def _first_look(self) -> None:
        """The first numbers are drawn when they come, not at the next quarter of a second; without them the
        screen says so soon.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self.client.known.wait()
        self.has_looked = True
        self.sample()

    def sample(self) -> None:
        """Look at the newest snapshot; tell the screen when it is another moment."""
        snapshot, elapsed = self.client.newest()
        self._hear(snapshot)
        self.scene = Scene(
            self.client.link,
            snapshot,
            elapsed,
            self._wall(),
            self.read_only,
            self._pace.times,
            self.looks.first_keys,
        )
        since = (self.scene.now - self.scene.link.since) // 1000 if self.scene.is_gone else 0
        armed = self.orders.is_armed, self.door.is_ajar
        moment = (snapshot, self.scene.link, elapsed // 1000, since, armed, self.scene.keys)
        self.orders.forget()
        if len(self._moment) != len(moment) or any(
            a is not b and a != b for a, b in zip(moment, self._moment, strict=True)
        ):
            self._moment = moment
            if self.page is not None and self.page.is_mounted:
                self.page.show(self.scene)

    def _hear(self, snapshot: Snapshot | None) -> None:
        """Another engine may want another theme; something new may want to be heard."""
        hello = self.client.link.hello
        if hello is not self._greeted:
            self._greeted = hello
            self.looks.dress(hello)
        if snapshot is not None and snapshot is not self.scene.snapshot:
            self._pace.look(snapshot.engine)
            rings, notice = self.alarms.heard(snapshot)
            if rings:
                self.bell()
            if notice and self._driver is not None and not self.is_headless:
                self._driver.write(notice_sequence(notice))

    def is_in_front(self, screen: Screen[None]) -> bool:
        return self.is_running and self.page is screen

    def tell_story(self, name: str, whose: str = "") -> None:
        self.book.tell_story(name, whose)

    def foot_line(self, width: int) -> Line:
        return self.foot.line(self.scene, width)

    def show_foot(self) -> None:
        """The bottom line once more: something of it is another."""
        if self.page is not None and self.page.is_mounted:
            self.page.show_foot()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor that blinks would write to the line twice a second, all day."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_key(self, event: Key) -> None:
        """What was typed before its line had the focus is the line's, and no command."""
        line = self.focused
        if isinstance(line, Input) and event.is_printable:
            event.prevent_default().stop()
            line.post_message(Key(event.key, event.character))

    def on_command_wanted(self, wanted: CommandWanted) -> None:
        self.orders.send(wanted)

    def on_key_clicked(self, clicked: KeyClicked) -> None:
        """A click is the key. Of flatten and of leaving it is the first press, and never the second."""
        key = self.foot.key_told(clicked.key)
        if key is FLATTEN and not self.orders.is_armed:
            self.orders.flatten()
        elif key is QUIT and not self.door.is_ajar:
            self.door.interrupt()
        elif key is not None and key not in {FLATTEN, QUIT}:
            self.simulate_key(self.foot.press_of(key))

    def action_halt(self) -> None:
        self.orders.halt()

    def action_flatten(self) -> None:
        self.orders.flatten()

    def action_disarm(self) -> None:
        """Escape outside of a dialog: the armed flatten first, else the filter that hides something."""
        if self.orders.is_armed:
            self.orders.disarm()
        elif isinstance(self.screen, Page):
            self.screen.show_all()

    def action_resume(self) -> None:
        self.orders.resume(self.scene, lambda: self.scene)

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.foot.help()))

    def action_page(self, number: int) -> None:
        """A number key; a dialog is answered first."""
        if isinstance(self.screen, Page):
            self.book.go_to(number)

    def action_leave(self) -> None:
        """Quit the desk; what becomes of the engine is told in the last line."""
        self.door.leave()

    def action_interrupt(self) -> None:
        self.door.interrupt()


if TYPE_CHECKING:
    _for_screens: type[Desk] = RatchetDesk
    _for_the_palette: type[Stock] = RatchetDesk
