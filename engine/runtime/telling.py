"""Who tells the trader away from the desk, wired to one engine: the journal's ear, the phone, the other
alerts.

Nothing in here may end the engine: what cannot be opened is a warning in the log and a connection that is
down.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from msgspec.structs import replace

from engine.config.loaded import PhoneWish, Telling
from engine.core.state import State
from engine.journal.port import Entry, Journal, JournalRefused, Recorded, Recovered
from engine.notify.port import Happened, Listener
from engine.protocol import LinkView, Snapshot
from engine.runtime.face import Face
from engine.runtime.undecided import UNRECORDED

if TYPE_CHECKING:
    from engine.notify.alerts import Alerts
    from engine.notify.outbox import Outbox
    from engine.notify.telegram.phone import Phone

OUTBOX: Final = "engine.outbox"
PAGE: Final = 500

logger = logging.getLogger("ratchet.telling")


class TellingJournal(Journal):
    """A journal that lets listeners hear every entry once it is durable, and that none can be."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.listeners: list[Listener] = []
        self._is_refused = False

    async def recover(self) -> Recovered:
        return await self._journal.recover()

    async def append(self, entries: Sequence[Entry], state: State) -> int:
        """Raises JournalRefused; the first time the listeners hear it, too: nobody else tells them."""
        try:
            last = await self._journal.append(entries, state)
        except JournalRefused as refused:
            if not self._is_refused:
                self._is_refused = True
                for listener in self.listeners:
                    listener.cry(UNRECORDED.format(refused), entries[-1].event.at)
            raise
        self._is_refused = False
        if self.listeners:
            for seq, entry in enumerate(entries, last - len(entries) + 1):
                happened = Happened(seq, entry.event.at, entry.notes)
                for listener in self.listeners:
                    listener.hear(happened)
        return last

    async def snapshot(self, state: State) -> None:
        await self._journal.snapshot(state)

    def read(
        self, *, symbol: str = "", cycle: str = "", after: int = 0, limit: int = 1000
    ) -> AsyncIterator[Recorded]:
        return self._journal.read(symbol=symbol, cycle=cycle, after=after, limit=limit)

    async def close(self) -> None:
        await self._journal.close()

    async def since(self, seq: int) -> AsyncIterator[Happened]:
        """What the entries after `seq` told, oldest first. Implements `engine.notify.port.History`."""
        while True:
            page = [item async for item in self._journal.read(after=seq, limit=PAGE)]
            for item in page:
                yield Happened(item.seq, item.entry.event.at, item.entry.notes)
            if not page:
                return
            seq = page[-1].seq


class TellingFace(Face):
    """The engine's face, with the connections of those who tell."""

    voices: Voices | None = None

    def snapshot(self) -> Snapshot:
        snapshot = super().snapshot()
        return replace(snapshot, links=(*snapshot.links, *self.voices.links())) if self.voices else snapshot


class Voices:
    """The phone and the alerts of one engine, as far as they are configured.

    Entering brings in the libraries and opens the outbox in `folder`, both before the engine trades, since
    both take their time. What cannot be opened is a connection that is down.
    """

    def __init__(self, telling: Telling, journal: TellingJournal, face: TellingFace, folder: Path) -> None:
        self._telling = telling
        self._journal = journal
        self._face = face
        self._folder = folder
        self._down: list[LinkView] = []
        self._outbox: Outbox | None = None
        self._phone: Phone | None = None
        self._alerts: Alerts | None = None

    def __repr__(self) -> str:
        return f"<Voices {', '.join(link.name for link in self.links()) or 'none'}>"

    async def __aenter__(self) -> Self:
        if self._telling.phone is not None:
            await self._open_phone(self._telling.phone, self._folder / OUTBOX)
        if self._telling.alerts:
            self._open_alerts(self._telling.alerts)
        self._face.voices = self
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alerts is not None:
            await asyncio.to_thread(self._alerts.close)
        if self._outbox is not None:
            await self._outbox.close()

    async def run(self) -> None:
        """Tell until cancelled; never raises anything else."""
        async with asyncio.TaskGroup() as group:
            if self._phone is not None:
                group.create_task(self._phone.run(), name="phone")
            if self._alerts is not None:
                group.create_task(self._run_alerts(self._alerts), name="alerts")
            await asyncio.Event().wait()

    async def farewell(self) -> None:
        """The last word before the end, within a moment; the day's summary goes to the alerts."""
        snapshot = self._face.snapshot()
        if self._alerts is not None:
            self._alerts.summarise(snapshot)
        if self._phone is not None:
            await self._phone.farewell(_farewell(snapshot))

    def links(self) -> tuple[LinkView, ...]:
        """Their connections, as clients show them."""
        up = [each.link() for each in (self._phone, self._alerts) if each is not None]
        return (*up, *self._down)

    async def _open_phone(self, wish: PhoneWish, file: Path) -> None:
        if not wish.token:
            self._is_down("telegram", f"there is no bot token; {wish.looked}")
            return
        try:
            from engine.notify.outbox import Outbox
            from engine.notify.telegram.contact import TELEGRAM_URL, Contact
            from engine.notify.telegram.phone import Phone

            self._outbox = await Outbox.open(file)
        except ImportError:
            self._is_down("telegram", "python-telegram-bot is not installed: install ratchet-desk[telegram]")
            return
        except (OSError, sqlite3.Error) as error:
            self._is_down("telegram", f"the outbox {file.name} cannot be opened ({error})")
            return
        contact = Contact(wish.token, wish.user, wish.chat, wish.url or TELEGRAM_URL, wish.night)
        self._phone = Phone(contact, self._outbox, self._face, self._journal)
        self._journal.listeners.append(self._phone)

    def _open_alerts(self, addresses: tuple[str, ...]) -> None:
        try:
            from engine.notify.alerts import Alerts, AlertsRefused
        except ImportError:
            self._is_down("alerts", "apprise is not installed: install ratchet-desk[notify]")
            return
        try:
            self._alerts = Alerts(addresses, self._face)
        except AlertsRefused as refused:
            self._is_down("alerts", str(refused))
            return
        self._journal.listeners.append(self._alerts)

    async def _run_alerts(self, alerts: Alerts) -> None:
        while True:
            try:
                await alerts.run()
            except Exception:  # the engine must outlive anything in here
                logger.exception("the alerts broke; they go on in a minute")
                await asyncio.sleep(60)

    def _is_down(self, name: str, reason: str) -> None:
        logger.warning("%s is off: %s", name, reason)
        self._down.append(LinkView(name, False, None, None, 0, reason))


def _farewell(snapshot: Snapshot) -> str:
    """What remains when nobody watches."""
    lines = [f"Engine {snapshot.engine.version} stopped on account {snapshot.engine.account}."]
    for position in snapshot.positions:
        lines.append(f"{position.symbol} {position.side.value}: {position.if_machine_dies}")
    return "\n".join(lines if snapshot.positions else (*lines, "Nothing is open."))
