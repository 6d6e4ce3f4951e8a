"""The exchange's books read once more: what every position earned and cost while it was under care."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from engine.core.cycle import Cycle
from engine.core.instrument import ZERO, Side
from engine.simulator.account import HEDGE, Account
from engine.simulator.orders import Effect, Fill

Key = tuple[str, Side]
FUNDING = "contract_settle_fee"
RISK_FUND = "risk_captital_user_transfer"


class Life(msgspec.Struct):
    """One position from its first trade until flat: opening and closing trades, and bills (time, amount)."""

    key: Key
    start: int
    end: int | None = None
    qty: Decimal = ZERO
    opening: list[Fill] = []
    closing: list[Fill] = []
    bills: list[tuple[int, Decimal]] = []


def lives_of(account: Account) -> list[Life]:
    """Every position there ever was, told from trades and bills alone."""
    lives: list[Life] = []
    open_now: dict[Key, Life] = {}
    ended: dict[str, Life] = {}
    fills = {fill.trade_id: fill for fill in account.fills}
    told = sorted(
        [*fills, *(b.bill_id for b in account.bills if b.business in (FUNDING, RISK_FUND))], key=int
    )
    bills = {bill.bill_id: bill for bill in account.bills}
    turn: dict[tuple[str, int], int] = {}
    for name in told:
        fill = fills.get(name)
        if fill is None:
            bill = bills[name]
            if bill.business == RISK_FUND:
                ended[bill.symbol].bills.append((bill.c_time, bill.amount + bill.fee))
                continue
            held = [side for side in Side if (bill.symbol, side) in open_now]
            nth = turn[bill.symbol, bill.c_time] = turn.get((bill.symbol, bill.c_time), -1) + 1
            open_now[bill.symbol, held[nth]].bills.append((bill.c_time, bill.amount + bill.fee))
            continue
        order = account.orders[fill.order_id]
        side, opens = order.side, order.effect is Effect.OPEN
        if order.effect is Effect.NET:
            opens = (fill.symbol, side.opposite) not in open_now
            side = side if opens else side.opposite
        key = (fill.symbol, side)
        if opens:
            if key not in open_now:
                open_now[key] = Life(key, fill.c_time)
                lives.append(open_now[key])
            open_now[key].opening.append(fill)
            open_now[key].qty += fill.qty
            continue
        life = open_now[key]
        life.closing.append(fill)
        life.qty -= fill.qty
        if not life.qty:
            life.end = fill.c_time
            ended[fill.symbol] = open_now.pop(key)
    return lives


def under_care(account: Account, cycles: list[Cycle]) -> Decimal | None:
    """What the exchange booked for positions while a cycle took care of them.

    None when nobody can say: a position was reduced before its adoption, and some opening fees with it; or
    two were liquidated at one moment.
    """
    burst = [(b.symbol, b.c_time) for b in account.bills if b.business == RISK_FUND]
    if len(set(burst)) < len(burst):
        return None
    total = ZERO
    for life in lives_of(account):
        cycle = _carer(life, cycles)
        if cycle is None:
            continue
        adopted = cycle.adopted if life.start <= cycle.adopted else 0
        if any(fill.c_time <= adopted for fill in life.closing):
            return None
        total += sum((f.fee for f in life.opening), ZERO)
        total += sum((f.profit + f.fee for f in life.closing), ZERO)
        total += sum((amount for at, amount in life.bills if at > adopted), ZERO)
    return total


def never_cared_for(account: Account, cycles: list[Cycle], *, since: int) -> set[str]:
    """The trades from `since` on that closed positions of which no cycle took care. In one-way mode only a
    profit tells that a trade closes.
    """
    lives = [life for life in lives_of(account) if _carer(life, cycles) is None]
    closing = [f for life in lives for f in life.closing if f.profit or account.position_mode == HEDGE]
    return {fill.trade_id for fill in closing if fill.c_time >= since}


def _carer(life: Life, cycles: list[Cycle]) -> Cycle | None:
    """The cycle that was adopted from this position, or that went on when it was closed and opened again."""
    mine = [c for c in cycles if (c.symbol, c.side) == life.key]
    for cycle in mine:
        if life.start == cycle.opened:
            return cycle
    return next((c for c in mine if c.opened < life.start and (not c.closed or life.start < c.exit_at)), None)
