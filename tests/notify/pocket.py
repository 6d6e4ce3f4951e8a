"""A trader with a phone: the real library, a Bot API of ours on loopback, and an engine's face in memory."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.actions import Level, Note
from engine.notify.outbox import Outbox
from engine.notify.port import Happened
from engine.notify.telegram.contact import Contact
from engine.notify.telegram.fake import FakeTelegram, Shown
from engine.notify.telegram.phone import Phone
from engine.notify.telegram.sender import Rhythm
from tests.unit.api.served import EngineFace

TRADER = 7
QUICK = Rhythm(
    settle_s=0.05, gather_s=0.3, chatter_s=0.1, pace_s=0.02, remind_s=(0.2, 0.3), backoff_s=(0.05, 0.1)
)


class Past:
    """Journal entries of before, as `engine.notify.port.History`."""

    def __init__(self, *happened: Happened) -> None:
        self.entries = list(happened)

    async def since(self, seq: int) -> AsyncIterator[Happened]:
        for each in self.entries:
            if each.seq > seq:
                yield each


class Watch:
    """The engine's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


@dataclass
class Pocket:
    """The phone in the trader's pocket, and the desk behind it."""

    api: FakeTelegram
    phone: Phone
    desk: EngineFace
    outbox: Outbox
    watch: Watch
    seqs: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def type(self, text: str, *, user: int = TRADER, chat: int = 0, late_s: float = 0) -> None:
        self.api.type(text, user=user, chat=chat or user, at=time.time() - late_s)

    def press(self, shown: Shown, label: str, *, user: int = TRADER, data: str | None = None) -> None:
        self.api.press(shown, label, user=user, data=data)

    async def says(self, part: str, within_s: float = 60.0) -> Shown:
        return await self.api.says(part, within_s)

    async def asks(self, text: str, answer: str) -> Shown:
        """Type, and wait for what is said then."""
        before = set(self.api.messages)
        self.type(text)
        return await self.api.until(lambda shown: shown.id not in before and answer in shown.text)

    def tell(
        self,
        text: str,
        level: Level = Level.MONEY,
        topic: str = "trader",
        cycle: str = "btc-1",
        **facts: str,
    ) -> None:
        """The engine's journal holds one more note."""
        note = Note(topic, level, text, "BTCUSDT", cycle, facts)
        self.phone.hear(Happened(next(self.seqs), self.watch(), (note,)))

    def texts(self) -> list[str]:
        """What stands on the phone, oldest first."""
        return [shown.text for shown in self.api.messages.values() if not shown.is_deleted]

    async def pause(self, seconds: float = 0.3) -> None:
        """Long enough for what should not come to come."""
        await asyncio.sleep(seconds)

    async def tries_again(self) -> None:
        """Wait until a message that was worded after this moment was sent, and failed or not."""
        before = sum(method == "sendMessage" for method, _ in self.api.calls)
        await self.api.called("sendMessage", times=before + 2)

    async def delivered(self) -> None:
        """Wait until nothing is left in the outbox."""
        async with asyncio.timeout(60):
            while await self.outbox.unsent():  # noqa: ASYNC110 - the outbox tells nobody
                await asyncio.sleep(0.01)

    async def has_looked(self) -> None:
        """Wait until the phone knows which day it is at the desk."""
        async with asyncio.timeout(60):
            while self.phone._hearing._last is None:  # noqa: ASYNC110 - it looks when it looks
                await asyncio.sleep(0.01)

    async def until_up(self) -> None:
        async with asyncio.timeout(60):
            while not self.phone.line.up:  # noqa: ASYNC110 - the phone tells nobody
                await asyncio.sleep(0.01)

    async def until_down(self) -> None:
        async with asyncio.timeout(60):
            while self.phone.line.up:  # noqa: ASYNC110 - the phone tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def pocket(
    folder: Path,
    *,
    api: FakeTelegram | None = None,
    desk: EngineFace | None = None,
    past: Past | None = None,
    rhythm: Rhythm = QUICK,
    night: tuple[int, int] | None = None,
    wait: bool = True,
) -> AsyncIterator[Pocket]:
    """Everything on stage and connected (unless `wait` is False). `api` outlives it when it is given."""
    if api is None:
        async with (
            FakeTelegram() as own,
            pocket(folder, api=own, desk=desk, past=past, rhythm=rhythm, night=night, wait=wait) as on,
        ):
            yield on
        return
    desk, watch = desk or EngineFace(), Watch()
    outbox = await Outbox.open(folder / "engine.outbox")
    contact = Contact(api.token, TRADER, TRADER, api.url, night)
    phone = Phone(contact, outbox, desk, past or Past(), clock=watch, rhythm=rhythm, retry_s=(0.05, 0.1, 0.2))
    on = Pocket(api, phone, desk, outbox, watch)
    polled = sum(method == "getUpdates" for method, _ in api.calls)
    running = asyncio.create_task(phone.run())
    try:
        if wait:
            await api.called("getUpdates", times=polled + 1)
        yield on
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await outbox.close()
