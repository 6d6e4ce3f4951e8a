"""The journal cannot be written: the trader hears it away from the desk, although nothing can be kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from engine.core.decide import first_state
from engine.core.events import Event, Timer
from engine.journal.memory import MemoryJournal
from engine.journal.port import Entry, JournalRefused
from engine.notify.outbox import Outbox
from engine.notify.telegram.contact import Contact
from engine.notify.telegram.fake import FakeTelegram
from engine.notify.telegram.phone import Phone
from engine.runtime.telling import TellingJournal
from tests.notify.pocket import QUICK, TRADER
from tests.notify.test_other_alerts import alerting, webhook
from tests.notify.whole import SETTINGS
from tests.unit.api.served import EngineFace

FULL = "The disk under state.db is full."
TOLD = (
    f"Nothing is decided or sent: {FULL} What rests on Bitget stays; halt, flatten and reduce work all the "
    "same."
)


async def test_alerts_and_phone_hear_once_that_nothing_is_recorded(tmp_path: Path) -> None:
    memory = MemoryJournal()
    journal = TellingJournal(memory)
    outbox = await Outbox.open(tmp_path / "engine.outbox")
    async with FakeTelegram() as api, webhook() as hook, alerting(hook) as alerts:
        phone = Phone(
            Contact(api.token, TRADER, TRADER, api.url), outbox, EngineFace(), journal, rhythm=QUICK
        )
        journal.listeners += [phone, alerts]
        running = asyncio.create_task(phone.run())
        memory.refusal = FULL
        for at in (1_000, 2_000):
            with suppress(JournalRefused):
                await journal.append([Entry(Event(at, at, Timer()), (), ())], first_state(SETTINGS))
        await hook.until(1)
        assert hook.got[0]["title"] == "🛑 Nothing is decided or sent: The disk under state.db is full"
        assert hook.got[0]["message"].startswith("What rests on Bitget stays; halt, flatten")
        await api.says(FULL)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await outbox.close()
    assert [shown.text for shown in api.messages.values()].count(TOLD) == 1
