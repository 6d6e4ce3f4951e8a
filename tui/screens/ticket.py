"""The order ticket: the trader's own hand, through the engine. Its effect is shown while it is written."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from engine.protocol import AnyCommand, PositionView, PreviewView, TicketView
from tui.client import EngineUnheard
from tui.desk import Desk, desk_of
from tui.errand import send_off
from tui.view_model.asking import Question
from tui.view_model.choices import reduce_facts
from tui.view_model.ink import printable
from tui.view_model.table import table
from tui.view_model.ticket import (
    Does,
    How,
    Unclear,
    Unit,
    Wish,
    entry,
    entry_question,
    facts,
    limit_facts,
    possible,
    reduction,
    units,
)
from tui.widgets.deliberate import DeliberateButton
from tui.widgets.toggle import Toggle

PAUSE_S: Final = 0.2
"""How long a field rests before the engine is asked what it would do."""

LOOK_AGAIN_S: Final = 1.5
WIDTH: Final = 62


class Order(msgspec.Struct, frozen=True):
    """A finished ticket: what to send, its name, and the question before it when it adds risk."""

    command: AnyCommand
    name: str
    question: Question | None


class Ticket(ModalScreen[Order | None]):
    """Returns the order; the desk asks with the focus on Cancel, and sends. Nothing goes out from here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "close", show=False)]
    AUTO_FOCUS: ClassVar[str | None] = "#amount"

    DEFAULT_CSS = """
    Ticket {
        align: center middle;
        background: transparent;
        & > Vertical {
            width: 70; max-width: 100%; height: auto; max-height: 100%; margin: 1 0; padding: 0 2;
            overflow-y: auto; scrollbar-size-vertical: 1;
            background: $surface; border: round $frame-focus; border-title-color: $ink-bright;
            border-subtitle-color: $ink-label;
        }
        & .row { height: 1; }
        & Label { width: 11; color: $ink-label; }
        & Input { width: 1fr; background: $panel; color: $ink-bright; }
        & #unit { width: 24; margin-left: 1; }
        & #effect { height: auto; min-height: 9; margin-top: 1; color: $ink-text; }
        & #trouble { height: auto; max-height: 3; color: $ink-warn; }
        & .buttons { height: 1; align-horizontal: right; }
        & Button { margin-left: 2; min-width: 12; background: $panel; color: $ink-text; }
        & Button:focus { background: $ink-accent; color: $background; text-style: $ink-badge-style; }
    }
    """

    def __init__(self, symbol: str, does: Does = Does.LONG, unit: Unit = Unit.MARGIN) -> None:
        super().__init__()
        self._first = Wish(symbol, does, unit=unit)
        self._view: TicketView | None = None
        self._reduces: PreviewView | None = None
        self._answers: Wish | None = None
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        wish = self._first
        with Vertical() as box:
            box.border_title = Text("Order ticket · through the engine")
            box.border_subtitle = Text("tab next field · space changes · enter reviews · esc closes")
            yield _row("Symbol", Input(wish.symbol, id="symbol", compact=True))
            yield _row("Does", Toggle(self._possible(wish.symbol), wish.does.value, id="does"))
            amount = Input(wish.amount, placeholder="how much", id="amount", compact=True)
            yield _row("Amount", amount, Toggle(units(wish.does), wish.unit.value, id="unit"))
            yield _row("Leverage", Input(placeholder="as set on Bitget", id="leverage", compact=True))
            yield _row("How", Toggle([how.value for how in How], wish.how.value, id="how"))
            yield _row("Stop", Input(placeholder="none: the ladder's own", id="stop", compact=True))
            yield Static(id="effect")
            yield Static(id="trouble")
            with Horizontal(classes="buttons"):
                yield DeliberateButton("Cancel", id="cancel", compact=True)
                yield DeliberateButton("Review", id="review", compact=True)

    @property
    def desk(self) -> Desk:
        return desk_of(self)

    def on_mount(self) -> None:
        self.set_interval(LOOK_AGAIN_S, self._ask)
        self._changed()

    @property
    def wish(self) -> Wish:
        """What stands in the fields now."""
        text = {
            name: self.query_one(f"#{name}", Input).value for name in ("symbol", "amount", "leverage", "stop")
        }
        return Wish(
            text["symbol"].strip().upper(),
            Does(self.query_one("#does", Toggle).chosen),
            text["amount"],
            Unit(self.query_one("#unit", Toggle).chosen),
            text["leverage"],
            How(self.query_one("#how", Toggle).chosen),
            text["stop"],
        )

    def _possible(self, symbol: str) -> list[str]:
        return [does.value for does in possible(symbol, self.desk.scene.positions)]

    def _position(self, wish: Wish) -> PositionView | None:
        held = self.desk.scene.positions
        return next((p for p in held if (p.symbol, p.side) == (wish.symbol, wish.does.side)), None)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "symbol":
            self.query_one("#does", Toggle).offer(self._possible(event.value.strip().upper()))
        self._changed()

    def on_toggle_turned(self) -> None:
        self._changed()

    def _changed(self) -> None:
        """What was computed for other words is not shown any more; soon the engine is asked again."""
        self._answers = None
        reduces = self.wish.does.reduces
        self.query_one("#unit", Toggle).offer(units(self.wish.does))
        for name in ("leverage", "stop"):
            self.query_one(f"#{name}", Input).disabled = reduces
        self.query_one("#how", Toggle).disabled = reduces
        self._show()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(PAUSE_S, self._ask)

    @property
    def _is_open(self) -> bool:
        """Whether the fields are still there: a ticket that is put away may hear one more tick."""
        return self.is_attached and bool(self.query("#trouble"))

    def _ask(self) -> None:
        if self._is_open:
            send_off(self, partial(self._weigh, self.wish), "ticket")

    async def _weigh(self, wish: Wish) -> None:
        """Let the engine compute what this ticket would do."""
        try:
            if wish.does.reduces:
                position = self._position(wish)
                if position is None:
                    raise Unclear(f"there is no {wish.symbol} {wish.does.side} to reduce")
                part = reduction(wish, position).fraction
                path = f"/v1/preview/{position.symbol}/{position.side}?part={part:f}"
                self._reduces = await self.desk.client.look(path, PreviewView)
            else:
                body = msgspec.json.encode(entry(wish))
                self._view = await self.desk.client.look("/v1/ticket", TicketView, body=body)
        except (Unclear, EngineUnheard) as why:
            self._view = self._reduces = self._answers = None
            self._show(str(why))
            return
        self._answers = wish
        self._show()

    def _show(self, trouble: str = "") -> None:
        if not self._is_open:
            return
        known = self._answers == self.wish if self._answers else False
        effect, said = self._effect() if known else ("", trouble)
        self.query_one("#effect", Static).update(Text(effect))
        self.query_one("#trouble", Static).update(Text(printable(said)))

    def _effect(self) -> tuple[str, str]:
        """The numbers, and what stands against them."""
        wish, position = self.wish, self._position(self.wish)
        if wish.does.reduces:
            view = self._reduces.reduces[0] if self._reduces and self._reduces.reduces else None
            told = reduce_facts(position, view) if position else ()
            return table(told, WIDTH), view.refused if view else ""
        if self._view is None:
            return "", ""
        told = facts(self._view)
        warned = " ".join(self._view.warnings)
        words = table((*told, *limit_facts(self._view)), WIDTH) if told else ""
        return words, f"Refused: {self._view.refused}" if self._view.refused else warned

    def on_input_submitted(self) -> None:
        send_off(self, self._review, "review")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "cancel":
            self.dismiss(None)
        else:
            send_off(self, self._review, "review")

    async def _review(self) -> None:
        """A fresh look at what is written, then out with it; what cannot be sent stays, with its reason."""
        if self._is_open:
            await self._weigh(self.wish)
        if not self._is_open:
            return
        wish, position = self.wish, self._position(self.wish)
        if self._answers != wish:
            return
        if wish.does.reduces and position is not None:
            if not (self._reduces and self._reduces.reduces and self._reduces.reduces[0].refused):
                self.dismiss(Order(reduction(wish, position), f"reduce {wish.symbol} {wish.does.side}", None))
        elif self._view is not None and self._view.qty is not None and not self._view.refused:
            question = entry_question(self._view, wish)
            self.dismiss(Order(entry(wish), f"enter {wish.symbol} {wish.does.side}", question))


def _row(name: str, *fields: Widget) -> Horizontal:
    return Horizontal(Label(name), *fields, classes="row")
