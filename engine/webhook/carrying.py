"""From what an alert means to commands of the engine, until it is done or refused."""

from __future__ import annotations

import asyncio
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec

from engine.core.events import SignalHeard
from engine.core.instrument import Side
from engine.protocol import Answer, AnyCommand, ApprovalView, Deny, Enter, Exit, Request, Snapshot, Verdict
from engine.webhook.alert import Alert
from engine.webhook.meaning import BY, Close, Open, Withdraw

CENT: Final = Decimal("0.01")
SETTLE_S: Final = 3.0
"""How long a closed position's margin may take to be free again."""


class Desk(Protocol):
    """What an alert needs of the engine."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    def snapshot(self) -> Snapshot:
        """Everything, now."""

    async def changed(self, after: int) -> int:
        """Wait until the version is beyond `after`, and return it."""

    async def command(self, request: Request) -> Answer:
        """Decide a command and make it durable; the same id again is done once."""

    def heard(self, signal: SignalHeard) -> None:
        """Journal what came, and what became of it."""


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
    UNDER_WAY = "under way"
    NOTHING = "nothing to do"
    REFUSED = "refused"


class Outcome(msgspec.Struct, frozen=True):
    """The answer to an alert. `id` is the name under which the journal knows it, empty before it has one."""

    id: str
    outcome: Became
    text: str


Deed = Open | Close | Withdraw


async def carry(desk: Desk, terms: Terms, name: str, alert: Alert, deed: Deed) -> Outcome:
    """Do it; for a flip, close first and enter when the other side is gone."""
    if isinstance(deed, Withdraw):
        return await _take_back(desk, name, alert, deed.approval)
    if isinstance(deed, Open) and deed.instead is not None:
        await _take_back(desk, f"{name}-back", alert, deed.instead)
    if isinstance(deed, Close):
        return await _ask(desk, name, alert, Exit(alert.symbol, deed.side, terms.wait_s, terms.tries))
    if deed.first is None:
        return await _enter(desk, terms, name, alert, deed.side)
    free = desk.snapshot().account.free
    leaving = Exit(alert.symbol, deed.first, terms.wait_s, terms.tries)
    left = await _ask(desk, f"{name}-exit", alert, leaving)
    if left.outcome is not Became.DONE:
        return Outcome(name, left.outcome, f"not flipped: {left.text}")
    within_s = terms.wait_s * terms.tries + 60.0
    if not await _gone(desk, alert.symbol, deed.first, within_s):
        text = f"{alert.symbol} {deed.first.value} is still open after {within_s:.0f} s: not entered"
        return Outcome(name, Became.REFUSED, text)
    await _settled(desk, free)
    return await _enter(desk, terms, name, alert, deed.side)


def becomes(terms: Terms, deed: Deed) -> str:
    """What a deed is, for the journal."""
    match deed:
        case Close(side):
            return f"{side.value} exit"
        case Withdraw(approval):
            return f"{approval.side.value} entry taken back"
        case Open(side, first):
            leaving = f"{first.value} exit, then " if first is not None else ""
            return f"{leaving}{side.value} entry{' if you say yes' if terms.approve else ''}"


async def _take_back(desk: Desk, name: str, alert: Alert, approval: ApprovalView) -> Outcome:
    """An entry that still asks is not meant any more."""
    return await _ask(desk, name, alert, Deny(approval.cycle, approval.rung))


async def _enter(desk: Desk, terms: Terms, name: str, alert: Alert, side: Side) -> Outcome:
    free = desk.snapshot().account.free
    if free is None:
        return Outcome(name, Became.REFUSED, "the free balance is not known: try again when it is")
    margin = (free * terms.ratio).quantize(CENT, ROUND_DOWN)
    if margin <= 0:
        return Outcome(name, Became.REFUSED, f"{terms.ratio} of {free} USDT of free balance is no margin")
    entering = Enter(
        symbol=alert.symbol,
        side=side,
        margin=margin,
        patient=True,
        wait_s=terms.wait_s,
        tries=terms.tries,
        stop=alert.stop,
        price=alert.price,
        deviation=terms.deviation,
        ask=terms.approve,
    )
    return await _ask(desk, name, alert, entering)


async def _ask(desk: Desk, name: str, alert: Alert, command: AnyCommand) -> Outcome:
    told = f", id {alert.id}" if alert.id else ""
    by = f"{BY}, {alert.action.value} {alert.sentiment.value}{told}"[:120]
    answer = await desk.command(Request(name, by, command))
    outcome = Became.DONE if answer.verdict is Verdict.DONE else Became.REFUSED
    return Outcome(name, outcome, answer.text)


async def _gone(desk: Desk, symbol: str, side: Side, within_s: float) -> bool:
    """Wait until the position is not there any more. Unknown is not gone."""

    def is_there() -> bool:
        snapshot = desk.snapshot()
        held = any(p.symbol == symbol and p.side is side and p.size for p in snapshot.positions)
        return held or not snapshot.engine.reconciled

    try:
        async with asyncio.timeout(within_s):
            while is_there():
                await desk.changed(desk.version)
    except TimeoutError:
        return False
    return True


async def _settled(desk: Desk, before: Decimal | None) -> None:
    """Wait a moment for the freed margin, which the exchange tells after the position's end."""
    try:
        async with asyncio.timeout(SETTLE_S):
            while desk.snapshot().account.free == before:
                await desk.changed(desk.version)
    except TimeoutError:
        return
