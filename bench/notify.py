"""A tick that reaches a rung → its first order, without a phone, with one, and with a Telegram that hangs.

`python -m bench.notify [ROUNDS]` from the top of the project: one engine after the other on the same
simulated Bitget, the three of them in turn, so that the machine's mood hits all alike.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from engine.core.actions import PlaceMarket, Work
from engine.core.events import AnyBody
from engine.core.exchange import Tick
from engine.core.instrument import Side
from engine.core.settings import Limits, Settings
from engine.journal.sqlite import SqliteJournal
from engine.notify.outbox import Outbox
from engine.notify.telegram.contact import Contact
from engine.notify.telegram.fake import FakeTelegram
from engine.notify.telegram.phone import Phone
from engine.runtime.engine import Engine
from engine.runtime.telling import TellingFace, TellingJournal
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.keys import Keys

SYMBOL: Final = "BTCUSDT"
KEY: Final = f"{SYMBOL}:short"
ROUNDS: Final = 20
KINDS: Final = ("no phone", "phone", "Telegram hangs")
SETTINGS: Final = Settings(account="bench", limits=Limits(entry_margin=Decimal("0.5")))


class Timed(Bitget):
    """Notes when the first order after a tick leaves."""

    began = 0.0
    took_us: float | None = None

    async def do(self, work: Work) -> tuple[AnyBody, ...]:
        if isinstance(work, PlaceMarket) and self.took_us is None and self.began:
            self.took_us = (time.perf_counter() - self.began) * 1e6
        return await super().do(work)


class TimedEngine(Engine):
    """Notes when the newest tick came."""

    def tick(self, tick: Tick) -> None:
        if isinstance(self.venue, Timed):
            self.venue.began = time.perf_counter()
        super().tick(tick)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - polled on purpose
            await asyncio.sleep(0.005)


async def one_round(kind: str, folder: Path) -> float:
    """Microseconds from the tick to the order, once."""
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(SimulatedBitget(speed=0, balance=Decimal(100), ideal=True))
        hand = await stack.enter_async_context(Hand(sim.url, sim.keys[0]))
        venue = Timed(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
        journal = TellingJournal(await SqliteJournal.open(folder / "state.db", account=venue.account))
        engine = TimedEngine(SETTINGS, venue, journal, version="bench")
        running = [asyncio.create_task(engine.run())]
        outbox = None
        if kind != "no phone":
            api = await stack.enter_async_context(FakeTelegram())
            outbox = await Outbox.open(folder / "engine.outbox")
            phone = Phone(Contact(api.token, 7, 7, api.url), outbox, TellingFace(engine, journal), journal)
            journal.listeners.append(phone)
            running.append(asyncio.create_task(phone.run()))
            await until(lambda: phone.line.up)
            if kind == "Telegram hangs":
                api.misbehave(hang_s=3600, times=1_000_000)
        try:
            await until(lambda: engine.state.is_reconciled)
            await hand.open(SYMBOL, Side.SHORT, Decimal(20), size=Decimal("0.002"))
            await until(lambda: KEY in engine.state.cycles and engine.state.cycles[KEY].armed is not None)
            await until(lambda: not engine.unwritten and not engine.errands.in_flight)
            venue.took_us = None
            await hand.mark(SYMBOL, Decimal(95_000))
            await until(lambda: venue.took_us is not None)
            await until(lambda: engine.state.cycles[KEY].rungs == 1)
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            if outbox is not None:
                await outbox.close()
            await venue.close()
            await journal.close()
    assert venue.took_us is not None
    return venue.took_us


async def measure(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind in KINDS:
            with tempfile.TemporaryDirectory(prefix=f"bench{number}") as folder:
                found[kind].append(await one_round(kind, Path(folder)))
    return found


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = asyncio.run(measure(rounds))
    base = statistics.median(found[KINDS[0]])
    print(f"tick → first order, {rounds} rungs each")
    for kind, times in found.items():
        middle, worst = statistics.median(times), max(times)
        print(f"{kind:<16} median {middle:7.0f} µs  {middle / base:5.2f} ×   worst {worst:7.0f} µs")


if __name__ == "__main__":
    main()
