"""What waits for yes or no."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType, Keymap
from textual.widget import Widget

from engine.protocol import ApprovalView
from tui.keymaps import shown_keys
from tui.messages import ApprovalAnswered
from tui.view_model.approvals import approvals
from tui.view_model.footer import Hint
from tui.view_model.ink import Ink
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet

FRAME: Final = 2


class ApprovalsPanel(Sheet, can_focus=True):
    """Shown only while something waits. It never takes the focus by itself: a yes is two deliberate acts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", "yes", id="approval.yes"),
        Binding("n", "answer(False)", "no", id="approval.no"),
        Binding("h", "answer_half", "half", id="approval.half", show=False),
        Binding("down,j", "move(1)", "next", id="approval.next", show=False),
        Binding("up,k", "move(-1)", "previous", id="approval.previous", show=False),
    ]

    DEFAULT_CSS = """
    ApprovalsPanel {
        border: round $ink-warn; border-title-color: $ink-warn; border-subtitle-color: $ink-label;
        display: none;
        &.-waiting { display: block; }
        &:focus { border: heavy $ink-warn; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._waiting: tuple[ApprovalView, ...] = ()
        self._mark: tuple[str, int] | None = None
        self._scene: Scene | None = None

    def redraw(self) -> None:
        if self._scene is not None:
            self.show(self._scene)

    def show(self, scene: Scene) -> None:
        self._scene = scene
        waiting = scene.snapshot.approvals if scene.snapshot else ()
        if not waiting and not self._waiting:
            return
        self._waiting = waiting
        self.set_class(bool(self._waiting), "-waiting")
        how = " · ".join(map(" ".join, self.keys)) if self.has_focus else "tab to answer"
        self.entitle(f"Approvals · {len(self._waiting)} waiting", how)
        marked = self._marked if self.has_focus else None
        chosen = -1 if marked is None else self._waiting.index(marked)
        self.draw(approvals(scene, self.room or self._room_to_come, chosen))

    @property
    def _room_to_come(self) -> int:
        """What a line will have once the panel is shown: its first height is already the right one."""
        beside = self.parent
        return beside.size.width - FRAME if isinstance(beside, Widget) else 0

    @property
    def _marked(self) -> ApprovalView | None:
        """The one that a key answers. When it is gone none is marked until the trader marks another: a second
        press never answers the next question unread.
        """
        return next((each for each in self._waiting if (each.cycle, each.rung) == self._mark), None)

    @property
    def keys(self) -> tuple[Hint, ...]:
        """What the keys do now, as they are pressed now."""
        changed: Keymap = getattr(self.app, "keymap", {})
        marked = self._marked
        half = ("half",) if marked is not None and marked.half is not None else ()
        ways = ("yes", *half, "no")
        pressed = tuple((shown_keys(f"approval.{word}", changed)[0], word) for word in ways)
        return ((pressed[0][0], "marks one"),) if marked is None else pressed

    def action_answer(self, yes: bool) -> None:
        if (marked := self._marked) is not None:
            self.post_message(ApprovalAnswered(marked, yes))
        elif yes:
            self.action_move(0)

    def action_answer_half(self) -> None:
        if (marked := self._marked) is not None and marked.half is not None:
            self.post_message(ApprovalAnswered(marked, yes=True, half=True))

    def on_click(self, event: events.Click) -> None:
        """A click marks what is under it, and answers nothing."""
        inside = event.get_content_offset(self)
        if inside is None or (row := inside.y + self.scroll_offset.y) >= len(self.lines):
            return
        self._mark_number(sum(start <= row for start in self._starts) - 1)

    def action_move(self, by: int) -> None:
        """Mark the one before or after; the first one when none is marked."""
        if not self._waiting:
            return
        at = 0 if (marked := self._marked) is None else self._waiting.index(marked) + by
        self._mark_number(at % len(self._waiting))

    def _mark_number(self, number: int) -> None:
        if number < len(self._waiting):
            chosen = self._waiting[number]
            self._mark = chosen.cycle, chosen.rung
            self.redraw()
            self._bring_into_view(number)

    @property
    def _starts(self) -> list[int]:
        """The first line of each."""
        return [y for y, spans in enumerate(self.lines) if spans[0].ink is Ink.ACCENT]

    def _bring_into_view(self, number: int) -> None:
        """Nobody answers what cannot be read: the marked one whole, as far as there is height."""
        top, end = (*self._starts, len(self.lines))[number : number + 2]
        height, scrolled = self.size.height, self.scroll_offset.y
        if top < scrolled or end > scrolled + height:
            self.scroll_to(y=min(top, max(0, end - height)), animate=False)

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        if _has_focus and self._marked is None:
            self.action_move(0)
        self.redraw()
