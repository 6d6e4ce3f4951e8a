"""What the trader asks of the engine at this desk, and what became of it: halt, flatten, resume, and whatever
a screen wants sent. Reducing risk goes at once; adding asks first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from engine.protocol import Flatten, Halt, Resume, Verdict
from tui.arming import Arming
from tui.client import EngineClient, EngineUnheard
from tui.messages import CommandWanted
from tui.view_model.footer import SHOWN_S, Dispatch, Reply
from tui.view_model.scene import Scene

if TYPE_CHECKING:
    from tui.view_model.asking import Question

READ_ONLY = "this desk was attached read-only"


class Orders:
    """The last command and its answer, and flatten's safety catch. `steady` is a clock in seconds, `told` is
    called when there is something else to tell.
    """

    def __init__(
        self,
        app: App[int],
        client: EngineClient,
        steady: Callable[[], float],
        told: Callable[[], None],
        *,
        read_only: bool = False,
    ) -> None:
        self._app = app
        self._client = client
        self._steady = steady
        self._told = told
        self.read_only = read_only
        self._arming = Arming()
        self.last: Dispatch | None = None

    @property
    def is_armed(self) -> bool:
        """Whether one more press flattens."""
        return self._arming.is_armed(self._steady())

    def halt(self) -> None:
        """One press, over everything."""
        self.send(CommandWanted(Halt(), "halt"))

    def flatten(self) -> None:
        """The first press arms, the second within three seconds fires."""
        if self.read_only:
            self.refuse("flatten", READ_ONLY)
        elif self._arming.press(self._steady()):
            self.send(CommandWanted(Flatten(), "flatten"))
        else:
            self._told()

    def disarm(self) -> None:
        """Flatten needs two presses again."""
        self._arming.release()
        self._told()

    def resume(self, scene: Scene, newest: Callable[[], Scene]) -> None:
        """Trading goes on after a yes. It is a yes to the halt that was asked about, and to none that another
        desk has put in its place meanwhile.
        """
        from tui.view_model.asking import resume_question

        def objection() -> str:
            now = newest()
            same = not now.killed or now.halt == scene.halt
            return "" if same else "halted again since it was asked: read why, and ask once more"

        if scene.killed:
            self.ask(resume_question(scene), CommandWanted(Resume(), "resume"), objection)
        else:
            self.refuse("resume", "trading is not halted")

    def ask(
        self, question: Question, wanted: CommandWanted, objection: Callable[[], str] = lambda: ""
    ) -> None:
        """Ask before risk is added; only a yes sends, and only while there is no objection."""
        from tui.screens.ask import Ask

        def answered(yes: bool | None) -> None:
            if yes and (why := objection()):
                self.refuse(wanted.words, why)
            elif yes:
                self.send(wanted)

        if self.read_only:
            self.refuse(wanted.words, READ_ONLY)
        else:
            self._app.push_screen(Ask(question), answered)

    def send(self, wanted: CommandWanted) -> None:
        """Send a command: `sent` at once, the engine's answer when it comes."""
        if self.read_only:
            self.refuse(wanted.words, READ_ONLY)
            return
        self.begin(wanted.words)
        self._app.run_worker(self._deliver(wanted), group="command", exit_on_error=True)

    async def _deliver(self, wanted: CommandWanted) -> None:
        try:
            answer = await self._client.send(wanted.command)
        except EngineUnheard as error:
            self._note(wanted.words, Reply.UNHEARD, str(error))
            self._app.bell()
            return
        reply = Reply.DONE if answer.verdict is Verdict.DONE else Reply.REFUSED
        self._note(wanted.words, reply, answer.text)

    def begin(self, words: str) -> None:
        """Something is under way."""
        self._note(words, Reply.SENT)

    def tell(self, words: str, text: str) -> None:
        """Something the desk did itself."""
        self._note(words, Reply.DONE, text)

    def refuse(self, words: str, text: str) -> None:
        """Something the desk will not send, and why."""
        self._note(words, Reply.REFUSED, text)

    def _note(self, words: str, reply: Reply, text: str = "") -> None:
        self.last = Dispatch(words, reply, text, self._steady())
        self._told()

    def forget(self) -> None:
        """An answer gives its place back to the keys once it was long enough in view."""
        done = self.last is not None and self.last.reply is not Reply.SENT
        if done and self.last and self._steady() - self.last.at > SHOWN_S:
            self.last = None
            self._told()
