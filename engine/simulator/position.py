"""A position and its own book-keeping."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from engine.core import margin as formulas
from engine.core.instrument import ONE, ZERO, Side
from engine.simulator.digits import booked

ISOLATED = "isolated"
CROSSED = "crossed"


class Position(msgspec.Struct):
    """An open position. Sizes in base coin, everything else in USDT; fees are positive when paid.

    `margin` is the isolated margin that lies under the position, or the initial margin that a crossed one
    occupies. `funding` is None until the first settlement, which is how Bitget shows it.
    """

    pos_id: str
    symbol: str
    side: Side
    margin_mode: str
    leverage: Decimal
    c_time: int
    u_time: int
    auto_margin: bool = False
    qty: Decimal = ZERO
    average: Decimal = ZERO
    margin: Decimal = ZERO
    opened_qty: Decimal = ZERO
    opened_cost: Decimal = ZERO
    closed_qty: Decimal = ZERO
    closed_cost: Decimal = ZERO
    realised: Decimal = ZERO
    open_fee: Decimal = ZERO
    close_fee: Decimal = ZERO
    funding: Decimal | None = None

    @property
    def is_isolated(self) -> bool:
        return self.margin_mode == ISOLATED

    def add(self, qty: Decimal, price: Decimal, fee: Decimal) -> None:
        """Open `qty` more at `price`: margin grows by q·P/L, the average becomes Σ q·P / Σ q."""
        self.average = booked((self.qty * self.average + qty * price) / (self.qty + qty))
        self.margin += booked(formulas.initial_margin(qty, price, self.leverage))
        self.qty += qty
        self.opened_qty += qty
        self.opened_cost += qty * price
        self.open_fee += fee

    def reduce(self, qty: Decimal, price: Decimal, fee: Decimal) -> Decimal:
        """Close `qty` at `price`: returns the profit against the average; margin M·h/Q is released."""
        profit = self.profit_of(qty, price)
        self.margin -= self.margin if qty == self.qty else booked(self.margin * qty / self.qty)
        self.qty -= qty
        self.closed_qty += qty
        self.closed_cost += qty * price
        self.realised += profit
        self.close_fee += fee
        return profit

    def profit_of(self, qty: Decimal, price: Decimal) -> Decimal:
        """What closing `qty` at `price` would realise, before fees."""
        return booked(formulas.unrealised(self.side, qty, self.average, price))

    def unrealised(self, mark: Decimal) -> Decimal:
        return formulas.unrealised(self.side, self.qty, self.average, mark)

    def breakeven(self, taker: Decimal) -> Decimal:
        """The price that pays the entry fee and the exit fee: E·(1 + f·d) / (1 − t·d) (WIRE §4)."""
        paid = self.open_fee / self.opened_cost if self.opened_cost else ZERO
        return self.average * (ONE + paid * self.side.d) / (ONE - taker * self.side.d)

    def bankruptcy(self, taker: Decimal) -> Decimal:
        """The price at which closing, its fee included, leaves nothing of the margin."""
        d = self.side.d
        return max((self.qty * self.average * d - self.margin) / (self.qty * (d - taker)), ZERO)


class ClosedPosition(msgspec.Struct, frozen=True):
    """A position that became flat: the row of `history-position`. Fees and funding are signed, negative when
    paid."""

    pos_id: str
    symbol: str
    side: Side
    margin_mode: str
    open_average: Decimal
    close_average: Decimal
    opened_qty: Decimal
    closed_qty: Decimal
    profit: Decimal
    funding: Decimal
    open_fee: Decimal
    close_fee: Decimal
    c_time: int
    u_time: int

    @property
    def net_profit(self) -> Decimal:
        return self.profit + self.funding + self.open_fee + self.close_fee


def closed(position: Position, now_ms: int) -> ClosedPosition:
    """The history entry of a position whose size has become zero."""
    return ClosedPosition(
        pos_id=position.pos_id,
        symbol=position.symbol,
        side=position.side,
        margin_mode=position.margin_mode,
        open_average=position.opened_cost / position.opened_qty,
        close_average=position.closed_cost / position.closed_qty,
        opened_qty=position.opened_qty,
        closed_qty=position.closed_qty,
        profit=position.realised,
        funding=position.funding or ZERO,
        open_fee=-position.open_fee,
        close_fee=-position.close_fee,
        c_time=position.c_time,
        u_time=now_ms,
    )
