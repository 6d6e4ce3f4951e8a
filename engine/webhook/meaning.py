"""What an alert asks for, given what is open. Pure.

action  sentiment   asks for
buy     long        open long
sell    short       open short
buy     flat        close the short, or take back the entry of one that asks or waits
sell    flat        close the long, likewise
buy     short       nothing that is defined
sell    long        nothing that is defined
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.core.instrument import Side
from engine.protocol import ApprovalView, Asks, EntryView, FlipView, PositionView
from engine.webhook.alert import Action, Alert, Sentiment


class Open(NamedTuple):
    """Enter this side. `first` is the other side, which has to be closed before; `instead` an entry of ours
    that still asks, and is taken back.
    """

    side: Side
    first: Side | None = None
    instead: ApprovalView | None = None


class Close(NamedTuple):
    """Leave this side."""

    side: Side


class Withdraw(NamedTuple):
    """Take back an entry of ours that still asks, or waits for the other side's end: it is not meant any
    more.
    """

    id: str
    side: Side


class Nothing(NamedTuple):
    """There is nothing to do, and why."""

    text: str


class Undefined(NamedTuple):
    """The alert contradicts itself, or what is allowed."""

    text: str


BY: Final = "webhook"
"""How the name of this door begins."""

OPENS: Final = {(Action.BUY, Sentiment.LONG): Side.LONG, (Action.SELL, Sentiment.SHORT): Side.SHORT}
CLOSES: Final = {(Action.BUY, Sentiment.FLAT): Side.SHORT, (Action.SELL, Sentiment.FLAT): Side.LONG}


def meaning(
    alert: Alert,
    positions: tuple[PositionView, ...],
    *,
    allow_flip: bool,
    approvals: tuple[ApprovalView, ...] = (),
    flips: tuple[FlipView, ...] = (),
    entries: tuple[EntryView, ...] = (),
) -> Open | Close | Withdraw | Nothing | Undefined:
    """What to do about `alert`; `approvals` are what asks now, `flips` what waits for the other side's end,
    `entries` what is on its way in: that counts as open.
    """
    turning = {f.side: f.id for f in flips if f.symbol == alert.symbol}
    asks = {a.side: a for a in approvals if a.symbol == alert.symbol and _is_ours(a)}
    pair = (alert.action, alert.sentiment)
    held = {p.side for p in positions if p.symbol == alert.symbol and p.size}
    coming = {e.side for e in entries if e.symbol == alert.symbol and e.opens}
    if side := OPENS.get(pair):
        if side.opposite not in held | coming:
            return Open(side, instead=asks.get(side.opposite))
        if allow_flip:
            return Open(side, first=side.opposite, instead=asks.get(side.opposite))
        is_open = side.opposite in held
        how, first = ("open", "close it first") if is_open else ("being entered", "take it back first")
        return Undefined(
            f"{alert.symbol} {side.opposite.value} is {how}, and webhook.allow_flip is off: {first}"
        )
    if side := CLOSES.get(pair):
        if side in held | coming:
            return Close(side)
        if side in asks:
            return Withdraw(asks[side].cycle, side)
        if side in turning:
            return Withdraw(turning[side], side)
        other = f", but the {side.opposite.value} is" if side.opposite in held else ""
        return Nothing(
            f"{alert.action.value} with flat closes a {side.value}; {alert.symbol} {side.value} is not "
            f"open{other}"
        )
    return Undefined(
        f"{alert.action.value} with {alert.sentiment.value} means nothing: buy goes with long or flat, "
        "sell with short or flat"
    )


def _is_ours(approval: ApprovalView) -> bool:
    return approval.asks is Asks.ENTRY and approval.by.startswith(BY)
