"""Other alerts, through Apprise: Discord, ntfy, mail and the rest.

A thread of its own with a queue that can be full: nothing here is ever waited for. What an alert service does
not take within its own time-outs is dropped and logged; the journal has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

import apprise
import msgspec

from engine.core.actions import Level, Note
from engine.notify.layout import Told, told
from engine.notify.port import Desk, Happened
from engine.notify.summary import day_has_ended, summary
from engine.notify.urgency import is_chatter, is_question
from engine.protocol import LinkView, Snapshot

WAITING: Final = 200
LOOK_S: Final = 30.0
FINE: Final = ("stop", "rung", "close")
"""Topics of money events that are steps of something which is told as a whole."""
SAME_MS: Final = 300_000
END_S: Final = 2.0
NAME: Final = "alerts"

logger = logging.getLogger("ratchet.alerts")


class Alert(msgspec.Struct, frozen=True):
    """What goes out: a title, a text, how bad it is."""

    title: str
    text: str
    level: Level


class AlertsRefused(Exception):
    """An address is not one. The text names which of them, never the address: it may hold a password."""


class Alerts:
    """Passes on urgent and money events and the day's summary. Raises AlertsRefused."""

    def __init__(self, addresses: Sequence[str], desk: Desk) -> None:
        _hush()
        self._gateway = _gateway(addresses)
        self._desk = desk
        self._waiting: queue.Queue[Alert | None] = queue.Queue(WAITING)
        self._heard: deque[tuple[int, Note]] = deque(maxlen=WAITING)
        self._something = asyncio.Event()
        self._said: dict[str, int] = {}
        self._last: Snapshot | None = None
        self._failed = ""
        self._losses = 0
        self.dropped = 0
        self._worker = threading.Thread(target=self._work, name="alerts", daemon=True)
        self._worker.start()

    def hear(self, happened: Happened) -> None:
        """Remember what is worth an alert; it is laid out later, because orders wait behind this call."""
        for note in happened.notes:
            if is_worth_it(note) and not self._is_repeated(note, happened.at):
                self._heard.append((happened.at, note))
                self._something.set()

    def cry(self, text: str, at: int) -> None:
        """What no disk can take goes the way of all alerts: they keep nothing."""
        self.hear(Happened(0, at, (Note("machine", Level.URGENT, text),)))

    async def run(self) -> None:
        """Lay out what was heard, and at the end of a day what it came to. Ends by cancellation."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._something.wait()
            self._something.clear()
            snapshot = self._desk.snapshot()
            while self._heard:
                at, note = self._heard.popleft()
                self._tell(told(note, at, snapshot), note.level, snapshot)
            last, self._last = self._last, snapshot
            if last is not None and day_has_ended(last, snapshot):
                self.summarise(last)

    def summarise(self, snapshot: Snapshot) -> None:
        self._tell(summary(snapshot), Level.MONEY, snapshot)

    def _tell(self, part: Told, level: Level, snapshot: Snapshot) -> None:
        """The last line says which account it is about: a channel may hear several desks."""
        whose = f"{snapshot.engine.account} · {snapshot.engine.mode.value}"
        self._queue(Alert(part.title, "\n".join((*part.lines, whose)), level))

    def link(self) -> LinkView:
        """Whether the newest alert arrived."""
        return LinkView(NAME, not self._failed, None, None, self._losses, self._failed)

    def close(self, within_s: float = END_S) -> None:
        """Let what waits go out, for a moment."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._worker.join(within_s)

    def _is_repeated(self, note: Note, at: int) -> bool:
        """The same warning within five minutes is not news."""
        self._said = {text: then for text, then in self._said.items() if at - then < SAME_MS}
        if note.level is Level.MONEY:
            return False
        if note.text in self._said:
            return True
        self._said[note.text] = at
        return False

    def _queue(self, alert: Alert) -> None:
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                logger.warning("alerts wait in a full queue; further ones are dropped until it drains")

    def _work(self) -> None:
        while (alert := self._waiting.get()) is not None:
            try:
                arrived = _sent(self._gateway, alert)
            except Exception as error:  # noqa: BLE001 - a service's plug-in may raise anything; only alerts suffer
                arrived = False
                logger.warning("an alert service broke (%s)", type(error).__name__)
            self._noted(arrived=arrived)

    def _noted(self, *, arrived: bool) -> None:
        if arrived:
            self._failed = ""
            return
        self._losses += 1
        if not self._failed:
            logger.warning("an alert did not reach every service; the journal and the desk have it")
        self._failed = "the newest alert did not arrive everywhere"


_TYPES: Final = {
    Level.CHATTER: apprise.NotifyType.INFO,
    Level.MONEY: apprise.NotifyType.INFO,
    Level.WARNING: apprise.NotifyType.WARNING,
    Level.URGENT: apprise.NotifyType.FAILURE,
}


def is_worth_it(note: Note) -> bool:
    """Urgent events, warnings, money events that are whole (opened, rung done, closed), and that the engine
    came or went.
    """
    if note.level is Level.MONEY:
        return note.topic not in FINE
    return not is_chatter(note) and not is_question(note)


def try_out(addresses: Sequence[str]) -> bool:
    """Send one alert now; whether everybody took it. Raises AlertsRefused."""
    _hush()
    return _sent(_gateway(addresses), Alert("Ratchet", "This is a test: alerts arrive here.", Level.MONEY))


def _sent(gateway: apprise.Apprise, alert: Alert) -> bool:
    """Whether every service took it. The text is plain, and said to be: in a mail as HTML its lines would run
    together.
    """
    kind, plain = _TYPES[alert.level], apprise.NotifyFormat.TEXT
    return bool(gateway.notify(title=alert.title, body=alert.text, notify_type=kind, body_format=plain))


def _gateway(addresses: Sequence[str]) -> apprise.Apprise:
    gateway = apprise.Apprise()
    for number, address in enumerate(addresses, start=1):
        if not gateway.add(address):
            raise AlertsRefused(
                f"address {number} of notify.urls is not one that Apprise knows; write it like "
                "discord://ID/TOKEN, ntfy://TOPIC or mailto://USER:PASSWORD@HOST"
            )
    return gateway


def _hush() -> None:
    """Apprise logs addresses, and addresses hold passwords."""
    for name in ("apprise", "urllib3", "requests"):
        library = logging.getLogger(name)
        library.handlers = [logging.NullHandler()]
        library.propagate = False
