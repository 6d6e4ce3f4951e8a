"""Liquidation and auto-deleveraging: what the exchange does to a position against the trader's will."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import ONE, ZERO, Side, ceil_to, floor_to
from engine.simulator.account import Account
from engine.simulator.digits import booked
from engine.simulator.floor import Floor
from engine.simulator.matching import register
from engine.simulator.orders import Order
from engine.simulator.position import Position
from engine.simulator.settlement import ADL, LIQUIDATION, cancel_order, closing_order, trade

RISK_FUND = "risk_captital_user_transfer"
"""Bitget's spelling."""


def is_due(account: Account, position: Position) -> bool:
    """Whether the margin ratio has reached 1 at the current mark."""
    return account.margin_ratio(position) >= ONE


def liquidate(floor: Floor, account: Account, position: Position) -> None:
    """Close a position whose ratio is 1 or more. The loss of an isolated one is its whole margin, to the last
    unit.

    It closes in one piece at its bankruptcy price (tick on the cheaper side), fee included; what the tick
    leaves over goes to the risk fund, as Bitget books it. Auto-margin is asked first. Crossed positions of
    the account go together, at the mark, and what is left of the wallet outside isolated margins goes to the
    risk fund. Bitget's stepwise reduction of large positions through the tiers is not modelled.
    """
    if not position.is_isolated:
        _liquidate_crossed(floor, account)
    elif not (position.auto_margin and _auto_append(floor, account, position)):
        _liquidate_isolated(floor, account, position)


def force_adl(floor: Floor, account: Account, position: Position, qty: Decimal) -> None:
    """Reduce a position at the mark as auto-deleveraging does; the taker fee is charged."""
    one_way = "dte_sys_adl_buy_in_single_side_mode" if position.side is Side.SHORT else ""
    one_way = one_way or "dte_sys_adl_sell_in_single_side_mode"
    trade_side = one_way if account.is_one_way else f"dte_sys_adl_close_{position.side.value}"
    order = closing_order(floor, account, position, min(qty, position.qty), source=ADL, trade_side=trade_side)
    _fill(floor, account, order, _on_tick(floor, position, account.mark(position.symbol)))


def _liquidate_isolated(floor: Floor, account: Account, position: Position) -> None:
    margin = position.margin
    before = account.wallet
    price = _on_tick(floor, position, position.bankruptcy(account.taker(account.contract(position.symbol))))
    _fill(floor, account, _burst(floor, account, position), price)
    left = margin - (before - account.wallet)
    _to_risk_fund(floor, account, position.symbol, left)


def _liquidate_crossed(floor: Floor, account: Account) -> None:
    positions = [p for p in account.positions.values() if not p.is_isolated]
    for position in positions:
        for order in list(account.resting[position.symbol].values()):
            cancel_order(floor, account, order, "liquidation")
    for position in positions:
        price = _on_tick(floor, position, account.mark(position.symbol))
        _fill(floor, account, _burst(floor, account, position), price)
    _to_risk_fund(floor, account, positions[-1].symbol, account.wallet - account.isolated_margin())


def _burst(floor: Floor, account: Account, position: Position) -> Order:
    one_way = "burst_buy_single" if position.side is Side.SHORT else "burst_sell_single"
    trade_side = one_way if account.is_one_way else f"burst_close_{position.side.value}"
    return closing_order(floor, account, position, position.qty, source=LIQUIDATION, trade_side=trade_side)


def _fill(floor: Floor, account: Account, order: Order, price: Decimal) -> None:
    order.entry_point = "SYS"
    register(floor, account, order)
    trade(floor, account, order, order.qty, price, maker=False)


def _on_tick(floor: Floor, position: Position, price: Decimal) -> Decimal:
    """The tick that costs the position less: long up, short down, never below one tick."""
    tick = floor.listings[position.symbol].contract.instrument.tick
    rounded = ceil_to(price, tick) if position.side is Side.LONG else floor_to(price, tick)
    return max(rounded, tick)


def _to_risk_fund(floor: Floor, account: Account, symbol: str, amount: Decimal) -> None:
    if amount != ZERO:
        account.book(floor.ids.next(), floor.now_ms, symbol, RISK_FUND, amount=-amount)


def _auto_append(floor: Floor, account: Account, position: Position) -> bool:
    """Add up to the initial margin from what is free; whether that lifted the position out of liquidation."""
    wanted = booked(position.qty * position.average / position.leverage)
    amount = min(wanted, account.free())
    if amount <= ZERO:
        return False
    position.margin += amount
    position.u_time = floor.now_ms
    account.book(floor.ids.next(), floor.now_ms, position.symbol, "auto_append_margin", amount=-amount)
    floor.stale()
    return not is_due(account, position)
