"""The Desk: account strip, positions, the ladder of the selected one, approvals and the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from engine.protocol import (
    Adopt,
    Approve,
    ChartView,
    Coming,
    Deny,
    Pause,
    PositionView,
    Side,
    Status,
    Unpause,
)
from tui.client import EngineUnheard
from tui.errand import send_off
from tui.keymaps import DESK_KEYS, bindings
from tui.messages import ApprovalAnswered, CommandWanted, FilterChanged, PositionChosen
from tui.screens.page import Page
from tui.view_model.asking import adopt_question, copied, unpause_question
from tui.view_model.scene import Scene
from tui.widgets.account_strip import AccountStrip
from tui.widgets.approvals_panel import ApprovalsPanel
from tui.widgets.event_log import EventLog
from tui.widgets.ladder_panel import LadderPanel
from tui.widgets.positions_grid import PositionsGrid

if TYPE_CHECKING:
    from tui.screens.ticket import Order
    from tui.view_model.choices import Choice
    from tui.view_model.ticket import Does, Unit
    from tui.widgets.chart_panel import ChartPanel


CHART_S: Final = 2.0
"""How often the chart is read again while it is shown."""

BOTH: Final = 9
"""Lines that the ladder and the log need one above the other; with less the ladder has them alone."""


class DeskScreen(Page):
    """Everything a trader watches, on one page."""

    KEYS = DESK_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(DESK_KEYS)
    LINES: ClassVar[Mapping[str, str]] = {
        "filter": "filter: symbol, side, status · enter keeps it · esc shows all"
    }
    AUTO_FOCUS: ClassVar[str | None] = "PositionsGrid"

    def __init__(self) -> None:
        super().__init__()
        self.grid = PositionsGrid(id="positions")
        self._strip, self._ladder = AccountStrip(id="strip"), LadderPanel(id="ladder")
        self._approvals, self._events = ApprovalsPanel(id="approvals"), EventLog(id="log")
        self._panel: ChartPanel | None = None
        self._chart: ChartView | None = None
        self._trouble = ""

    def on_mount(self) -> None:
        self.set_interval(CHART_S, self._read_chart)

    def parts(self) -> Iterable[Widget]:
        yield self._strip
        yield self.grid
        chart = (self._new_chart(),) if self.desk.looks.has_chart else ()
        self.set_class(bool(chart), "-charted")
        beside = Vertical(self._approvals, self._events, id="beside")
        yield Container(self._ladder, *chart, beside, id="below")

    def show_parts(self, scene: Scene) -> None:
        self.set_class(bool(scene.snapshot and scene.snapshot.approvals), "-waiting")
        self.set_class(0 < self.query_one("#below").size.height < BOTH, "-full")
        self._strip.show(scene, self.size)
        self.grid.show(scene)
        self._show_position()
        self._show_approvals(scene)
        self._events.show(scene)

    def _show_approvals(self, scene: Scene) -> None:
        """The keys go back to the positions with the last answer."""
        panel = self._approvals
        answered = panel.has_focus
        panel.show(scene)
        if answered and not panel.has_class("-waiting"):
            self.grid.focus()

    def _show_position(self) -> None:
        """The selected position's ladder, or its chart in the same place; beside it where there is room."""
        position = self.grid.position
        if self.is_charted:
            self._chart_panel().show(self.desk.scene, position, self._chart, self._trouble)
        if not self.is_charted or self.has_class("-wide"):
            self._ladder.show(self.desk.scene, position)

    def on_position_chosen(self, message: PositionChosen) -> None:
        self._show_position()
        self._read_chart()

    def on_approval_answered(self, message: ApprovalAnswered) -> None:
        waiting = message.approval
        words = f"{waiting.symbol} {waiting.side} {waiting.what}"
        if message.yes:
            approve = Approve(waiting.cycle, waiting.rung, half=message.half)
            self.post_message(CommandWanted(approve, f"approve {'half of ' if message.half else ''}{words}"))
        else:
            self.post_message(CommandWanted(Deny(waiting.cycle, waiting.rung), f"deny {words}"))

    def on_filter_changed(self, message: FilterChanged) -> None:
        self.grid.filter(message.words)
        self._show_position()
        if message.closed:
            self.close_line()
            self.grid.focus()

    def action_filter(self) -> None:
        self.open_line()

    def action_sort(self) -> None:
        self.grid.sort_on()

    @property
    def _row(self) -> PositionView | Coming | None:
        """What the cursor stands on."""
        return self.grid.position or self.grid.coming

    def action_copy_row(self) -> None:
        if (of := self._row) is not None:
            self.app.copy_to_clipboard(copied(of))
            self.desk.orders.tell(
                f"copy {of.symbol} {of.side}", "on the clipboard, where the terminal allows it"
            )

    def action_menu(self) -> None:
        of = self._row
        if of is None:
            self.desk.orders.refuse("menu", "there is no position to choose for")
        elif isinstance(of, PositionView):
            from tui.screens.position_menu import PositionMenu

            self.app.push_screen(PositionMenu(of), partial(self._chosen, of))
        else:
            from tui.screens.coming_menu import ComingMenu

            self.app.push_screen(ComingMenu(of), partial(self._chosen, of))

    def _chosen(self, of: PositionView | Coming, choice: Choice | None) -> None:
        """What the menu came back with: asked first when it adds risk, else sent."""
        if choice is None:
            return
        if choice.command is not None:
            wanted = CommandWanted(choice.command, choice.name)
            if choice.question is not None:
                self.desk.orders.ask(choice.question, wanted)
            else:
                self.desk.orders.send(wanted)
        elif choice.opens == "part":
            from tui.view_model.ticket import Does, Unit

            does = Does.REDUCE_LONG if of.side is Side.LONG else Does.REDUCE_SHORT
            self._open_ticket(of.symbol, does, Unit.PART)
        else:
            {"ticket": self.action_ticket, "chart": self.action_chart, "story": self.action_why}[
                choice.opens
            ]()

    def action_ticket(self) -> None:
        from tui.view_model.ticket import Does

        of = self._row
        short = of is not None and of.side is Side.SHORT
        self._open_ticket(of.symbol if of else "", Does.SHORT if short else Does.LONG)

    def _open_ticket(self, symbol: str, does: Does, unit: Unit | None = None) -> None:
        if self.desk.read_only:
            self.desk.orders.refuse("ticket", "this desk was attached read-only")
            return
        from tui.screens.ticket import Ticket

        ticket = Ticket(symbol, does) if unit is None else Ticket(symbol, does, unit)
        self.app.push_screen(ticket, self._ordered)

    def _ordered(self, order: Order | None) -> None:
        if order is None:
            return
        wanted = CommandWanted(order.command, order.name)
        if order.question is not None:
            self.desk.orders.ask(order.question, wanted)
        else:
            self.desk.orders.send(wanted)

    @property
    def is_charted(self) -> bool:
        """Whether the chart is shown."""
        return self.has_class("-charted")

    def _chart_panel(self) -> ChartPanel:
        """The chart, made when it is wanted first."""
        panel = self._panel
        if panel is None:
            panel = self._new_chart()
            self.query_one("#below", Container).mount(panel, after=self._ladder)
        return panel

    def _new_chart(self) -> ChartPanel:
        from tui.widgets.chart_panel import ChartPanel

        self._panel = ChartPanel(id="chart")
        return self._panel

    def action_chart(self) -> None:
        self.toggle_class("-charted")
        self.desk.looks.keep_chart(shown=self.is_charted)
        self._read_chart()
        self._show_position()

    def _read_chart(self) -> None:
        if self.is_charted and self.desk.is_in_front(self) and self.grid.position is not None:
            send_off(self, self._fetch_chart, "chart")

    async def _fetch_chart(self) -> None:
        position = self.grid.position
        if position is None:
            return
        try:
            self._chart = await self.desk.client.look(f"/v1/chart/{position.symbol}", ChartView)
            self._trouble = ""
        except EngineUnheard as error:
            self._trouble = str(error)
        self._show_position()

    def action_why(self) -> None:
        if position := self.grid.position:
            from tui.view_model.story import named

            self.desk.tell_story(position.cycle or position.symbol, named(position))
        elif entry := self.grid.coming:
            self.desk.tell_story(entry.symbol, "")

    def action_adopt(self) -> None:
        position = self.grid.position
        if position is None or position.managed:
            self.desk.orders.refuse("adopt", "select an unmanaged position first")
            return
        if not position.can_adopt:
            self.desk.orders.refuse(f"adopt {position.symbol}", f"not possible: {position.reason}")
            return
        wanted = CommandWanted(
            Adopt(position.symbol, position.side), f"adopt {position.symbol} {position.side}"
        )
        self.desk.orders.ask(adopt_question(position), wanted)

    def action_pause(self) -> None:
        position = self.grid.position
        if position is None or not position.managed:
            self.desk.orders.refuse("pause", "select a managed position first")
            return
        name = f"{position.symbol} {position.side}"
        if position.status is Status.PAUSED:
            wanted = CommandWanted(Unpause(position.symbol, position.side), f"scale {name} again")
            self.desk.orders.ask(unpause_question(position), wanted)
        else:
            self.post_message(CommandWanted(Pause(position.symbol, position.side), f"pause {name}"))

    def action_hand(self) -> None:
        self.desk.lending.open()
