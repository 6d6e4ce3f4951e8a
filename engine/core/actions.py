"""What `decide` wants done. Everything here is carried out by the runtime through the venue, and answered by
an event.

`id` names the action for its answer; it is a pure function of cycle, rung, step and attempt. `client_id` is
what the exchange stores with a new order (`^[A-Za-z0-9_-]{1,32}$`), never used twice.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.core.exchange import OrderKind
from engine.core.instrument import Side


class Action(msgspec.Struct, frozen=True, tag_field="do"):
    """The base of all actions."""

    id: str


class PlaceMarket(Action, frozen=True, tag="place_market"):
    """A market order on the position's `side`: opening when `opens`, otherwise reduce-only. `id` is its
    client id, `stop` the preset stop of an entry.
    """

    symbol: str
    side: Side
    opens: bool
    qty: Decimal
    stop: Decimal | None = None


class PlaceLimit(Action, frozen=True, tag="place_limit"):
    """A limit order (GTC) on the position's `side` at `price`: opening when `opens`, otherwise reduce-only.
    `stop` is its preset stop.
    """

    symbol: str
    side: Side
    opens: bool
    qty: Decimal
    price: Decimal
    stop: Decimal | None = None


class SetLeverage(Action, frozen=True, tag="set_leverage"):
    """Isolated margin at this leverage for the side, before an entry."""

    symbol: str
    side: Side
    leverage: Decimal


class PlaceStop(Action, frozen=True, tag="place_stop"):
    """A stop for `side`, mark price, market execution: `loss_plan` with a `qty`, `pos_loss` without. `id` is
    its client id.
    """

    symbol: str
    side: Side
    qty: Decimal | None
    trigger: Decimal


class MoveStop(Action, frozen=True, tag="move_stop"):
    """Modify a resting stop in place: new size (None for `pos_loss`) and trigger."""

    order_id: str
    client_id: str
    symbol: str
    side: Side
    qty: Decimal | None
    trigger: Decimal


class CancelStop(Action, frozen=True, tag="cancel_stop"):
    """Cancel a plan or TP/SL order."""

    order_id: str
    client_id: str
    symbol: str
    kind: OrderKind


class CancelOrder(Action, frozen=True, tag="cancel_order"):
    """Cancel a working normal order."""

    order_id: str
    symbol: str


class LookUp(Action, frozen=True, tag="look_up"):
    """Ask what became of `client_id` (a normal order, or a stop when `stop`), after waiting `after_ms`."""

    client_id: str
    symbol: str
    stop: bool
    after_ms: int


class Reading(StrEnum):
    """What can be read back over REST."""

    POSITIONS = "positions"
    ORDERS = "orders"
    BALANCE = "balance"
    FILLS = "fills"
    BILLS = "bills"


class Read(Action, frozen=True, tag="read"):
    """Read these again over REST, now."""

    what: tuple[Reading, ...]
    since: int = 0


Work = (
    PlaceMarket | PlaceLimit | SetLeverage | PlaceStop | MoveStop | CancelStop | CancelOrder | LookUp | Read
)


class Level(StrEnum):
    """How loudly a note is told: chatter, money, warning, urgent."""

    CHATTER = "chatter"
    MONEY = "money"
    WARNING = "warning"
    URGENT = "urgent"


class Note(msgspec.Struct, frozen=True):
    """A line for the trader: what happened, what the desk did, what is left to do. `facts` are the numbers in
    it.
    """

    topic: str
    level: Level
    text: str
    symbol: str = ""
    cycle: str = ""
    facts: dict[str, str] = {}
