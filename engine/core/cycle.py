"""A cycle: one symbol and side from first seen to flat, its legs and stops, and what is being done to it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.core.exchange import OrderKind, Position, RestingOrder
from engine.core.instrument import ZERO, Side
from engine.core.margin import initial_margin
from engine.core.settings import StopMode


class Status(StrEnum):
    """What a cycle is doing, in the trader's words."""

    ACTIVE = "ACTIVE"
    SCALING = "SCALING"
    BREAKEVEN = "BREAKEVEN"
    PAUSED = "PAUSED"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    ERROR = "ERROR"


class Hand(StrEnum):
    """Who opened a leg."""

    TRADER = "trader"
    LADDER = "ladder"


class Leg(msgspec.Struct, frozen=True):
    """One entry inside a cycle: our ledger only, the exchange does not know it.

    `opened_qty` is its full size, `qty` what is left. `fees` and `funding` (signed, + received) are its own
    so far, `realised` its profit at its own entry. `locked` is True once a rung has passed it: from then on
    it may not lose.
    """

    number: int
    qty: Decimal
    entry: Decimal
    leverage: Decimal
    opened_qty: Decimal
    opened: int
    by: Hand = Hand.TRADER
    locked: bool = False
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    realised: Decimal = ZERO
    order_id: str = ""

    @property
    def margin(self) -> Decimal:
        """The margin that opening the whole leg locked, USDT."""
        return initial_margin(self.opened_qty, self.entry, self.leverage)


class Why(StrEnum):
    """Why a stop lies where it lies."""

    ENTRY = "entry"
    NET = "net"
    OWN_MARGIN = "own margin"
    CYCLE = "cycle"
    PREVIOUS = "previous entry"
    GUARD = "guard"
    HARD = "hard stop"
    TRADER = "trader"


class Rest(StrEnum):
    """How far a stop of ours has come."""

    PLACING = "placing"
    RESTING = "resting"
    MOVING = "moving"
    CANCELLING = "cancelling"
    TRIGGERED = "triggered"
    GONE = "gone"


class Stop(msgspec.Struct, frozen=True):
    """A stop of ours. `leg` is the leg that it protects, None for the whole position (then `qty` is None
    too).

    `trigger` and `qty` are what rests on the exchange (or was asked for while PLACING); `confirmed` means
    read back over REST, `read_at` when the newest reading that showed it was asked for. `asked` are the last
    triggers that we asked for: one of them, seen late, is no hand but ours. `missing`: the newest reading did
    not show it, and its own row is being looked up. `outlived`: a reading from after its end showed that the
    position was still there.
    """

    client_id: str
    leg: int | None
    qty: Decimal | None
    trigger: Decimal
    why: Why
    state: Rest
    order_id: str = ""
    kind: OrderKind = OrderKind.LOSS_PLAN
    confirmed: bool = False
    child: str = ""
    since: int = 0
    beyond_since: int = 0
    read_at: int = 0
    asked: tuple[Decimal, ...] = ()
    missing: bool = False
    outlived: bool = False


class Stage(StrEnum):
    """How far one order of a plan has come."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"


class Order(msgspec.Struct, frozen=True):
    """One market order of a plan: what it should do and what it has done. `parts` are (leg number, size) for
    a reducing one. `asked` is who ordered it ("asked by desk"), empty when the ladder did.

    `cost` is Σ price·size of its fills, `against` what an add that came late closed of the other side instead
    of opening. `final` is what it filled in all once the exchange has ended it: it
    is done when fills of that size have been read.
    """

    id: str
    qty: Decimal
    parts: tuple[tuple[int, Decimal], ...] = ()
    stage: Stage = Stage.PLANNED
    order_id: str = ""
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    against: Decimal = ZERO
    fee: Decimal = ZERO
    sent: int = 0
    done_at: int = 0
    final: Decimal | None = None
    released_profit: Decimal = ZERO
    released_margin: Decimal = ZERO
    asked: str = ""

    @property
    def price(self) -> Decimal:
        """The average fill price; 0 while nothing is filled."""
        return self.cost / self.filled if self.filled else ZERO

    @property
    def released(self) -> Decimal:
        """The cash that a reducing order freed: profit + margin − fee."""
        return self.released_profit + self.released_margin - self.fee


class Part(StrEnum):
    """The steps of a rung."""

    BANK = "bank"
    COVER = "cover"
    ADD = "add"
    FINAL = "final cover"
    UNDO = "undo add"


class Rung(msgspec.Struct, frozen=True):
    """A rung as it is carried out: the steps still to do (the first is under way), both its orders, and the
    number of the
    leg that the add becomes."""

    number: int
    front: int
    trigger: Decimal
    at: int
    steps: tuple[Part, ...]
    bank: Order
    add: Order
    add_margin: Decimal
    worst_before: Decimal
    leg: int
    reason: str = ""


class Armed(msgspec.Struct, frozen=True):
    """The next rung, ready: durable before the mark reaches `trigger`, with the client ids that it will
    use.
    """

    number: int
    front: int
    trigger: Decimal
    bank_id: str
    add_id: str
    bank: tuple[tuple[int, Decimal], ...]


class Approval(msgspec.Struct, frozen=True):
    """Something that waits for the trader's yes: valid until `expires` while the mark stays inside [low,
    high]; a `high` of 0 leaves the price free.

    It lies on what it is about: on its cycle (`rung` and `front` say which rung), on an entry, on a position
    that could be adopted. `id` is its name where that has none of its own.
    """

    rung: int
    front: int
    low: Decimal
    high: Decimal
    expires: int
    id: str = ""


class Doubt(msgspec.Struct, frozen=True):
    """The ledger and the exchange differ since `since`; `asked` is when the evidence was last asked for.

    What was asked for after `since` is evidence: `fills_read` that all trades were told, `seen_again` that
    the row still differs, `gone_by_rest` and `gone_by_stream` that there is none.
    """

    since: int
    asked: int = 0
    fills_read: bool = False
    seen_again: bool = False
    gone_by_stream: bool = False
    gone_by_rest: int = 0


class Unlinked(msgspec.Struct, frozen=True, array_like=True):
    """A trade of a stop that is not known yet: first told at `first` (the engine's clock), made at `at`."""

    trade_id: str
    first: int
    at: int = 0


class Cycle(msgspec.Struct, frozen=True):
    """One symbol and side, from first seen to flat.

    `paused` is why the trader's hand stopped the ladder, `barred` which setting on the exchange does.
    `loosen` lets the next cover move stops outward
    because the trader chose so; `hands_off` leaves the stops to the trader.
    `held_qty`, `held_entry`, `held_margin` are the exchange's position by our own arithmetic; `seen` is its
    newest row. `realised` is booked at the exchange's average, `own_realised` leg by leg; `fees` are positive
    when paid, `funding` signed.
    `start_equity` is the equity the cycle began with. `moved` is when its size changed last (the engine's
    clock): an older reading is of another size. `reborn` is when the exchange was seen to have closed the
    position and opened it again, which ends every stop; `is_untold` until its trades have told whether that
    one is this cycle's, or the next one's: meanwhile only a `shield` is placed on it, the client id of a stop
    that needs no trades.
    `adopted` is when care began (the exchange's clock): what a trade before it did is history, but for the
    opening fee of `unbooked` size, which is what its row held more than the trades of before that were told
    come to. Trades up to `known_until` are in the size already: they bring money only.
    `liquidations` are the last moments of being liquidated, in part or whole (the exchange's clock).
    `unlinked` are trades of stops, until it is known whose they were.
    `funding_before` is what its row told of funding before care began. `row_funding` is what the row brought
    last, `funded_at` until when (the exchange's clock) it has told all of it. `owed_at` is the newest
    settlement of a long and a short whose bills nobody could tell apart: the row is awaited.
    `given` are earlier cycles of this position, released or ended too early: what rests of their stops stays
    and counts as the trader's. `leaving` is who asked for the exit at the touch.
    `left_open` is what trades that were told after its end show to have been open still, and unheard of.
    `theirs` are the orders that stops and targets of the trader became.
    """

    id: str
    symbol: str
    side: Side
    opened: int
    start_equity: Decimal
    first_margin: Decimal
    mode: StopMode
    legs: tuple[Leg, ...]
    held_qty: Decimal
    held_entry: Decimal
    held_margin: Decimal
    seen: Position
    realised: Decimal = ZERO
    own_realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    rungs: int = 0
    stops: tuple[Stop, ...] = ()
    foreign: tuple[RestingOrder, ...] = ()
    stops_made: int = 0
    stops_refused: int = 0
    stops_retry: int = 0
    loosen: bool = False
    hands_off: bool = False
    closes_made: int = 0
    close_after: int = 0
    closes_empty: int = 0
    first_entry: Decimal = ZERO
    first_leverage: Decimal = ZERO
    unbooked: Decimal = ZERO
    armed: Armed | None = None
    rung: Rung | None = None
    close: Order | None = None
    approval: Approval | None = None
    fired: int = 0
    blocked: str = ""
    paused: str = ""
    barred: str = ""
    error: str = ""
    closing: str = ""
    put_back: int = 0
    doubt: Doubt | None = None
    peak_qty: Decimal = ZERO
    warned: tuple[str, ...] = ()
    last_cause: str = ""
    closed: int = 0
    closed_reason: str = ""
    exit_price: Decimal = ZERO
    exit_at: int = 0
    moved: int = 0
    reborn: int = 0
    is_untold: bool = False
    shield: str = ""
    adopted: int = 0
    known_until: int = 0
    liquidations: tuple[int, ...] = ()
    funding_before: Decimal = ZERO
    row_funding: Decimal = ZERO
    funded_at: int = 0
    owed_at: int = 0
    unlinked: tuple[Unlinked, ...] = ()
    given: tuple[str, ...] = ()
    leaving: str = ""
    left_open: Decimal = ZERO
    theirs: tuple[str, ...] = ()

    @property
    def front(self) -> Leg:
        """The newest leg."""
        return self.legs[-1]

    @property
    def status(self) -> Status:
        if self.closed:
            return Status.CLOSED
        if self.error:
            return Status.ERROR
        if self.closing:
            return Status.CLOSING
        if self.rung is not None:
            return Status.SCALING
        if self.paused or self.barred:
            return Status.PAUSED
        return Status.BREAKEVEN if any(leg.locked for leg in self.legs) else Status.ACTIVE

    @property
    def reason(self) -> str:
        """The word in brackets behind the status; empty when there is none."""
        return self.closed_reason or self.error or self.closing or self.paused or self.barred


def key_of(symbol: str, side: Side) -> str:
    """The key of a cycle or an unmanaged position."""
    return f"{symbol}:{side.value}"


def tally(legs: tuple[Leg, ...]) -> Decimal:
    """The size that all legs together hold."""
    return sum((leg.qty for leg in legs), ZERO)
