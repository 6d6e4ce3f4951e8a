"""The Desk: account strip, positions, the ladder of the selected one, approvals and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen

from engine.protocol import Adopt, Approve, Deny, Pause, Status, Unpause
from tui.keymaps import DESK_KEYS, bindings
from tui.messages import ApprovalAnswered, CommandWanted, FilterChanged, PositionChosen
from tui.view_model.asking import adopt_question, copied, unpause_question
from tui.view_model.obstacle import obstacle
from tui.view_model.scene import Scene
from tui.widgets.account_strip import AccountStrip
from tui.widgets.approvals_panel import ApprovalsPanel
from tui.widgets.event_log import EventLog
from tui.widgets.filter_line import FilterLine
from tui.widgets.foot_line import FootLine
from tui.widgets.header import Header
from tui.widgets.ladder_panel import LadderPanel
from tui.widgets.obstacle import ObstaclePanel
from tui.widgets.positions_grid import PositionsGrid

if TYPE_CHECKING:
    from tui.app import RatchetDesk


class DeskScreen(Screen[None]):
    """Everything a trader watches, on one page."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DESK_KEYS)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-medium"), (160, "-wide")]  # noqa: RUF012 - typed by Screen
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 - typed by Screen
    AUTO_FOCUS: ClassVar[str | None] = "PositionsGrid"

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield AccountStrip(id="strip")
        yield PositionsGrid(id="positions")
        with Container(id="below"):
            yield LadderPanel(id="ladder")
            with Vertical(id="beside"):
                yield ApprovalsPanel(id="approvals")
                yield EventLog(id="log")
        yield ObstaclePanel(id="obstacle")
        yield FilterLine(id="filter")
        yield FootLine(id="foot")

    @property
    def desk(self) -> RatchetDesk:
        """The application, with its own type."""
        from tui.app import RatchetDesk

        assert isinstance(self.app, RatchetDesk)
        return self.app

    @property
    def grid(self) -> PositionsGrid:
        return self.query_one(PositionsGrid)

    def on_mount(self) -> None:
        self.desk.scene_changed.subscribe(self, self.show)
        self.call_after_refresh(self.show_again)

    def on_resize(self, event: events.Resize) -> None:
        """Other widths: everything is drawn once more, after the layout knows the new sizes."""
        self.call_after_refresh(self.show_again)

    def show_again(self) -> None:
        """The newest scene once more."""
        self.show(self.desk.scene)

    def show(self, scene: Scene) -> None:
        """Hand the scene to every part; each paints only what differs."""
        hindered = obstacle(scene, self.size.width, self.size.height)
        self.set_class(hindered is not None, "-hindered")
        self.set_class(bool(scene.snapshot and scene.snapshot.approvals), "-waiting")
        with self.app.batch_update():
            if hindered is not None:
                self.query_one(ObstaclePanel).show(hindered)
            self.query_one(Header).show(scene, self.size)
            self.query_one(AccountStrip).show(scene, self.size)
            self.grid.show(scene)
            self.query_one(LadderPanel).show(scene, self.grid.position)
            self.query_one(ApprovalsPanel).show(scene)
            self.query_one(EventLog).show(scene)
            self.show_foot()

    def show_foot(self) -> None:
        """The bottom line alone: it changes with keys, not with the market."""
        self.query_one(FootLine).show(self.desk.foot(self.size.width))

    def on_position_chosen(self, message: PositionChosen) -> None:
        self.query_one(LadderPanel).show(self.desk.scene, self.grid.position)

    def on_approval_answered(self, message: ApprovalAnswered) -> None:
        waiting = message.approval
        words = f"{waiting.symbol} {waiting.side} rung {waiting.rung}"
        if message.yes:
            self.post_message(CommandWanted(Approve(waiting.cycle, waiting.rung), f"approve {words}"))
        else:
            self.post_message(CommandWanted(Deny(waiting.cycle, waiting.rung), f"deny {words}"))

    def on_filter_changed(self, message: FilterChanged) -> None:
        self.grid.filter(message.words)
        self.query_one(LadderPanel).show(self.desk.scene, self.grid.position)
        if message.closed:
            self.query_one(FilterLine).close()
            self.grid.focus()

    def action_filter(self) -> None:
        self.query_one(FilterLine).open()

    def action_sort(self) -> None:
        self.grid.sort_on()

    def action_copy_row(self) -> None:
        if position := self.grid.position:
            self.app.copy_to_clipboard(copied(position))
            self.desk.tell(
                f"copy {position.symbol} {position.side}", "on the clipboard, where the terminal allows it"
            )

    def action_adopt(self) -> None:
        position = self.grid.position
        if position is None or position.managed:
            self.desk.refuse("adopt", "select an unmanaged position first")
            return
        if not position.can_adopt:
            self.desk.refuse(f"adopt {position.symbol}", f"not possible: {position.reason}")
            return
        wanted = CommandWanted(
            Adopt(position.symbol, position.side), f"adopt {position.symbol} {position.side}"
        )
        self.desk.ask(adopt_question(position), wanted)

    def action_pause(self) -> None:
        position = self.grid.position
        if position is None or not position.managed:
            self.desk.refuse("pause", "select a managed position first")
            return
        name = f"{position.symbol} {position.side}"
        if position.status is Status.PAUSED:
            wanted = CommandWanted(Unpause(position.symbol, position.side), f"scale {name} again")
            self.desk.ask(unpause_question(position), wanted)
        else:
            self.post_message(CommandWanted(Pause(position.symbol, position.side), f"pause {name}"))

    def action_hand(self) -> None:
        self.desk.open_hand()
