"""The account's limits: the day and the week, the kill switch, and why risk may not be added now."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.exchange import Balance
from engine.core.instrument import ZERO
from engine.core.readings import overdue
from engine.core.state import Day, Kill, State
from engine.core.turn import Turn
from engine.core.words import amount, percent

DAY_MS = 86_400_000
MINUTE_MS = 60_000
AHEAD_MS = MINUTE_MS
"""How far ahead the exchange's clock may be by one frame that nobody has confirmed."""
BY_LIMIT = "limit"
"""Who has pulled the kill switch when no trader did."""
EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday: this many days after Monday."""


def balance_read(turn: Turn, balance: Balance, asked: int) -> None:
    """Take in a balance, then hold it against the limits. One that was asked for before the newest is old."""
    at = asked or turn.at
    if at < turn.state.balance_at:
        return
    if not balance.equity.is_finite() or not balance.free.is_finite():
        return
    reference = turn.state.settings.limits.reference_equity or turn.state.reference_equity or balance.equity
    turn.set(balance=balance, balance_at=at, reference_equity=reference)
    roll(turn)
    hold(turn)


def roll(turn: Turn) -> None:
    """Begin a new day or week of the exchange's calendar (UTC, weeks on Monday) with the equity that it
    finds. No clock that jumps back, or is a little ahead, opens again what was closed for the day.
    """
    state, now = turn.state, turn.state.day
    if not turn.event.market or state.balance is None:
        return
    is_closed = now.limit_hit or now.lost_at
    day, equity = (turn.event.market - (AHEAD_MS if is_closed else 0)) // DAY_MS, state.balance.equity
    week = (day + EPOCH_WEEKDAY) // 7
    if day <= now.day:
        return
    fresh = replace(
        now, day=day, day_equity=equity, day_at=turn.market, day_transfers=ZERO, limit_hit=False, lost_at=0
    )
    if week != now.week:
        fresh = replace(fresh, week=week, week_equity=equity, week_at=turn.market, week_transfers=ZERO)
    if now.limit_hit:
        turn.note("limit", Level.WARNING, "A new day: the daily loss limit is open again.")
    turn.set(day=fresh)


def day_result(state: State) -> Decimal | None:
    """Equity now against the day's first, transfers excluded; None while either is unknown."""
    if state.balance is None or state.day.day < 0:
        return None
    return state.balance.equity - state.day.day_equity - state.day.day_transfers


def week_result(state: State) -> Decimal | None:
    """Equity now against the week's first, transfers excluded; None while either is unknown."""
    if state.balance is None or state.day.day < 0:
        return None
    return state.balance.equity - state.day.week_equity - state.day.week_transfers


def hold(turn: Turn) -> None:
    """Close the day when its loss is too large, and pull the kill switch when the equity falls too low."""
    state, balance = turn.state, turn.state.balance
    if balance is None:
        return
    _hold_day(turn)
    if state.kill is None and is_below_floor(state):
        floor = floor_of(state)
        turn.set(kill=Kill(turn.at, BY_LIMIT, "equity below the limit", flatten=False))
        turn.ask(Reading.ORDERS)
        turn.note(
            "kill",
            Level.URGENT,
            f"Kill switch: equity {amount(balance.equity)} is below {amount(floor)} USDT. Nothing "
            "is added; what rests on Bitget stays. When the equity is above that again, resume ends it.",
        )


def floor_of(state: State) -> Decimal:
    """The equity under which the kill switch is on, USDT."""
    return state.settings.limits.kill_below * state.reference_equity


def is_below_floor(state: State) -> bool:
    """Whether the equity that was read last lies below it."""
    return state.balance is not None and state.balance.equity < floor_of(state)


def _hold_day(turn: Turn) -> None:
    """A loss counts when all bills of its time are read: what was transferred away was not lost."""
    state, limits = turn.state, turn.state.settings.limits
    result, day = day_result(state), state.day
    if result is None or day.limit_hit:
        return
    if result > -limits.daily_loss * day.day_equity:
        if day.lost_at:
            turn.set(day=replace(day, lost_at=0))
    elif not day.lost_at:
        turn.set(day=replace(day, lost_at=state.balance_at))
        turn.ask(Reading.BILLS)
    elif state.bills_at >= day.lost_at:
        turn.set(day=replace(day, lost_at=0, limit_hit=True, hit_at=turn.market, hit_result=result))
        turn.note(
            "limit",
            Level.URGENT,
            f"Daily loss limit reached: {amount(-result)} USDT of {percent(limits.daily_loss)} of "
            f"{amount(day.day_equity)}. Nothing is added until 00:01 UTC; what rests on Bitget stays.",
        )


def transferred_late(turn: Turn, value: Decimal, at: int) -> None:
    """A transfer that was told after the limit was hit, but made before: perhaps it was the whole loss."""
    day, limits = turn.state.day, turn.state.settings.limits
    if not day.limit_hit or at > day.hit_at:
        return
    result = day.hit_result - value
    lost = result <= -limits.daily_loss * day.day_equity
    turn.set(day=replace(day, hit_result=result, limit_hit=lost))
    if not lost:
        turn.note("limit", Level.WARNING, "The loss of the day was a transfer: its limit is open again.")


def transferred(day: Day, value: Decimal, at: int) -> Day:
    """A transfer in or out is no profit and no loss; one from before the day or the week is in its first
    equity.
    """
    return replace(
        day,
        day_transfers=day.day_transfers + (value if at > day.day_at else ZERO),
        week_transfers=day.week_transfers + (value if at > day.week_at else ZERO),
    )


def no_risk_because(turn: Turn) -> str:
    """Why nothing may add risk on this account now; empty when it may."""
    state = turn.state
    if state.read_only:
        return state.read_only
    if state.hindered:
        return state.hindered
    if state.kill is not None:
        return "the kill switch is on"
    if state.day.limit_hit or state.day.lost_at:
        return "the daily loss limit is hit"
    if not state.is_reconciled:
        return f"not reconciled with Bitget yet ({', '.join(state.unread)} unread)"
    if late := overdue(state, turn.at):
        return f"Bitget's {', '.join(late)} cannot be read"
    if not state.links.get("private", False):
        return "the private stream is down"
    if state.balance is None:
        return "the balance is unknown"
    if not in_window(turn):
        return "outside the trading window"
    return ""


def in_window(turn: Turn) -> bool:
    """Whether the exchange's clock is inside one of the trading windows; without windows it always is."""
    windows = turn.state.settings.limits.windows
    if not windows:
        return True
    minutes = turn.market // MINUTE_MS + EPOCH_WEEKDAY * 24 * 60
    minute = minutes % (7 * 24 * 60)
    return any(w.start <= minute < w.end for w in windows)


def oversized(notional: Decimal, planned: Decimal, turn: Turn) -> bool:
    """Whether an order is larger than the plan allows: the last look before it is sent."""
    return notional > planned * turn.state.settings.limits.order_size or planned <= ZERO or notional < ZERO
