"""What waits for yes or no."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.protocol import ApprovalView
from tui.messages import ApprovalAnswered
from tui.view_model.approvals import approvals
from tui.view_model.scene import Scene
from tui.widgets.sheet import Sheet


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
        self._chosen = 0
        self._scene: Scene | None = None

    def redraw(self) -> None:
        if self._scene is not None:
            self.show(self._scene)

    def show(self, scene: Scene) -> None:
        self._scene = scene
        self._keep_choice(scene.snapshot.approvals if scene.snapshot else ())
        self.set_class(bool(self._waiting), "-waiting")
        how = (
            f"enter yes · {'h half · ' if self._has_half else ''}n no" if self.has_focus else "tab to answer"
        )
        self.entitle(f"Approvals · {len(self._waiting)} waiting", how)
        self.draw(approvals(scene, self.room, self._chosen if self.has_focus else -1))

    def _keep_choice(self, waiting: tuple[ApprovalView, ...]) -> None:
        """The cursor stays on its approval when others come and go: a key never answers another question than
        the one marked.
        """
        marked = self._waiting[self._chosen] if self._chosen < len(self._waiting) else None
        self._waiting = waiting
        same = (
            k for k, a in enumerate(waiting) if marked and (a.cycle, a.rung) == (marked.cycle, marked.rung)
        )
        self._chosen = next(same, 0)

    def action_answer(self, yes: bool) -> None:
        if self._waiting:
            self.post_message(ApprovalAnswered(self._waiting[self._chosen], yes))

    @property
    def _has_half(self) -> bool:
        marked = self._waiting[self._chosen] if self._chosen < len(self._waiting) else None
        return marked is not None and marked.half is not None

    def action_answer_half(self) -> None:
        if self._has_half:
            self.post_message(ApprovalAnswered(self._waiting[self._chosen], yes=True, half=True))

    def action_move(self, by: int) -> None:
        if self._waiting and self._scene:
            self._chosen = (self._chosen + by) % len(self._waiting)
            self.show(self._scene)

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self.redraw()
