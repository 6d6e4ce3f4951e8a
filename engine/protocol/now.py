"""What holds now: the snapshot and its parts, and what is told of an order or of a step in its story."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.core.actions import Level
from engine.core.cycle import Status
from engine.core.instrument import Side
from engine.core.settings import StopMode
from engine.core.words import ending
from engine.protocol.coming import Coming, EntryView, FlipView


class Mode(StrEnum):
    """Whose money it is."""

    LIVE = "LIVE"
    DEMO = "DEMO"
    SIM = "SIM"


class Hello(msgspec.Struct, frozen=True):
    """Who answers on the socket."""

    protocol: int
    version: str
    account: str
    mode: Mode
    pid: int
    hand: bool = False
    """Whether the engine trades on a simulated exchange, where a client may also play the trader's hand."""


class LinkView(msgspec.Struct, frozen=True):
    """A connection of the engine: `public`, `private`, `rest`. `age_ms` since the newest frame or answer,
    None before the first.
    """

    name: str
    up: bool
    age_ms: int | None
    latency_ms: float | None
    retries: int
    reason: str = ""


class EngineView(msgspec.Struct, frozen=True):
    """The engine itself. `now` is its own clock, `market` the exchange's; `killed` holds who and when, empty
    when trading. `read_only`: why nothing at all is sent; `hindered`: why this machine may add no risk.
    `pending` actions are on their way to the exchange, `unwritten` entries wait for the disk; `unrecorded`
    when the journal cannot be written, and so nothing is decided. `unread` is what is not known yet; once
    `reconciled` only trades can be in it.
    """

    version: str
    account: str
    mode: Mode
    started: int
    now: int
    market: int
    reconciled: bool
    unread: tuple[str, ...]
    killed: str
    flattening: bool
    read_only: str
    auto: bool
    killed_at: int = 0
    hindered: str = ""
    pending: int = 0
    unwritten: int = 0
    unrecorded: bool = False


class AccountView(msgspec.Struct, frozen=True):
    """The account strip. `worst_case` is the sum over cycles; `deployed` is margin in use over equity;
    `leverage` notional over equity.
    """

    equity: Decimal | None
    free: Decimal | None
    day_pnl: Decimal | None
    day_return: Decimal | None
    week_pnl: Decimal | None
    week_return: Decimal | None
    worst_case: Decimal | None
    deployed: Decimal | None
    leverage: Decimal | None
    funding: Decimal
    cycles: int
    max_cycles: int
    risk_free: int


class LegView(msgspec.Struct, frozen=True):
    """A leg. `stop` is the trigger that protects it, None when liquidation does."""

    number: int
    qty: Decimal
    entry: Decimal
    leverage: Decimal
    margin: Decimal
    stop: Decimal | None
    by: str
    locked: bool


class StopView(msgspec.Struct, frozen=True):
    """A stop as it rests on the exchange. `leg` None means the whole position; `result` is the profit or loss
    there, before fees.
    """

    qty: Decimal
    trigger: Decimal
    why: str
    leg: int | None
    state: str
    confirmed: bool
    result: Decimal
    ours: bool


class NextRungView(msgspec.Struct, frozen=True):
    """What the next rung would do at its trigger."""

    number: int
    trigger: Decimal
    bank_qty: Decimal
    add_margin: Decimal
    worst_case_after: Decimal | None


class PositionView(msgspec.Struct, frozen=True):
    """A position. An unmanaged one has `managed` False, the reason in `reason`, no legs and no worst case.

    `liquidation` is the exchange's own number (0: none); `distance` the fraction of the mark to it,
    `distance_usdt` in price; both None when the mark is stale or missing. `mark_age_ms` is the age of the
    mark's frame. `worst_case` comes from the stops that rest on the exchange. `if_machine_dies` says in words
    what happens to this position if this machine stops now, as it follows a colon: small at its beginning
    unless that is a name. Money fields that need the mark are None when it is unknown.
    """

    key: str
    cycle: str
    managed: bool
    can_adopt: bool
    symbol: str
    side: Side
    entry: Decimal
    mark: Decimal | None
    last: Decimal | None
    mark_age_ms: int | None
    size: Decimal
    margin: Decimal
    leverage: Decimal
    unrealized_pnl: Decimal | None
    unrealized_return: Decimal | None
    liquidation: Decimal
    distance: Decimal | None
    distance_usdt: Decimal | None
    status: Status | None
    reason: str
    blocked: str
    rungs: int
    next_rung: NextRungView | None
    worst_case: Decimal | None
    risk_free: bool
    funding: Decimal
    fees: Decimal
    realized: Decimal
    breakeven: Decimal | None
    stop_mode: StopMode | None
    legs: tuple[LegView, ...]
    stops: tuple[StopView, ...]
    opened: int
    if_machine_dies: str
    price_decimals: int
    qty_decimals: int


class Asks(StrEnum):
    """What waits for a yes."""

    RUNG = "rung"
    ENTRY = "entry"
    ADOPTION = "adoption"


class HalfView(msgspec.Struct, frozen=True):
    """What half of the add would come to; `refused` says why it cannot be had."""

    margin: Decimal
    qty: Decimal | None = None
    worst_case_after: Decimal | None = None
    refused: str = ""


class ApprovalView(msgspec.Struct, frozen=True):
    """Something that waits for yes or no until `expires`, valid while the mark is inside [low, high] (`high`
    0: at any price). `cycle` and `rung` name it in Approve and Deny; an entry and an adoption have rung 0.

    `add_margin` and `qty` are what a yes adds (of an adoption: what is there already), `price` about where,
    `liquidation` and `worst_case_after` what comes of it, `fee` the opening one. `by` is who wants an entry,
    `stop` what is placed with it.
    """

    cycle: str
    rung: int
    symbol: str
    side: Side
    add_margin: Decimal
    bank_qty: Decimal
    low: Decimal
    high: Decimal
    expires: int
    worst_case: Decimal | None
    worst_case_after: Decimal | None
    asks: Asks = Asks.RUNG
    qty: Decimal | None = None
    leverage: Decimal | None = None
    price: Decimal | None = None
    liquidation: Decimal | None = None
    fee: Decimal | None = None
    stop: Decimal | None = None
    by: str = ""
    half: HalfView | None = None
    price_decimals: int = 2
    qty_decimals: int = 4

    @property
    def what(self) -> str:
        """`rung 2`, `entry`, `adoption`."""
        return f"rung {self.rung}" if self.asks is Asks.RUNG else self.asks.value


class LimitView(msgspec.Struct, frozen=True):
    """A limit of the account, how much of it is used, whether it is hit, and in words how far away it is."""

    name: str
    limit: str
    now: str
    hit: bool
    left: str = ""


class UnknownView(msgspec.Struct, frozen=True):
    """A request whose outcome nobody knows yet."""

    id: str
    what: str
    symbol: str
    since: int
    cause: str


class LogLine(msgspec.Struct, frozen=True):
    """A line of the event log. `id` grows by one."""

    id: int
    at: int
    market: int
    level: Level
    symbol: str
    text: str


class ClosedView(msgspec.Struct, frozen=True):
    """A cycle that ended. `result` is its net profit: realised − fees + funding. `reason` is the belief's own
    word for why (`stop`, `liquidation`), `ending` the trader's.
    """

    cycle: str
    symbol: str
    side: Side
    opened: int
    closed: int
    reason: str
    rungs: int
    result: Decimal
    fees: Decimal
    funding: Decimal
    exit_price: Decimal

    @property
    def ending(self) -> str:
        return ending(self.reason)


class Snapshot(msgspec.Struct, frozen=True):
    """Everything a screen draws, at one moment. `version` grows with every change."""

    version: int
    engine: EngineView
    links: tuple[LinkView, ...]
    account: AccountView
    positions: tuple[PositionView, ...]
    approvals: tuple[ApprovalView, ...]
    limits: tuple[LimitView, ...]
    unknown: tuple[UnknownView, ...]
    closed: tuple[ClosedView, ...]
    log: tuple[LogLine, ...]
    flips: tuple[FlipView, ...] = ()
    entries: tuple[EntryView, ...] = ()

    @property
    def coming(self) -> tuple[Coming, ...]:
        """All that is on its way."""
        return (*self.entries, *self.flips)

    @property
    def left_out(self) -> int:
        """How many positions are open and not under care; `account.worst_case` is without them, and what they
        can lose is not known.
        """
        return sum(not position.managed for position in self.positions)


class OrderView(msgspec.Struct, frozen=True):
    """An order that rests on the exchange. `ours` when its client id is Ratchet's. `qty` None: the whole
    position.
    """

    symbol: str
    kind: str
    side: Side
    reduces: bool
    qty: Decimal | None
    trigger: Decimal | None
    price: Decimal | None
    order_id: str
    client_id: str
    ours: bool
    why: str


class StoryLine(msgspec.Struct, frozen=True):
    """One step of the story of a position, from the journal: what happened, what was decided, what was
    sent.
    """

    seq: int
    at: int
    what: str
    text: str
    level: Level = Level.CHATTER
