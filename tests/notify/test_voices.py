"""The phone and the alerts wired to an engine, as `ratchet engine` wires them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from engine.config.loaded import PhoneWish, Telling
from engine.core.instrument import Side
from engine.journal.sqlite import SqliteJournal
from engine.notify.telegram.fake import FakeTelegram
from engine.runtime.engine import Engine
from engine.runtime.telling import TellingFace, TellingJournal, Voices
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys
from tests.notify.test_other_alerts import webhook
from tests.notify.whole import BTC, SETTINGS


async def test_an_engine_with_all_its_voices_tells_shows_its_lines_and_says_farewell(tmp_path: Path) -> None:
    async with (
        SimulatedBitget(speed=0, balance=Decimal(100), ideal=True) as sim,
        FakeTelegram() as api,
        webhook() as hook,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
        journal = TellingJournal(await SqliteJournal.open(tmp_path / "state.db", account=venue.account))
        engine = Engine(SETTINGS, venue, journal, version="test")
        face = TellingFace(engine, journal)
        telling = Telling(PhoneWish(api.token, 7, 7, api.url), (hook.address,))
        async with Voices(telling, journal, face, tmp_path) as voices:
            running = [asyncio.create_task(engine.run()), asyncio.create_task(voices.run())]
            try:
                await api.says("Engine test started on account test.")
                await hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
                await api.says("SHORT BTCUSDT opened")
                async with asyncio.timeout(60):
                    while not any("opened" in each["title"] for each in hook.got):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                links = {link.name: link.up for link in face.snapshot().links}
                assert links == {
                    "public": True,
                    "private": True,
                    "rest": True,
                    "telegram": True,
                    "alerts": True,
                }
                await voices.farewell()
                told = await api.says("Engine test stopped on account test.")
                assert "BTCUSDT short: no stop rests, liquidation at 104,519.21 is the stop" in told.text
            finally:
                for task in running:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
        assert hook.got[-1]["title"].endswith(": the day")
        assert "Open: BTCUSDT short" in hook.got[-1]["message"]
        await venue.close()
        await journal.close()


async def test_what_cannot_be_opened_is_a_line_that_is_down_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "engine.outbox").mkdir()
    async with SimulatedBitget(speed=0) as sim:
        venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
        journal = TellingJournal(await SqliteJournal.open(tmp_path / "state.db", account=venue.account))
        face = TellingFace(Engine(SETTINGS, venue, journal, version="test"), journal)
        for telling, reason in (
            (Telling(PhoneWish("1:x", 7, 7)), "the outbox engine.outbox cannot be opened"),
            (
                Telling(PhoneWish("", 7, 7, looked="looked in env:X")),
                "there is no bot token; looked in env:X",
            ),
            (Telling(None, ("nonsense",)), "address 1 of notify.urls is not one"),
        ):
            async with Voices(telling, journal, face, tmp_path) as voices:
                [link] = voices.links()
                assert (link.up, reason in link.reason) == (False, True)
                running = asyncio.create_task(voices.run())
                await asyncio.sleep(0.05)
                assert not running.done()
                await voices.farewell()
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
        await venue.close()
        await journal.close()
