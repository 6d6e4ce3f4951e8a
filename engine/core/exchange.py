"""What the exchange says: positions, orders, fills and bills as typed values, in Ratchet's words.

The venue makes these from Bitget's rows; a number it could not read is an error there, never a zero here.
Sizes are base coin and positive, prices and money USDT, times milliseconds UTC.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

import msgspec

from engine.core.instrument import Side


class Tick(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest price of a symbol; `arrived` is when this machine got it, in the engine's own clock.

    `bid` and `ask` are the touch as the exchange wrote it, empty when it is not needed: they are read only
    where an order waits at it.
    """

    symbol: str
    mark: Decimal
    last: Decimal
    arrived: int
    bid: str = ""
    ask: str = ""

    def touch(self, *, buys: bool) -> Decimal | None:
        """The price at which a limit order fills at once: the ask for a buyer, the bid for a seller. None
        where the exchange told none, or something that is no price.
        """
        try:
            told = Decimal(self.ask if buys else self.bid)
        except InvalidOperation:
            return None
        return told if told.is_finite() and told > 0 else None


class Position(msgspec.Struct, frozen=True):
    """One open position. `liquidation` is the exchange's own number, 0 when there is none; `opened` its
    cTime, `updated` its uTime (0 when it is not told), `funding` all of it so far (signed, + received; None
    before the first).
    """

    symbol: str
    side: Side
    qty: Decimal
    entry: Decimal
    margin: Decimal
    leverage: Decimal
    liquidation: Decimal
    isolated: bool
    auto_margin: bool
    hedged: bool
    opened: int
    funding: Decimal | None = None
    updated: int = 0


class OrderKind(StrEnum):
    """Bitget keeps open orders in four lists; these are the kinds found in them (`planType`, or
    `limit`/`market`).
    """

    LIMIT = "limit"
    MARKET = "market"
    NORMAL_PLAN = "normal_plan"
    TRACK_PLAN = "track_plan"
    LOSS_PLAN = "loss_plan"
    PROFIT_PLAN = "profit_plan"
    POS_LOSS = "pos_loss"
    POS_PROFIT = "pos_profit"
    MOVING_PLAN = "moving_plan"


class RestingOrder(msgspec.Struct, frozen=True):
    """An order that rests on the exchange.

    `side` is the position's side it belongs to, `reduces` whether it can only close. `qty` None means the
    whole position (`pos_loss`, `pos_profit`). `trigger` is None for a plain limit order, `price` None for
    market execution.
    """

    order_id: str
    client_id: str
    symbol: str
    kind: OrderKind
    side: Side
    reduces: bool
    qty: Decimal | None
    trigger: Decimal | None
    price: Decimal | None
    by_mark: bool = True


class OrderState(StrEnum):
    """Where an order is in its life. For a plan order FILLED means triggered and carried out."""

    LIVE = "live"
    PARTIAL = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    FAILED = "failed"


class OrderRow(msgspec.Struct, frozen=True):
    """What the exchange knows of one order: `filled` base coin so far at average `price` (0 when nothing is
    filled).

    `child` is the order that a triggered plan order became (`executeOrderId`), empty otherwise.
    """

    order_id: str
    client_id: str
    symbol: str
    kind: OrderKind
    state: OrderState
    qty: Decimal | None
    filled: Decimal
    price: Decimal
    child: str = ""


class Cause(StrEnum):
    """Why a fill happened, from Bitget's `orderSource` and `tradeSide`."""

    ORDER = "order"
    STOP = "stop"
    TAKE_PROFIT = "take_profit"
    LIQUIDATION = "liquidation"
    ADL = "adl"


class Fill(msgspec.Struct, frozen=True):
    """One trade. `buy` is the wire's direction after hedge mode's flip is undone (closing a long is a sell).

    `side` is the position's side where the exchange tells it (hedge mode), None in one-way mode. `fee` is
    positive when paid. `client_id` is empty when the order has none of ours or could not be read.
    """

    trade_id: str
    order_id: str
    client_id: str
    symbol: str
    buy: bool
    side: Side | None
    qty: Decimal
    price: Decimal
    fee: Decimal
    profit: Decimal
    cause: Cause
    at: int


class Bill(msgspec.Struct, frozen=True):
    """A movement of the balance that is no trade: funding, a transfer, added margin. `amount` is signed."""

    bill_id: str
    symbol: str
    kind: str
    amount: Decimal
    at: int


class Balance(msgspec.Struct, frozen=True):
    """The futures account: `equity` includes unrealised profit, `free` can be locked as isolated margin."""

    equity: Decimal
    free: Decimal


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The exchange took the request. It says nothing about fills."""

    order_id: str = ""


ABSENT: Final = "absent"
"""The code of a request of which no copy arrived: our own, where Bitget has none."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The exchange refused with a definite business code: nothing happened."""

    code: str
    message: str


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """Nobody knows yet: a timeout, a 5xx, a lost connection, 40015. Only evidence ends it."""

    cause: str


Outcome = Accepted | Refused | Unknown
