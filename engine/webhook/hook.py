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

from engine.webhook.alert import Alert, Unreadable, alert_of, fields_of
from engine.webhook.carrying import Became, Desk, Outcome, Terms, carry
from engine.webhook.freshness import Seen, lateness, name_of
from engine.webhook.meaning import OPENS, Nothing, Undefined, meaning

logger = logging.getLogger("ratchet.webhook")

ANSWER_S: Final = 0.8
"""TradingView hangs up after three seconds; what takes longer than this is told as under way."""

PATH: Final = "/api/webhook"
STATUS: Final = {
    Became.DONE: HTTPStatus.OK,
    Became.UNDER_WAY: HTTPStatus.ACCEPTED,
    Became.NOTHING: HTTPStatus.OK,
    Became.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


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
        self._work: asyncio.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<Hook {self._seen!r}>"

    async def run(self) -> None:
        """Carry out what alerts began. Ends only by cancellation."""
        async with asyncio.TaskGroup() as work:
            self._work = work
            try:
                await asyncio.Event().wait()
            finally:
                self._work = None

    async def take(self, request: web.Request) -> web.Response:
        """The route's handler."""
        came_from = request.remote or "unknown"
        try:
            outcome, status = await self._take(await request.read(), came_from)
        except Unreadable as fault:
            outcome, status = Outcome("", Became.REFUSED, str(fault)), fault.status
            logger.warning("%s refused (%d): %s", came_from, status, fault)
        return web.Response(body=msgspec.json.encode(outcome), status=status, content_type="application/json")

    async def _take(self, body: bytes, came_from: str) -> tuple[Outcome, int]:
        """Raises Unreadable, with the status."""
        if self.addresses and came_from not in self.addresses:
            raise Unreadable(HTTPStatus.FORBIDDEN, f"{came_from} is not among webhook.addresses")
        fields = fields_of(body)
        if not hmac.compare_digest(_digest(fields.get("token", "")), self._token):
            raise Unreadable(HTTPStatus.UNAUTHORIZED, "the alert's token is wrong or missing")
        alert, now = alert_of(fields), self._clock()
        if late := lateness(alert, now, late_s=self.terms.late_s, require_time=self.terms.require_time):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, late)
        if fault := _stop_fault(alert):
            raise Unreadable(HTTPStatus.UNPROCESSABLE_ENTITY, fault)
        snapshot = self.desk.snapshot()
        if self._work is None or not snapshot.engine.reconciled:
            raise Unreadable(
                HTTPStatus.SERVICE_UNAVAILABLE, "the engine still reads the account: send it again"
            )
        name = name_of(alert, fields, now)
        if self._seen.is_again(name, now):
            outcome = Outcome(name, Became.REFUSED, "this alert was taken already, within the last minute")
            _tell(came_from, alert, outcome)
            return outcome, HTTPStatus.CONFLICT
        deed = meaning(alert, snapshot.positions, allow_flip=self.terms.allow_flip)
        if isinstance(deed, Nothing | Undefined):
            became = Became.NOTHING if isinstance(deed, Nothing) else Became.REFUSED
            outcome = Outcome(name, became, deed.text)
            _tell(came_from, alert, outcome)
            return outcome, STATUS[became]
        carrying = self._work.create_task(carry(self.desk, self.terms, name, alert, deed), name=name)
        carrying.add_done_callback(lambda done: self._end(came_from, alert, done))
        done, _ = await asyncio.wait({carrying}, timeout=ANSWER_S)
        outcome = (
            carrying.result() if done else Outcome(name, Became.UNDER_WAY, "taken, and being carried out")
        )
        return outcome, STATUS[outcome.outcome]

    def _end(self, came_from: str, alert: Alert, done: asyncio.Task[Outcome]) -> None:
        """Tell what became of it. What was refused did nothing, and may come again."""
        if done.cancelled() or done.exception() is not None:
            return
        outcome = done.result()
        if outcome.outcome is Became.REFUSED:
            self._seen.forget(outcome.id)
        _tell(came_from, alert, outcome)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _stop_fault(alert: Alert) -> str:
    """A stop on the wrong side of the alert's own price. The engine checks it against the market, too."""
    side = OPENS.get((alert.action, alert.sentiment))
    if side is None or alert.stop is None or alert.price is None or (alert.price - alert.stop) * side.d > 0:
        return ""
    where = "below" if side.d > 0 else "above"
    return f"stop_loss_price {alert.stop} must lie {where} the price {alert.price} of a {side.value}"


def _tell(came_from: str, alert: Alert, outcome: Outcome) -> None:
    """One line for each alert and its outcome."""
    level = logging.WARNING if outcome.outcome in (Became.REFUSED, Became.NOTHING) else logging.INFO
    logger.log(
        level,
        "%s %s %s %s %s%s: %s, %s",
        outcome.id,
        came_from,
        alert.action.value,
        alert.sentiment.value,
        alert.symbol,
        f" id {alert.id!r}" if alert.id else "",
        outcome.outcome.value,
        outcome.text,
    )
