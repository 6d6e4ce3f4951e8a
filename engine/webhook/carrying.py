"""From what an alert means to commands of the engine, until it is done or refused."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from engine.core.events import ALREADY_DONE
from engine.core.instrument import Side
from engine.protocol import Answer, AnyCommand, Deny, Enter, Exit, Flip, Request, Snapshot, Verdict
from engine.webhook.alert import Alert
from engine.webhook.logbook import Journal
from engine.webhook.meaning import BY, Close, Open, Withdraw

CENT: Final = Decimal("0.01")


class Desk(Journal, Protocol):
    """What an alert needs of the engine."""

    async def snapshot(self) -> Snapshot:
        """Everything, now."""

    async def command(self, request: Request) -> Answer:
        """Decide a command and make it durable; the same id again is done once."""


class Terms(NamedTuple):
    """How alerts become orders: `ratio` of the free balance is an entry's margin; `deviation` is how far the
    market may have left the alert's price; a limit order works `wait_s` seconds, `tries` times. With
    `approve` an entry waits for the trader's yes.
    """

    ratio: Decimal = Decimal("0.5")
    deviation: Decimal = Decimal("0.005")
    wait_s: int = 20
    tries: int = 3
    late_s: int = 60
    require_time: bool = False
    allow_flip: bool = False
    approve: bool = False


class Became(StrEnum):
    """What became of an alert."""

    DONE = "done"
    DONE_BEFORE = "done before"
    UNDER_WAY = "under way"
    NOTHING = "nothing to do"
    REFUSED = "refused"


class Outcome(msgspec.Struct, frozen=True):
    """The answer to an alert. `id` is the name under which the journal knows it, empty before it has one."""

    id: str
    outcome: Became
    text: str


Deed = Open | Close | Withdraw


async def carry(
    desk: Desk, terms: Terms, name: str, alert: Alert, deed: Deed, free: Decimal | None
) -> Outcome:
    """Do it, with `free` USDT of balance: what takes longer than a command goes on in the engine, also
    after a restart.
    """
    if isinstance(deed, Withdraw):
        return await _ask(desk, name, alert, Deny(deed.id, 0))
    if isinstance(deed, Open) and deed.instead is not None:
        await _ask(desk, f"{name}-back", alert, Deny(deed.instead.cycle, deed.instead.rung))
    if isinstance(deed, Close):
        return await _ask(desk, name, alert, Exit(alert.symbol, deed.side, terms.wait_s, terms.tries))
    if deed.first is None:
        return await _enter(desk, terms, name, alert, deed.side, free)
    return await _ask(desk, name, alert, _flip(terms, alert, deed.side))


def becomes(terms: Terms, deed: Deed) -> str:
    """What a deed is, for the journal."""
    match deed:
        case Close(side):
            return f"{side.value} exit"
        case Withdraw(_, side):
            return f"{side.value} entry taken back"
        case Open(side, first):
            leaving = f"{first.value} exit, then " if first is not None else ""
            return f"{leaving}{side.value} entry{' if you say yes' if terms.approve else ''}"


def _entering(terms: Terms, alert: Alert, side: Side) -> Enter:
    """The entry without its size."""
    return Enter(
        symbol=alert.symbol,
        side=side,
        patient=True,
        wait_s=terms.wait_s,
        tries=terms.tries,
        stop=alert.stop,
        price=alert.price,
        deviation=terms.deviation,
        ask=terms.approve,
    )


def _flip(terms: Terms, alert: Alert, side: Side) -> Flip:
    """Its entry may come as late as an alert may, after all the tries of the exit."""
    within_s = terms.wait_s * terms.tries + terms.late_s
    return Flip(_entering(terms, alert, side), terms.ratio, within_s)


async def _enter(
    desk: Desk, terms: Terms, name: str, alert: Alert, side: Side, free: Decimal | None
) -> Outcome:
    if free is None:
        return Outcome(name, Became.REFUSED, "the free balance is not known: try again when it is")
    margin = (free * terms.ratio).quantize(CENT, ROUND_DOWN)
    if margin <= 0:
        return Outcome(name, Became.REFUSED, f"{terms.ratio} of {free} USDT of free balance is no margin")
    entering = replace(_entering(terms, alert, side), margin=margin)
    return await _ask(desk, name, alert, entering)


async def _ask(desk: Desk, name: str, alert: Alert, command: AnyCommand) -> Outcome:
    told = f", id {alert.id}" if alert.id else ""
    by = f"{BY}, {alert.action.value} {alert.sentiment.value}{told}"[:120]
    answer = await desk.command(Request(name, by, command))
    if answer.verdict is not Verdict.DONE:
        return Outcome(name, Became.REFUSED, answer.text)
    if answer.text == ALREADY_DONE:
        return Outcome(name, Became.DONE_BEFORE, "this alert was taken already, and is done once")
    return Outcome(name, Became.DONE, answer.text)
