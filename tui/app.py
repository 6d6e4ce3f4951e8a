"""The desk as an application: it owns the client and the scene, and sends what the trader asks for. It
decides nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.signal import Signal

from engine.protocol import Flatten, Halt, Hello, Resume, Snapshot, Verdict
from tui.alarms import Alarms, notice_sequence
from tui.arming import Arming
from tui.ascii_only import AsciiOnly
from tui.client import EngineClient, EngineUnheard
from tui.hand import Hand, HandRefused, lend
from tui.keymaps import APP_KEYS, FLATTEN, HAND, OTHER_KEYS, Key, bindings, keymap_of
from tui.leaving import Leaving, parting, terminal_name
from tui.link import LinkState
from tui.messages import CommandWanted
from tui.pages import PAGES
from tui.palette import DeskCommands
from tui.screens.ask import Ask
from tui.screens.hand_menu import Choice, HandMenu
from tui.screens.help import HelpScreen
from tui.screens.page import Page
from tui.terse import terse_driver
from tui.themes import INK_DEFAULTS
from tui.view_model.asking import Question, resume_question
from tui.view_model.footer import SHOWN_S, Dispatch, Hint, Reply, arming_line, footer
from tui.view_model.ink import Line
from tui.view_model.scene import Scene
from tui.wardrobe import Wardrobe

SAMPLE_S: Final = 0.25
"""The screen looks at the newest snapshot four times a second, however many there are."""


WARDROBE_S: Final = 1.0
"""How often the theme folders are looked into."""

HINTS: Final = 8
"""A bottom line with more keys than this is read by nobody."""


class RatchetDesk(App[int]):
    """The terminal desk of one engine."""

    TITLE = "Ratchet"
    CSS_PATH = "desk.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[DeskCommands]]] = {DeskCommands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(APP_KEYS),
        Binding("ctrl+p", "command_palette", "Palette", id="palette", show=False, priority=True, system=True),
        Binding("ctrl+q", "leave", "Quit", id="quit.also", show=False),
        Binding("ctrl+c", "help_quit", "How to quit", show=False, system=True),
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
        keymap: str | Mapping[str, str] = "default",
        ascii: bool = False,
        alarms: Alarms | None = None,
        farewell: str | None = None,
        steady: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sample_s: float = SAMPLE_S,
    ) -> None:
        colourless = "NO_COLOR" in os.environ
        self.ascii = ascii
        super().__init__(ansi_color=True if colourless else None)
        self.client = client
        self.read_only = read_only
        self.hand = hand
        self.farewell = farewell
        self.scene = Scene(client.link, read_only=read_only)
        self.scene_changed: Signal[Scene] = Signal(self, "scene")
        self.arming = Arming()
        self.dispatch: Dispatch | None = None
        self._steady, self._wall, self._sample_s = steady, wall, sample_s
        self._moment: tuple[object, ...] = ()
        self._pages: dict[int, Page] = {}
        self.wardrobe = Wardrobe(theme_folders, wanted=theme or "", worn=themes, colourless=colourless)
        self.wardrobe.load()
        self._told: set[str] = set()
        self._problems = self.wardrobe.problems
        self._dress()
        self._greeted: Hello | None = None
        self.alarms = alarms or Alarms()
        self._problems += self.use_keymap(keymap)

    def use_keymap(self, keymap: str | Mapping[str, str]) -> tuple[str, ...]:
        """Bind the keys by the name of a keymap or by the trader's own table; returns what was wrong."""
        keys, wrong = keymap_of(keymap)
        self.keymap_name = "your own" if not isinstance(keymap, str) else "default" if wrong else keymap
        self.set_keymap(keys)
        return wrong

    def choose_theme(self) -> None:
        """A list of themes; what the cursor stands on is put on at once."""
        from tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self.tell(f"theme {name}", f'to keep it write theme = "{name}" under [desk]')

        def put_on(name: str) -> None:
            self.theme = name

        self.push_screen(Chooser("Theme", self.wardrobe.names, self.theme, put_on), chosen)

    def _dress(self) -> None:
        """Put on what the wardrobe has for this account."""
        for one in self.wardrobe.themes:
            self.register_theme(one)
        name, problem = self.wardrobe.choice(self.client.link.hello)
        if problem and problem not in self._told:
            self._told.add(problem)
            self._problems += (problem,)
        if name in self.available_themes:
            self.theme = name

    def _look_into_wardrobe(self) -> None:
        """A theme file that was written is worn at once; a bad one is told."""
        if not self.wardrobe.is_changed():
            return
        self.wardrobe.load()
        for one in self.wardrobe.themes:
            self.register_theme(one)
        for problem in self.wardrobe.problems:
            self.notify(problem, severity="warning", timeout=12, markup=False)
        if self.theme in self.available_themes:
            self._watch_theme(self.theme)

    def get_driver_class(self) -> type[Driver]:
        """A terminal of our own is written to in fewer bytes."""
        driver = super().get_driver_class()
        return terse_driver(driver) if driver.__name__ == "LinuxDriver" else driver

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The inks, for a theme that is not one of ours."""
        return dict(INK_DEFAULTS)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With `--ascii` the last filter lets nothing else through."""
        filters = super().get_line_filters()
        return (*filters, AsciiOnly()) if self.ascii else filters

    def on_mount(self) -> None:
        self.go_to(1)
        self.set_interval(self._sample_s, self.sample)
        self.set_interval(WARDROBE_S, self._look_into_wardrobe)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first picture: the engine is looked for, and what was wrong with the settings is said."""
        self.run_worker(self.client.watch(), name="watch", group="watch", exclusive=True, exit_on_error=True)
        for problem in self._problems:
            self.notify(problem, severity="warning", timeout=12, markup=False)

    @property
    def page(self) -> Page | None:
        """The numbered screen in front, with or without a dialog over it."""
        pages = (screen for screen in reversed(self.screen_stack) if isinstance(screen, Page))
        return next(pages, None)

    def go_to(self, number: int) -> Page:
        """Bring a screen to the front; it is made at its first time and kept after that."""
        door = PAGES[number - 1]
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = door.open()
            self.install_screen(page, door.name)
        if self.page is None:
            self.push_screen(door.name)
        elif self.page is not page:
            self.switch_screen(door.name)
        return page

    def sample(self) -> None:
        """Look at the newest snapshot; tell the screen when it is another moment."""
        snapshot, elapsed = self.client.newest()
        self._hear(snapshot)
        self.scene = Scene(self.client.link, snapshot, elapsed, self._wall(), self.read_only)
        since = (self.scene.now - self.scene.link.since) // 1000 if self.scene.is_gone else 0
        moment = (snapshot, self.scene.link, elapsed // 1000, since, self._is_armed())
        self._forget_answer()
        if len(self._moment) != len(moment) or any(
            a is not b and a != b for a, b in zip(moment, self._moment, strict=True)
        ):
            self._moment = moment
            self.scene_changed.publish(self.scene)

    def _hear(self, snapshot: Snapshot | None) -> None:
        """Another engine may want another theme; something new may want to be heard."""
        hello = self.client.link.hello
        if hello is not self._greeted:
            self._greeted = hello
            self._dress()
        if snapshot is not None and snapshot is not self.scene.snapshot:
            rings, notice = self.alarms.heard(snapshot)
            if rings:
                self.bell()
            if notice and self._driver is not None and not self.is_headless:
                self._driver.write(notice_sequence(notice))

    def _is_armed(self) -> bool:
        return self.arming.is_armed(self._steady())

    def _forget_answer(self) -> None:
        done = self.dispatch is not None and self.dispatch.reply is not Reply.SENT
        if done and self.dispatch and self._steady() - self.dispatch.at > SHOWN_S:
            self.dispatch = None
            self._show_foot()

    def foot(self, width: int) -> Line:
        """The bottom line as it is now."""
        if self._is_armed():
            return arming_line(self.scene.positions, width, key=self.key_of(FLATTEN))
        tabs = tuple((d.number, d.name, self._pages.get(d.number) is self.page) for d in PAGES)
        return footer(self.scene, self.dispatch, self._hints(), width, tabs)

    def _hints(self) -> tuple[Hint, ...]:
        own = self.page.KEYS if self.page else ()
        found = (k for k in (*own, *APP_KEYS) if k.hint and self.offers(k) and self._is_timely(k))
        ranked = sorted(found, key=lambda key: key.rank)
        return tuple((self.key_of(key), key.hint) for key in ranked[:HINTS])

    def _is_timely(self, key: Key) -> bool:
        """Whether the bottom line spends room on this key now."""
        if key.id == "adopt":
            return any(position.can_adopt for position in self.scene.positions)
        return bool(self.scene.killed) if key.id == "resume" else True

    def offers(self, key: Key) -> bool:
        """Whether this key does something here: no hand without a simulation, no page that is not there, no
        command read-only.
        """
        if key.id == HAND.id:
            hello = self.client.link.hello
            return self.hand is not None and hello is not None and hello.hand and not self.read_only
        return not (self.read_only and key.id in {"halt", "flatten", "resume", "adopt", "pause", "ticket"})

    def key_of(self, key: Key) -> str:
        """The key as the trader presses it now: `^K`, `/`, `?`."""
        keys = self._keymap.get(key.id, key.keys).split(",")
        names = {"slash": "/", "question_mark": "?", "escape": "esc"}
        shown = [f"^{k[5:].upper()}" if k.startswith("ctrl+") else names.get(k, k) for k in keys]
        return shown[-1] if key.id == "help" else shown[0]

    def _show_foot(self) -> None:
        if self.page is not None and self.page.is_mounted:
            self.page.show_foot()

    def tell(self, words: str, text: str) -> None:
        """Something the desk did itself."""
        self._answer(Dispatch(words, Reply.DONE, text, self._steady()))

    def refuse(self, words: str, text: str) -> None:
        """Something the desk will not send, and why."""
        self._answer(Dispatch(words, Reply.REFUSED, text, self._steady()))

    def _answer(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self._show_foot()

    def on_command_wanted(self, wanted: CommandWanted) -> None:
        self.order(wanted)

    def order(self, wanted: CommandWanted) -> None:
        """Send a command: `sent` at once, the engine's answer when it comes."""
        if self.read_only:
            self.refuse(wanted.words, "this desk was attached read-only")
            return
        self._answer(Dispatch(wanted.words, Reply.SENT, at=self._steady()))
        self.run_worker(self._deliver(wanted), group="command", exit_on_error=True)

    async def _deliver(self, wanted: CommandWanted) -> None:
        try:
            answer = await self.client.send(wanted.command)
        except EngineUnheard as error:
            self._answer(Dispatch(wanted.words, Reply.UNHEARD, str(error), self._steady()))
            self.bell()
            return
        reply = Reply.DONE if answer.verdict is Verdict.DONE else Reply.REFUSED
        self._answer(Dispatch(wanted.words, reply, answer.text, self._steady()))

    def ask(self, question: Question, wanted: CommandWanted) -> None:
        """Ask before risk is added; only a yes sends."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.order(wanted)

        if self.read_only:
            self.refuse(wanted.words, "this desk was attached read-only")
        else:
            self.push_screen(Ask(question), answered)

    def action_halt(self) -> None:
        """One press, over everything."""
        self.order(CommandWanted(Halt(), "halt"))

    def action_flatten(self) -> None:
        """The first press arms, the second within three seconds fires."""
        if self.read_only:
            self.refuse("flatten", "this desk was attached read-only")
        elif self.arming.press(self._steady()):
            self.order(CommandWanted(Flatten(), "flatten"))
        else:
            self._show_foot()

    def action_disarm(self) -> None:
        self.arming.release()
        self._show_foot()

    def action_resume(self) -> None:
        if not self.scene.killed:
            self.refuse("resume", "trading is not halted")
            return
        self.ask(resume_question(self.scene), CommandWanted(Resume(), "resume"))

    def tell_story(self, name: str) -> None:
        """The Journal, on the story of a symbol, a cycle or an order."""
        from tui.screens.journal import JournalScreen

        page = self.go_to(4)
        assert isinstance(page, JournalScreen)
        self.call_after_refresh(page.tell, name)

    def action_help(self) -> None:
        own = self.page.KEYS if self.page else ()
        keys = tuple((self._all_keys_of(key), key.words) for key in (*own, *APP_KEYS) if self.offers(key))
        self.push_screen(HelpScreen((*keys, *OTHER_KEYS)))

    def _all_keys_of(self, key: Key) -> str:
        names = {"slash": "/", "question_mark": "?", "f1": "F1"}
        return "  ".join(names.get(k, k) for k in self._keymap.get(key.id, key.keys).split(","))

    def action_page(self, number: int) -> None:
        """A number key; a dialog is answered first."""
        if isinstance(self.screen, Page):
            self.go_to(number)

    def open_hand(self) -> None:
        """The hand's menu, in a simulation."""
        if self.hand is not None and self.offers(HAND):
            self.push_screen(HandMenu(self.hand), self._use_hand)

    def _use_hand(self, choice: Choice | None) -> None:
        if choice is not None and self.hand is not None:
            self.run_worker(self._lend(self.hand, choice), group="hand", exit_on_error=True)

    async def _lend(self, hand: Hand, choice: Choice) -> None:
        words = f"hand: {' '.join(str(word) for word in choice if word)}"
        self._answer(Dispatch(words, Reply.SENT, at=self._steady()))
        try:
            told = await lend(hand, *choice)
        except HandRefused as error:
            self.refuse(words, str(error))
        else:
            self.tell(words, told)

    def action_leave(self) -> None:
        """Quit the desk; the engine keeps running, and the last line says so."""
        up = self.client.link.state is LinkState.UP
        told = parting(self.client.link.hello, up=up) if self.farewell is None else self.farewell
        self.exit(0, message=told or None)


def run_desk(
    socket: Path,
    *,
    read_only: bool = False,
    theme: str | None = None,
    themes: Mapping[str, str] | None = None,
    theme_folders: Sequence[Path] = (),
    keymap: str | Mapping[str, str] = "default",
    ascii: bool = False,
    alarms: Alarms | None = None,
    mouse: bool = True,
    hand: Hand | None = None,
    farewell: str | None = None,
    by: str = "",
) -> int:
    """Run the desk on the engine's socket until the trader quits.

    `farewell` is the last line in the trader's shell instead of the usual one: for an engine that ends with
    the desk. Returns the exit code: 0, or 128 + n after signal n.
    """
    desk = RatchetDesk(
        EngineClient(socket, by=by or f"desk on {terminal_name()}"),
        read_only=read_only,
        hand=hand,
        theme=theme,
        themes=themes,
        theme_folders=theme_folders,
        keymap=keymap,
        ascii=ascii,
        alarms=alarms,
        farewell=farewell,
    )

    def leave(number: int) -> None:
        desk.call_later(desk.exit, 128 + number)

    with Leaving(leave):
        code = desk.run(mouse=mouse)
    return code if code is not None else desk.return_code or 0
