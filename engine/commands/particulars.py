"""The rest of what the desk shows of the account and of a position, in words: nothing is for eyes only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from engine.commands.figures import amount, percent, worse
from engine.protocol import AccountView, LegView, LimitView, PositionView, StopView


def of_account(view: AccountView) -> str:
    """What stands in the desk's account strip beside the first figures."""
    return (
        f"this week {_won(view.week_pnl)}, deployed {percent(view.deployed)} of the equity, "
        f"leverage {amount(view.leverage, 1)}, funding {_won(view.funding)}, {view.risk_free} risk-free"
    )


def of_limit(view: LimitView) -> str:
    left = f", {view.left}" if view.left else ""
    return f"limit {view.name}: {view.now}, limit {view.limit}{left}"


def of_position(view: PositionView) -> Iterator[str]:
    """The ladder of a position: its next rung, legs, stops, money, and what if this machine stops."""
    who, places = f"{view.symbol} {view.side.value}", view.price_decimals
    if view.reason:
        yield f"{who} because: {view.reason}"
    if (rung := view.next_rung) is not None:
        blocked = f", blocked: {view.blocked}" if view.blocked else ""
        yield (
            f"{who} rung {rung.number} at {amount(rung.trigger, places)} banks "
            f"{amount(rung.bank_qty, view.qty_decimals)}, adds {amount(rung.add_margin)} margin, "
            f"worst case then {_won(worse(rung.worst_case_after))}{blocked}"
        )
    elif view.blocked:
        yield f"{who} has no next rung: {view.blocked}"
    yield from (_leg(who, leg, view) for leg in view.legs)
    yield from (_stop(who, stop, view) for stop in view.stops)
    if view.managed:
        even = f", breakeven {amount(view.breakeven, places)}" if view.breakeven is not None else ""
        yield (
            f"{who} banked {_won(view.realized)}, fees {amount(view.fees)}, "
            f"funding {_won(view.funding)}{even}"
        )
    if view.if_machine_dies:
        yield f"{who} if this machine stops: {_spoken(view.if_machine_dies)}"


def _leg(who: str, leg: LegView, view: PositionView) -> str:
    locked = ", locked" if leg.locked else ""
    return (
        f"{who} leg {leg.number}: {amount(leg.qty, view.qty_decimals)} at "
        f"{amount(leg.entry, view.price_decimals)}, {amount(leg.margin)} margin at "
        f"{leg.leverage.normalize():f}x, by the {leg.by}{locked}"
    )


def _stop(who: str, stop: StopView, view: PositionView) -> str:
    of = "the whole position" if stop.leg is None else f"leg {stop.leg}"
    state = "" if stop.state == "resting" else f", {stop.state}"
    read = "" if stop.confirmed else ", not read back yet"
    why = stop.why if stop.ours else f"not the ladder's: {stop.why}"
    return (
        f"{who} stop at {amount(stop.trigger, view.price_decimals)} for "
        f"{amount(stop.qty, view.qty_decimals)}, {of}, {why}, "
        f"{_won(stop.result)} there{state}{read}"
    )


def _spoken(sentence: str) -> str:
    """A bare minus is a dash to a screen reader."""
    return re.sub(r"[−-](?=\d)", "a loss of ", re.sub(r"\+(?=\d)", "a profit of ", sentence))


def _won(value: Decimal | None) -> str:
    """`profit 4.97`, `loss 4.50`: the word carries the sign."""
    if value is None:
        return "unknown"
    return f"{'profit ' if value > 0 else 'loss ' if value < 0 else ''}{amount(abs(value))}"
