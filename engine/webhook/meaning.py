"""What an alert asks for, given what is open. Pure.

action  sentiment   asks for
buy     long        open long
sell    short       open short
buy     flat        close the short
sell    flat        close the long
buy     short       nothing that is defined
sell    long        nothing that is defined
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.core.instrument import Side
from engine.protocol import PositionView
from engine.webhook.alert import Action, Alert, Sentiment


class Open(NamedTuple):
    """Enter this side. `first` is the other side, which has to be closed before."""

    side: Side
    first: Side | None = None


class Close(NamedTuple):
    """Leave this side."""

    side: Side


class Nothing(NamedTuple):
    """There is nothing to do, and why."""

    text: str


class Undefined(NamedTuple):
    """The alert contradicts itself, or what is allowed."""

    text: str


OPENS: Final = {(Action.BUY, Sentiment.LONG): Side.LONG, (Action.SELL, Sentiment.SHORT): Side.SHORT}
CLOSES: Final = {(Action.BUY, Sentiment.FLAT): Side.SHORT, (Action.SELL, Sentiment.FLAT): Side.LONG}


def meaning(
    alert: Alert, positions: tuple[PositionView, ...], *, allow_flip: bool
) -> Open | Close | Nothing | Undefined:
    """What to do about `alert`."""
    pair = (alert.action, alert.sentiment)
    held = {p.side for p in positions if p.symbol == alert.symbol and p.size}
    if side := OPENS.get(pair):
        if side.opposite not in held:
            return Open(side)
        if allow_flip:
            return Open(side, first=side.opposite)
        return Undefined(
            f"{alert.symbol} {side.opposite.value} is open, and webhook.allow_flip is off: close it first"
        )
    if side := CLOSES.get(pair):
        if side in held:
            return Close(side)
        other = f", but the {side.opposite.value} is" if side.opposite in held else ""
        return Nothing(
            f"{alert.action.value} with flat closes a {side.value}; {alert.symbol} {side.value} is not "
            f"open{other}"
        )
    return Undefined(
        f"{alert.action.value} with {alert.sentiment.value} means nothing: buy goes with long or flat, "
        "sell with short or flat"
    )
