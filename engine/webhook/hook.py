"""POST /api/webhook: is it TradingView, is it new, what does it mean; answered within a second, done
asynchronously.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final

import msgspec
from aiohttp import web

from engine.core.events import SignalHeard, SignalOutcome
from engine.protocol import NotAnswering, Snapshot
from engine.webhook.alert import Alert, Unreadable, alert_of, fields_of
from engine.webhook.carrying import Became, Deed, Desk, Outcome, Terms, becomes, carry
from engine.webhook.freshness import Seen, lateness, name_of
from engine.webhook.logbook import Logbook
from engine.webhook.meaning import OPENS, Close, Nothing, Open, Undefined, Withdraw, meaning
from engine.webhook.record import STRANGE
from engine.webhook.spool import Spool

logger = logging.getLogger("ratchet.webhook")

ANSWER_S: Final = 0.8
"""TradingView hangs up after three seconds; what takes longer than this is told as under way."""

PATH: Final = "/api/webhook"
SOURCE: Final = "TradingView"
JOURNALLED: Final = {
    Became.DONE: SignalOutcome.ACCEPTED,
    Became.DONE_BEFORE: SignalOutcome.DUPLICATE,
    Became.NOTHING: SignalOutcome.NOTHING,
    Became.REFUSED: SignalOutcome.REFUSED,
}
STATUS: Final = {
    Became.DONE: HTTPStatus.OK,
    Became.DONE_BEFORE: HTTPStatus.CONFLICT,
    Became.UNDER_WAY: HTTPStatus.ACCEPTED,
    Became.NOTHING: HTTPStatus.OK,
    Became.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
}
UNTOLD: Final = "who carried it out ended before it was told"
UNWRITTEN: Final = "it cannot be written down now, and nothing is opened unwritten: send it again"
BUSY: Final = "it is not decided yet, and cannot be written down now: send it again, it is done once"
STARTING: Final = "the engine is starting or ending"
UNRECONCILED: Final = "the engine still reads the account: send it again"
"""What is said to all but an end of what is known: that waits for nothing."""


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Heard:
    """An alert on its way through the hook: what is known of it so far."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.nonce = token_urlsafe(9)
        self.alert: Alert | None = None
        self.name = ""
        self.becomes = ""
        self.is_told = False
        """What became of it is known, and being written down."""

    def signal(self, outcome: SignalOutcome, text: str) -> SignalHeard:
        """It, with what became of it, as the journal keeps it."""
        alert = self.alert
        if alert is None:
            return SignalHeard(SOURCE, outcome, text, came=self.at, nonce=self.nonce)
        return SignalHeard(
            SOURCE,
            outcome,
            text,
            id=self.name,
            label=alert.id,
            symbol=alert.symbol,
            action=alert.action.value,
            sentiment=alert.sentiment.value,
            price=alert.price,
            stop=alert.stop,
            became=self.becomes if outcome in (SignalOutcome.ACCEPTED, SignalOutcome.UNDER_WAY) else "",
            came=self.at,
            nonce=self.nonce,
        )


class Hook:
    """Takes alerts. `run` must be awaited by an owner: what an alert began lives there. Its repr shows no
    token.
    """

    def __init__(
        self,
        desk: Desk,
        terms: Terms,
        token: str,
        *,
        addresses: Iterable[str] = (),
        clock: Callable[[], int] = wall_ms,
        answer_s: float = ANSWER_S,
        spool: Spool | None = None,
    ) -> None:
        self.desk = desk
        self.terms = terms
        self.addresses = frozenset(addresses)
        self._token = _digest(token)
        self._clock = clock
        self._answer_s = answer_s
        self._seen = Seen()
        self.logbook = Logbook(desk, clock, spool)
        self._work: asyncio.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<Hook {self._seen!r}>"

    async def run(self) -> None:
        """Carry out what alerts began, and tell the journal of it. Ends only by cancellation."""
        async with asyncio.TaskGroup() as work:
            self._work = work
            try:
                await self.logbook.run()
            finally:
                self._work = None

    async def take(self, request: web.Request) -> web.Response:
        """The route's handler."""
        body, heard = await request.read(), Heard(self._clock())
        came_from = request.remote or "unknown"
        if self._work is None:
            await self._tell(
                heard, SignalOutcome.UNREADABLE, f"{STARTING}, and it was not read (from {came_from})"
            )
            outcome, status = _later(f"{STARTING}: send it again")
        else:
            working = self._work.create_task(self._answer(body, came_from, heard))
            done, _ = await asyncio.wait({working}, timeout=self._answer_s)
            if not done and heard.is_told:
                done, _ = await asyncio.wait({working})
            outcome, status = working.result() if done else await self._promise(heard)
        return web.Response(body=msgspec.json.encode(outcome), status=status, content_type="application/json")

    async def _promise(self, heard: Heard) -> tuple[Outcome, int]:
        """What is answered to an alert that is still being carried out: only what is sure to be told."""
        if not await self._begin(heard):
            return _later(BUSY, heard.name)
        under_way = Outcome(heard.name, Became.UNDER_WAY, "taken, and being carried out")
        return under_way, STATUS[under_way.outcome]

    async def unread(self, request: web.Request, status: int) -> None:
        """A body that was too large, too slow or cut off is an alert, too, if one that nobody could read.
        What came of it may hold the token, and is not repeated.
        """
        told, came = request.content_length, f"{request.content.total_bytes:,}"
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            why = (
                f"too large: {told:,} bytes were announced"
                if told
                else f"too large: more than {came} bytes came"
            )
        else:
            what = "too slow" if status == HTTPStatus.REQUEST_TIMEOUT else "cut off"
            why = f"{what}: {came}{f' of {told:,}' if told else ''} bytes came"
        text = f"the body was {why} (from {request.remote or 'unknown'})"
        await self._tell(Heard(self._clock()), SignalOutcome.UNREADABLE, text)

    async def _answer(self, body: bytes, came_from: str, heard: Heard) -> tuple[Outcome, int]:
        """What the alert comes to, and the status that says so."""
        try:
            return await self._take(body, came_from, heard)
        except Unreadable as fault:
            where = f" (from {came_from})" if fault.outcome in STRANGE else ""
            await self._tell(heard, fault.outcome, f"{fault}{where}")
            return Outcome("", Became.REFUSED, str(fault)), fault.status
        except NotAnswering as silent:
            await self._tell(heard, SignalOutcome.REFUSED, f"{silent}: nothing was done")
            return _later(f"{silent}: send it again", heard.name)
        except Exception:
            logger.exception("an alert broke something")
            text = "this alert broke something; the log tells what"
            await self._tell(heard, SignalOutcome.UNDER_WAY, text)
            outcome = Outcome(heard.name, Became.REFUSED, f"{text}. The engine goes on")
            return outcome, HTTPStatus.INTERNAL_SERVER_ERROR

    async def _take(self, body: bytes, came_from: str, heard: Heard) -> tuple[Outcome, int]:
        """Raises Unreadable, with the status."""
        alert, fields = self._read(body, came_from)
        heard.alert = alert
        now = heard.at
        if late := lateness(alert, now, late_s=self.terms.late_s, require_time=self.terms.require_time):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, late, SignalOutcome.LATE)
        if fault := _stop_fault(alert):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, fault, SignalOutcome.REFUSED)
        heard.name = name = name_of(alert, fields, now)
        if self._seen.is_again(name, now):
            text = "this alert was taken already, within the last minute"
            await self._tell(heard, SignalOutcome.DUPLICATE, text)
            return Outcome(name, Became.REFUSED, text), HTTPStatus.CONFLICT
        snapshot = await self._account(name)
        deed = meaning(
            alert,
            snapshot.positions,
            allow_flip=self.terms.allow_flip,
            approvals=snapshot.approvals,
            flips=snapshot.flips,
            entries=snapshot.entries,
        )
        if not snapshot.engine.reconciled and not isinstance(deed, Close | Withdraw):
            self._seen.forget(name)
            raise Unreadable(HTTPStatus.SERVICE_UNAVAILABLE, UNRECONCILED, SignalOutcome.REFUSED)
        if isinstance(deed, Nothing | Undefined):
            became = Became.NOTHING if isinstance(deed, Nothing) else Became.REFUSED
            await self._tell(heard, JOURNALLED[became], deed.text)
            return Outcome(name, became, deed.text), STATUS[became]
        heard.becomes = becomes(self.terms, deed)
        if not await self._begin(heard) and isinstance(deed, Open):
            self._seen.forget(name)
            raise Unreadable(HTTPStatus.SERVICE_UNAVAILABLE, UNWRITTEN, SignalOutcome.REFUSED)
        return await self._carry(heard, alert, deed, snapshot)

    async def _account(self, name: str) -> Snapshot:
        """The account as the engine shows it. Raises NotAnswering: the alert may come again."""
        try:
            return await self.desk.snapshot()
        except NotAnswering:
            self._seen.forget(name)
            raise

    def _read(self, body: bytes, came_from: str) -> tuple[Alert, dict[str, str]]:
        """The alert of somebody who may send one. Raises Unreadable."""
        if self.addresses and came_from not in self.addresses:
            text = f"{came_from} is not among webhook.addresses"
            raise Unreadable(HTTPStatus.FORBIDDEN, text, SignalOutcome.TURNED_AWAY)
        fields = fields_of(body)
        if not hmac.compare_digest(_digest(fields.get("token", "")), self._token):
            text = "the alert's token is wrong or missing"
            raise Unreadable(HTTPStatus.UNAUTHORIZED, text, SignalOutcome.WRONG_TOKEN)
        try:
            return alert_of(fields), fields
        except Unreadable as fault:
            # it came from the strategy itself: each of these is told, and not as a stranger's
            raise Unreadable(fault.status, str(fault), SignalOutcome.REFUSED) from None

    async def _carry(self, heard: Heard, alert: Alert, deed: Deed, snapshot: Snapshot) -> tuple[Outcome, int]:
        """Do it, and tell what became of it. What was refused did nothing, and may come again; of what was
        not answered the engine itself tells the journal, as soon as it answers again.
        """
        try:
            outcome = await carry(self.desk, self.terms, heard.name, alert, deed, snapshot.account.free)
        except NotAnswering as silent:
            self._seen.forget(heard.name)
            await self._tell(heard, SignalOutcome.UNDER_WAY, str(silent))
            text = f"{silent}, and nobody knows yet whether it is done: send it again, it is done once"
            return _later(text, heard.name)
        if outcome.outcome is Became.REFUSED:
            self._seen.forget(heard.name)
        await self._tell(heard, JOURNALLED[outcome.outcome], outcome.text)
        return outcome, STATUS[outcome.outcome]

    async def _begin(self, heard: Heard) -> bool:
        """It is on the disk that this alert is under way, or that is not sure."""
        return await self.logbook.begin(heard.signal(SignalOutcome.UNDER_WAY, UNTOLD))

    async def _tell(self, heard: Heard, outcome: SignalOutcome, text: str) -> None:
        heard.is_told = True
        await self.logbook.tell(heard.signal(outcome, text))


def _later(text: str, name: str = "") -> tuple[Outcome, int]:
    """Refused, but not for good."""
    return Outcome(name, Became.REFUSED, text), HTTPStatus.SERVICE_UNAVAILABLE


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _stop_fault(alert: Alert) -> str:
    """A stop on the wrong side of the alert's own price. The engine checks it against the market, too."""
    side = OPENS.get((alert.action, alert.sentiment))
    if side is None or alert.stop is None or alert.price is None or (alert.price - alert.stop) * side.d > 0:
        return ""
    where = "below" if side.d > 0 else "above"
    return f"stop_loss_price {alert.stop} must lie {where} the price {alert.price} of a {side.value}"
