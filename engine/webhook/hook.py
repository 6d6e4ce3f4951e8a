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
from typing import Final

import msgspec
from aiohttp import web

from engine.core.events import SignalHeard, SignalOutcome
from engine.core.signals import said
from engine.webhook.alert import Alert, Unreadable, alert_of, fields_of
from engine.webhook.carrying import Became, Desk, Outcome, Terms, becomes, carry
from engine.webhook.freshness import Seen, lateness, name_of
from engine.webhook.meaning import OPENS, Nothing, Undefined, meaning
from engine.webhook.record import STRANGE, Record

logger = logging.getLogger("ratchet.webhook")

ANSWER_S: Final = 0.8
"""TradingView hangs up after three seconds; what takes longer than this is told as under way."""

PATH: Final = "/api/webhook"
SOURCE: Final = "TradingView"
FLUSH_S: Final = 1.0
JOURNALLED: Final = {
    Became.DONE: SignalOutcome.ACCEPTED,
    Became.NOTHING: SignalOutcome.NOTHING,
    Became.REFUSED: SignalOutcome.REFUSED,
}
STATUS: Final = {
    Became.DONE: HTTPStatus.OK,
    Became.UNDER_WAY: HTTPStatus.ACCEPTED,
    Became.NOTHING: HTTPStatus.OK,
    Became.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Heard:
    """An alert on its way through the hook: what is known of it so far."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.alert: Alert | None = None
        self.name = ""
        self.becomes = ""

    def signal(self, outcome: SignalOutcome, text: str) -> SignalHeard:
        """It, with what became of it, as the journal keeps it."""
        alert = self.alert
        if alert is None:
            return SignalHeard(SOURCE, outcome, text)
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
            became=self.becomes if outcome is SignalOutcome.ACCEPTED else "",
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
    ) -> None:
        self.desk = desk
        self.terms = terms
        self.addresses = frozenset(addresses)
        self._token = _digest(token)
        self._clock = clock
        self._seen = Seen()
        self._record = Record(self._journal)
        self._work: asyncio.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<Hook {self._seen!r}>"

    async def run(self) -> None:
        """Carry out what alerts began, and tell what was held back. Ends only by cancellation."""
        async with asyncio.TaskGroup() as work:
            self._work = work
            try:
                while True:
                    await asyncio.sleep(FLUSH_S)
                    self._record.flush(self._clock())
            finally:
                self._work = None
                self._record.end()

    async def take(self, request: web.Request) -> web.Response:
        """The route's handler."""
        came_from = request.remote or "unknown"
        heard = Heard(self._clock())
        try:
            outcome, status = await self._take(await request.read(), came_from, heard)
        except Unreadable as fault:
            outcome, status = Outcome("", Became.REFUSED, str(fault)), fault.status
            where = f" (from {came_from})" if fault.outcome in STRANGE else ""
            self._tell(heard, fault.outcome, f"{fault}{where}")
        return web.Response(body=msgspec.json.encode(outcome), status=status, content_type="application/json")

    async def _take(self, body: bytes, came_from: str, heard: Heard) -> tuple[Outcome, int]:
        """Raises Unreadable, with the status."""
        alert, fields = self._read(body, came_from)
        heard.alert = alert
        now = heard.at
        if late := lateness(alert, now, late_s=self.terms.late_s, require_time=self.terms.require_time):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, late, SignalOutcome.LATE)
        if fault := _stop_fault(alert):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, fault, SignalOutcome.REFUSED)
        snapshot = self.desk.snapshot()
        if self._work is None or not snapshot.engine.reconciled:
            text = "the engine still reads the account: send it again"
            raise Unreadable(HTTPStatus.SERVICE_UNAVAILABLE, text, SignalOutcome.REFUSED)
        heard.name = name = name_of(alert, fields, now)
        if self._seen.is_again(name, now):
            text = "this alert was taken already, within the last minute"
            self._tell(heard, SignalOutcome.DUPLICATE, text)
            return Outcome(name, Became.REFUSED, text), HTTPStatus.CONFLICT
        deed = meaning(
            alert,
            snapshot.positions,
            allow_flip=self.terms.allow_flip,
            approvals=snapshot.approvals,
            flips=snapshot.flips,
        )
        if isinstance(deed, Nothing | Undefined):
            became = Became.NOTHING if isinstance(deed, Nothing) else Became.REFUSED
            self._tell(heard, JOURNALLED[became], deed.text)
            return Outcome(name, became, deed.text), STATUS[became]
        heard.becomes = becomes(self.terms, deed)
        carrying = self._work.create_task(carry(self.desk, self.terms, name, alert, deed), name=name)
        carrying.add_done_callback(lambda done: self._end(heard, done))
        done, _ = await asyncio.wait({carrying}, timeout=ANSWER_S)
        outcome = (
            carrying.result() if done else Outcome(name, Became.UNDER_WAY, "taken, and being carried out")
        )
        return outcome, STATUS[outcome.outcome]

    def _read(self, body: bytes, came_from: str) -> tuple[Alert, dict[str, str]]:
        """The alert of somebody who may send one. Raises Unreadable."""
        if self.addresses and came_from not in self.addresses:
            text = f"{came_from} is not among webhook.addresses"
            raise Unreadable(HTTPStatus.FORBIDDEN, text, SignalOutcome.TURNED_AWAY)
        fields = fields_of(body)
        if not hmac.compare_digest(_digest(fields.get("token", "")), self._token):
            text = "the alert's token is wrong or missing"
            raise Unreadable(HTTPStatus.UNAUTHORIZED, text, SignalOutcome.WRONG_TOKEN)
        return alert_of(fields), fields

    def _end(self, heard: Heard, done: asyncio.Task[Outcome]) -> None:
        """Tell what became of it. What was refused did nothing, and may come again."""
        if done.cancelled() or done.exception() is not None:
            return
        outcome = done.result()
        if outcome.outcome is Became.REFUSED:
            self._seen.forget(outcome.id)
            heard.becomes = ""
        self._tell(heard, JOURNALLED[outcome.outcome], outcome.text)

    def _tell(self, heard: Heard, outcome: SignalOutcome, text: str) -> None:
        self._record.add(heard.signal(outcome, text), self._clock())

    def _journal(self, signal: SignalHeard) -> None:
        """One line in the log and one event in the journal for each alert, as far as there is no flood."""
        level = logging.INFO if signal.outcome is SignalOutcome.ACCEPTED else logging.WARNING
        times = f" {signal.times:,} times" if signal.times > 1 else ""
        outcome = f"{signal.outcome.value}{times}"
        logger.log(level, "%s %s: %s, %s", signal.id or "-", said(signal), outcome, signal.text)
        self.desk.heard(signal)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _stop_fault(alert: Alert) -> str:
    """A stop on the wrong side of the alert's own price. The engine checks it against the market, too."""
    side = OPENS.get((alert.action, alert.sentiment))
    if side is None or alert.stop is None or alert.price is None or (alert.price - alert.stop) * side.d > 0:
        return ""
    where = "below" if side.d > 0 else "above"
    return f"stop_loss_price {alert.stop} must lie {where} the price {alert.price} of a {side.value}"
