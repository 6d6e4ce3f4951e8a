"""What can happen. An event is all that `decide` learns; time and prices arrive in it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from engine.core.exchange import (
    Balance,
    Bill,
    Fill,
    OrderRow,
    Outcome,
    Position,
    RestingOrder,
    Tick,
)
from engine.core.instrument import Instrument, Side
from engine.core.settings import Settings, StopMode


class Body(msgspec.Struct, frozen=True, tag_field="kind"):
    """The base of all event bodies."""


class Started(Body, frozen=True, tag="started"):
    """The engine came up with these settings; what it believed before is not trusted until it has read
    everything.

    `take_over` is the trader's word that resting orders of an unknown engine belong to a journal that was
    lost; `read_only` why this engine may not trade at all, empty when it may.
    """

    settings: Settings
    version: str
    take_over: bool = False
    read_only: str = ""


class InstrumentsRead(Body, frozen=True, tag="instruments_read"):
    """The contracts under care, with the account's own fee rates."""

    instruments: tuple[Instrument, ...]


class BalanceRead(Body, frozen=True, tag="balance_read"):
    """The account's equity and free margin; over REST asked for at `asked` (the engine's clock; 0: it is of
    now).
    """

    balance: Balance
    asked: int = 0


class PositionsRead(Body, frozen=True, tag="positions_read"):
    """All open positions of the account; a missing row is not there. `rest`: over REST, not the stream, and
    asked for at `asked` (the engine's clock; 0: it is of now).
    """

    positions: tuple[Position, ...]
    rest: bool
    asked: int = 0


class OrdersRead(Body, frozen=True, tag="orders_read"):
    """All resting orders of the account, from all four lists, over REST, asked for at `asked` (the engine's
    clock).
    """

    orders: tuple[RestingOrder, ...]
    asked: int


class OrderSeen(Body, frozen=True, tag="order_seen"):
    """A normal order changed."""

    order: OrderRow


class StopSeen(Body, frozen=True, tag="stop_seen"):
    """A plan or TP/SL order changed; `order` is how it rests now."""

    order: RestingOrder
    row: OrderRow


class FillSeen(Body, frozen=True, tag="fill_seen"):
    """A trade of this account; seen twice it counts once. `live`: pushed by the stream as it happened."""

    fill: Fill
    live: bool = False


class FillsRead(Body, frozen=True, tag="fills_read"):
    """All trades since `since`, up to `asked` (the engine's clock), have been told (each as FillSeen, before
    this).
    """

    since: int
    asked: int = 0


class BillSeen(Body, frozen=True, tag="bill_seen"):
    """Funding, a transfer or a margin change; seen twice it counts once."""

    bill: Bill


class Answered(Body, frozen=True, tag="answered"):
    """The exchange's answer to the action `id`."""

    id: str
    outcome: Outcome


class LookedUp(Body, frozen=True, tag="looked_up"):
    """What became of `client_id`: its row, or None when the exchange does not know it. `id` is the
    look-up's.
    """

    id: str
    client_id: str
    row: OrderRow | None


class LinkChanged(Body, frozen=True, tag="link_changed"):
    """A websocket of the venue (`public`, `private`) went up or down."""

    link: str
    up: bool
    reason: str = ""


class Hindered(Body, frozen=True, tag="hindered"):
    """This machine cannot be trusted with more risk for `reason` (empty: it can again), or only something is
    to be told before it comes to that: `warning`.
    """

    reason: str = ""
    warning: str = ""


class MarkReached(Body, frozen=True, tag="mark_reached"):
    """The mark crossed an armed threshold of this symbol."""

    symbol: str
    mark: Decimal


class SignalOutcome(StrEnum):
    """What became of a signal from outside. One that is `under way` is told when nobody is left to say what
    became of it: `engine.core.signals.to_journal` knows.
    """

    UNDER_WAY = "under way"
    ACCEPTED = "accepted"
    NOTHING = "nothing to do"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    LATE = "late"
    UNREADABLE = "unreadable"
    WRONG_TOKEN = "wrong token"  # noqa: S105 – an outcome, not a token
    TURNED_AWAY = "turned away"


class SignalHeard(Body, frozen=True, tag="signal_heard"):
    """A signal came from `source`, and this became of it: `text` says why, `became` what was asked for then.

    `id` is the name under which its command is known, `label` what the sender calls it; what could not be
    read is empty. `times` is more than 1 for a flood, of which this is the last. It `came` then (milliseconds
    UTC); by its `nonce` it is known when it is told again. It never holds a token.
    """

    source: str
    outcome: SignalOutcome
    text: str
    id: str = ""
    label: str = ""
    symbol: str = ""
    action: str = ""
    sentiment: str = ""
    price: Decimal | None = None
    stop: Decimal | None = None
    became: str = ""
    times: int = 1
    came: int = 0
    nonce: str = ""


class Timer(Body, frozen=True, tag="timer"):
    """A second has passed; with `reconcile` it is time to read everything again."""

    reconcile: bool = False


class Command(msgspec.Struct, frozen=True, tag_field="command"):
    """The base of what a trader can ask for."""


class Halt(Command, frozen=True, tag="halt"):
    """Nothing that adds risk from now on; stops stay."""

    reason: str = ""


class Flatten(Command, frozen=True, tag="flatten"):
    """Halt, then close every managed position at market, repeated until flat."""

    reason: str = ""


class Resume(Command, frozen=True, tag="resume"):
    """End the halt."""


class Adopt(Command, frozen=True, tag="adopt"):
    """Take an unmanaged position under care."""

    symbol: str
    side: Side


class Pause(Command, frozen=True, tag="pause"):
    """Stop scaling this cycle; its stops stay."""

    symbol: str
    side: Side


class Unpause(Command, frozen=True, tag="unpause"):
    """Scale this cycle again."""

    symbol: str
    side: Side


class SetStopMode(Command, frozen=True, tag="set_stop_mode"):
    """Change where this cycle's stops lie."""

    symbol: str
    side: Side
    mode: StopMode


class Breakeven(Command, frozen=True, tag="breakeven"):
    """Put one stop for the whole position at the cycle breakeven, now."""

    symbol: str
    side: Side


class Reduce(Command, frozen=True, tag="reduce"):
    """Close this fraction (0–1] of the position at market, reduce-only."""

    symbol: str
    side: Side
    fraction: Decimal


class Release(Command, frozen=True, tag="release"):
    """Let a managed position go: no more rungs, and its stops stay as they rest, as the trader's own."""

    symbol: str
    side: Side


class Approve(Command, frozen=True, tag="approve"):
    """Yes to what waits: the rung `rung` of a cycle, or (with rung 0) the entry or adoption whose id `cycle`
    is. `half` adds half as much.
    """

    cycle: str
    rung: int
    half: bool = False


class Deny(Command, frozen=True, tag="deny"):
    """No to what waits, named as in Approve. Also to what is on its way, by its own id: of an entry or exit
    what is not filled is cancelled, and what is filled stays; of a flip nothing is entered.
    """

    cycle: str
    rung: int


class Enter(Command, frozen=True, tag="enter"):
    """Open a position, or add to one, as the trader's own hand: the ladder adopts what comes of it.

    Exactly one of `margin` (USDT) and `qty` (base coin) is given. `leverage` None keeps the one set on the
    exchange. At market, or with `patient` as a limit order at the touch, re-priced every `wait_s` seconds,
    `tries` times in all, then
    cancelled. `stop` is placed with the entry. `price` is where the signal came from: an entry that the
    market has left by more than
    `deviation` is refused. With `ask` it is checked, then waits for the trader's yes.
    """

    symbol: str
    side: Side
    margin: Decimal | None = None
    qty: Decimal | None = None
    leverage: Decimal | None = None
    patient: bool = False
    wait_s: int = 20
    tries: int = 3
    stop: Decimal | None = None
    price: Decimal | None = None
    deviation: Decimal = Decimal("0.005")
    ask: bool = False


class Exit(Command, frozen=True, tag="exit"):
    """Close a position with limit orders at the touch, re-priced like an entry; what is left then goes at
    market, reduce-only.
    """

    symbol: str
    side: Side
    wait_s: int = 20
    tries: int = 3


class Flip(Command, frozen=True, tag="flip"):
    """Leave the other side, with limit orders as in `entering`, then do that entry with `share` of what is
    free then as its margin; it tells none itself. It begins within `within_s` of the command, or is refused:
    what was meant for a market of then is not done in another.
    """

    entering: Enter
    share: Decimal
    within_s: int

    @property
    def symbol(self) -> str:
        return self.entering.symbol

    @property
    def side(self) -> Side:
        """The side that is entered."""
        return self.entering.side


class Asker(StrEnum):
    """Through which door a command came."""

    DESK = "desk"
    CLI = "cli"
    TELEGRAM = "telegram"
    REST = "rest"
    WEBHOOK = "webhook"


AnyCommand = (
    Halt
    | Flatten
    | Resume
    | Adopt
    | Pause
    | Unpause
    | SetStopMode
    | Breakeven
    | Reduce
    | Release
    | Approve
    | Deny
    | Enter
    | Exit
    | Flip
)


ALREADY_DONE: Final = "already done"
"""The answer to a command whose id was done before."""


class Commanded(Body, frozen=True, tag="commanded"):
    """The trader asked, through `by` (for example `desk on tty2`); `id` makes a repeated request count
    once.
    """

    id: str
    by: str
    command: AnyCommand


AnyBody = (
    Started
    | InstrumentsRead
    | BalanceRead
    | PositionsRead
    | OrdersRead
    | OrderSeen
    | StopSeen
    | FillSeen
    | FillsRead
    | BillSeen
    | Answered
    | LookedUp
    | LinkChanged
    | Hindered
    | MarkReached
    | SignalHeard
    | Timer
    | Commanded
)


class Event(msgspec.Struct, frozen=True):
    """Something that happened: `at` by the engine's clock and at `market` by the exchange's (milliseconds
    UTC), and the newest ticks known then.

    `market` is 0 before the exchange's clock is known. On a replayed market the two differ by months.
    """

    at: int
    market: int
    body: AnyBody
    ticks: tuple[Tick, ...] = ()

    def tick(self, symbol: str) -> Tick | None:
        return next((t for t in self.ticks if t.symbol == symbol), None)
