"""All that the engine believes, as one frozen value. `decide` makes the next one; nothing else does."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from engine.core.actions import Work
from engine.core.cycle import Approval, Cycle, Order
from engine.core.events import Enter, Flip
from engine.core.exchange import Balance, Fill, Position, RestingOrder
from engine.core.instrument import ZERO, Instrument, Side
from engine.core.settings import Settings
from engine.core.ticket import Ticket

UNREAD: Final = ("positions", "orders", "balance")
"""What has to be read before anything is believed of the exchange."""
ANOTHER_ENGINE = "orders of another Ratchet are on this account"
"""Why an engine trades nothing that has met another one."""


class Step(StrEnum):
    """How far an entry or exit has come."""

    ASKING = "asking"
    LEVERAGE = "setting leverage"
    PLACING = "placing"
    WORKING = "working"
    CANCELLING = "cancelling"


class Entry(msgspec.Struct, frozen=True):
    """An entry (or, when it does not `opens`, an exit) that the trader asked for, while it is carried out.

    `want` is its whole size, `done` what earlier attempts filled, `order` the attempt that is on its way or
    working since `since`. One that asks has an `approval`, the `ticket` that the trader was shown, and the
    cycle `onto` which it would add; `command` is checked again before it begins late. It may begin until
    `until`, 0 when only its newness counts. `taken_back` is by whom: it goes no further; what it has filled
    is closed, unless it `keeps` that.
    """

    id: str
    symbol: str
    side: Side
    opens: bool
    want: Decimal
    leverage: Decimal
    patient: bool
    wait_ms: int
    tries: int
    stop: Decimal | None
    by: str
    step: Step
    since: int
    done: Decimal = ZERO
    attempt: int = 0
    order: Order | None = None
    limit: Decimal = ZERO
    approval: Approval | None = None
    ticket: Ticket | None = None
    command: Enter | None = None
    onto: str = ""
    until: int = 0
    taken_back: str = ""
    keeps: bool = False

    @property
    def closes(self) -> bool:
        """Whether what it has filled is closed as soon as it is seen."""
        return bool(self.taken_back) and not self.keeps


class Flipping(msgspec.Struct, frozen=True):
    """One side is being left for the other: what is entered when it is gone. `id` names it, `gone` is when
    the left side was seen to be gone, 0 before.
    """

    id: str
    command: Flip
    by: str
    since: int
    gone: int = 0


class Unmanaged(msgspec.Struct, frozen=True):
    """A position that is shown and never touched, with the reason; `can_adopt` when one key would take it
    under care, `approval` while that is being asked.
    """

    position: Position
    reason: str
    can_adopt: bool
    approval: Approval | None = None


class LeftAlone(msgspec.Struct, frozen=True):
    """A position that the trader does not want under care: the one `opened` then, for `reason`. Adopting it
    by hand ends this. `cycle` is the one that was released; what rests of its stops is the trader's own.
    """

    opened: int
    reason: str
    cycle: str = ""


class Unclaimed(msgspec.Struct, frozen=True):
    """A trade that closed what no cycle held, heard of at `since` (the engine's clock); `is_nobodys` once all
    positions were read since, and none claimed it.
    """

    fill: Fill
    since: int
    is_nobodys: bool = False


class Regime(msgspec.Struct, frozen=True):
    """What the strategy behind the signals was last: `long`, `short` or `flat`, since `since`."""

    sentiment: str
    since: int
    before: str = ""


class Knowledge(StrEnum):
    """What is known of an action that was sent."""

    SENT = "sent"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"


class Pending(msgspec.Struct, frozen=True):
    """An action on its way: first and last sent, how often, and what is known of it.

    `refused` is the code with which its newest copy was refused; `unsure` is when the newest copy was sent
    whose fate nobody knows.
    """

    work: Work
    cycle: str
    first_sent: int
    sent: int
    sends: int = 1
    known: Knowledge = Knowledge.SENT
    cause: str = ""
    lookups: int = 0
    asked: int = 0
    refused: str = ""
    unsure: int = 0


class Failing(msgspec.Struct, frozen=True):
    """A reading that fails since then, the `cause` of its first failure, and whether the trader was told."""

    since: int
    cause: str
    told: bool = False


class Day(msgspec.Struct, frozen=True):
    """The UTC day and week by the exchange's clock, the equity each began with, and the transfers since.

    `lost_at` is when a loss beyond the limit was seen (the engine's clock) whose bills are not read yet;
    `hit_at` and `hit_result` are when the limit was hit (the exchange's clock), and with which result.
    """

    day: int = -1
    week: int = -1
    day_equity: Decimal = ZERO
    week_equity: Decimal = ZERO
    day_at: int = 0
    week_at: int = 0
    day_transfers: Decimal = ZERO
    week_transfers: Decimal = ZERO
    limit_hit: bool = False
    lost_at: int = 0
    hit_at: int = 0
    hit_result: Decimal = ZERO


class Kill(msgspec.Struct, frozen=True):
    """The kill switch is on. `flatten` also closes what is managed.

    `left` are the orders that add risk and that it still has to take off the market; None until these were
    read.
    """

    at: int
    by: str
    reason: str
    flatten: bool
    left: tuple[str, ...] | None = None


class State(msgspec.Struct, frozen=True):
    """Everything. Keys of `cycles`, `unmanaged`, `brought` and `approved` are `SYMBOL:side`, of `flips`
    symbols; `closed` keeps the last cycles that ended, `brought` where the newest entry's own stop was put,
    `approved` the entry whose position was said yes to before there was one. `strays` are trades that opened
    what has not been seen yet. `began` is the exchange's time of the first reading of positions. `untold` is
    since when (the engine's clock) the stream may have missed trades; 0 when none is missing.
    """

    settings: Settings
    version: str = ""
    instruments: dict[str, Instrument] = {}
    cycles: dict[str, Cycle] = {}
    unmanaged: dict[str, Unmanaged] = {}
    closed: tuple[Cycle, ...] = ()
    balance: Balance | None = None
    balance_at: int = 0
    reference_equity: Decimal = ZERO
    day: Day = Day()
    kill: Kill | None = None
    left_alone: dict[str, LeftAlone] = {}
    entries: dict[str, Entry] = {}
    flips: dict[str, Flipping] = {}
    regimes: dict[str, Regime] = {}
    brought: dict[str, Decimal] = {}
    approved: dict[str, str] = {}
    working: dict[str, RestingOrder] = {}
    pending: dict[str, Pending] = {}
    links: dict[str, bool] = {}
    unread: tuple[str, ...] = UNREAD
    failing: dict[str, Failing] = {}
    read_only: str = ""
    hindered: str = ""
    take_over: bool = False
    fills_since: int = 0
    bills_since: int = 0
    bills_at: int = 0
    strays: tuple[Fill, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    began: int = 0
    untold: int = 0
    trades_seen: tuple[str, ...] = ()
    bills_seen: tuple[str, ...] = ()
    commands_seen: tuple[str, ...] = ()
    signals_seen: tuple[str, ...] = ()

    @property
    def is_reconciled(self) -> bool:
        """Whether positions, orders and balance were read since the start or the last lost connection."""
        return not self.unread


def given_by(state: State, left: LeftAlone) -> tuple[str, ...]:
    """The cycles whose stops are the trader's own since this position was released."""
    earlier = (id for cycle in state.closed if cycle.id == left.cycle for id in cycle.given)
    return (left.cycle, *earlier) if left.cycle else ()


def in_order(state: State) -> State:
    """The same belief with every dict in the order of its keys: what a start decides does not hang on the
    order in which things were learnt, which no snapshot keeps.
    """
    fields = {name: getattr(state, name) for name in State.__struct_fields__}
    sorted_ones = {name: dict(sorted(v.items())) for name, v in fields.items() if isinstance(v, dict)}
    return replace(state, **sorted_ones)
