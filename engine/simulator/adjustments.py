"""Changes to a position's margin that are not trades: leverage, added and removed margin."""

from __future__ import annotations

from decimal import Decimal

from engine.core import margin as formulas
from engine.core.instrument import ONE, ZERO
from engine.simulator.account import Account
from engine.simulator.digits import booked
from engine.simulator.errors import refusal
from engine.simulator.floor import Floor
from engine.simulator.position import Position


def change_leverage(floor: Floor, account: Account, position: Position, leverage: Decimal) -> None:
    """Re-margin an open position: its margin changes by q·E·(1/L_new − 1/L_old), added margin stays where it
    is.

    Lowering takes the difference from the free margin (40893 when it is not there), raising gives it back
    (40893 when the position would be liquidated by it).
    """
    cost = position.qty * position.average
    change = booked(cost / leverage - cost / position.leverage)
    if change > account.free() or (change < ZERO and not _survives(account, position, change)):
        raise refusal("40893")
    position.leverage = leverage
    _move(
        floor,
        account,
        position,
        change,
        "adjust_down_lever_append_margin" if change > ZERO else "reduce_margin",
    )


def add_margin(floor: Floor, account: Account, position: Position, amount: Decimal) -> None:
    """Move `amount` from the free margin to an isolated position, or back when negative.

    Raises 40800 when it is not free, 40801 when the position needs it.
    """
    if amount > account.free():
        raise refusal("40800")
    if amount < ZERO and -amount > removable(account, position):
        raise refusal("40801")
    _move(floor, account, position, amount, "append_margin" if amount > ZERO else "reduce_margin")


def removable(account: Account, position: Position) -> Decimal:
    """How much margin may leave: down to the initial margin, and what an unrealised loss uses stays."""
    mark = account.mark(position.symbol)
    initial = booked(formulas.initial_margin(position.qty, position.average, position.leverage))
    return max(position.margin + min(position.unrealised(mark), ZERO) - initial, ZERO)


def _survives(account: Account, position: Position, change: Decimal) -> bool:
    """Whether the position would still have a margin ratio under 1."""
    if not position.is_isolated:
        return account.free() >= ZERO
    mark = account.mark(position.symbol)
    ratio = formulas.margin_ratio(
        position.side,
        position.qty,
        position.average,
        position.margin + change,
        mark,
        account.maintenance_rate(position, mark),
        account.taker(account.contract(position.symbol)),
    )
    return ratio < ONE


def _move(floor: Floor, account: Account, position: Position, amount: Decimal, business: str) -> None:
    position.margin += amount
    position.u_time = floor.now_ms
    if position.is_isolated and amount != ZERO:
        account.book(floor.ids.next(), floor.now_ms, position.symbol, business, amount=-amount)
    floor.stale()
