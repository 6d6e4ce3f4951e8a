"""The kill keys while the market storms: the real engine as a process, a simulated Bitget that tells it 2,500
prices a second, and the desk in a terminal, with whatever may be open on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from statistics import median

import pytest

from engine.core.instrument import Side
from engine.protocol import Resume, Snapshot
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.simulator.socket import SocketRules
from tests.desk.terminal import Terminal, terminal
from tests.kill.process import EngineProcess

BTC, START = "BTCUSDT", Decimal(100_000)
RATE = 2_500
SOON_S = 2.0
"""A machine that does other things as well may take this long; on a quiet one it is a few milliseconds. It is
asked of most of the presses: any machine stands still at times.
"""
PILED = 60 * RATE
"""How many prices the market lets pile up before it cuts a reader off: those of a minute."""


class Storm:
    """Ticker frames of one symbol as fast as it was asked for, on the streams that the engine reads."""

    def __init__(self, sim: SimulatedBitget) -> None:
        self._sim = sim
        self.sent = 0

    async def blow(self) -> None:
        """A new price a hundred times a second, each told twenty-five times and more."""
        streams = self._sim.streams
        began = time.monotonic()
        turn = 0
        while True:
            turn += 1
            self._sim.world.pin(BTC, START + Decimal(turn % 50) / 10)
            streams.flush()
            due = int((time.monotonic() - began) * RATE) - self.sent
            for topic in [each for each in streams._topics[BTC] if each.channel == "ticker"]:
                frame = streams._update(topic)
                for _ in range(due):
                    streams._tell(topic, BTC, frame)
                self.sent += due
            await asyncio.sleep(0.01)


@asynccontextmanager
async def storming(home: Path) -> AsyncIterator[tuple[EngineProcess, Storm, Hand]]:
    """A position under care, and a market that does not stop talking of it."""
    rules = SocketRules(queue=PILED)
    async with SimulatedBitget(speed=0, ideal=True, markets={BTC: START}, rules=rules) as sim:
        engine = EngineProcess(home, sim)
        async with Hand(sim.url, sim.keys[0]) as hand:
            engine.start()
            try:
                await engine.shows(lambda now: now.engine.reconciled, "the engine is up")
                await hand.open(BTC, Side.LONG, Decimal(20), margin=Decimal(10))
                await engine.shows(lambda now: now.positions and now.positions[0].managed, "it is adopted")
                storm = Storm(sim)
                blowing = asyncio.create_task(storm.blow())
                try:
                    yield engine, storm, hand
                finally:
                    blowing.cancel()
                    await asyncio.gather(blowing, return_exceptions=True)
            finally:
                engine.end()


async def opened(held: Terminal, keys: bytes, shown: bytes) -> None:
    """Type `keys` until what they open is shown. An escape and a key that a busy machine reads at once are
    another key to it: then both come again, further apart.
    """
    for pause_s in (0.2, 1.0, 3.0):
        for key in keys.split(b"\x1b", 1) if keys.startswith(b"\x1b") else (keys,):
            held.type(key or b"\x1b")
            await asyncio.sleep(pause_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(7):
                while shown not in held.seen:  # noqa: ASYNC110 - a screen draws when it draws
                    await asyncio.sleep(0.05)
                return
    await held.until(shown, within_s=1)


async def halted(engine: EngineProcess, held: Terminal) -> float:
    """Press the kill key; the milliseconds until the engine itself says that it is halted."""
    began = time.monotonic()
    held.type(b"\x0b")
    now = await engine.shows(lambda now: now.engine.killed, "it is halted")
    assert now.engine.killed.startswith("by desk on ")
    return (time.monotonic() - began) * 1000


async def resumed(engine: EngineProcess) -> None:
    await asyncio.to_thread(engine.socket.command, Resume(), by="test")
    await engine.shows(lambda now: not now.engine.killed, "it goes on")


async def test_the_kill_keys_work_over_everything_while_the_engine_is_told_2500_prices_a_second(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("s")
    over = {
        "the desk": (b"", b"^K"),
        "a filter that is typed": (b"/bt", b"shows all"),
        "the order ticket": (b"\x1bo", b"Order ticket"),
        "the menu": (b"\x1bm", b"enter does it"),
        "the palette": (b"\x1b\x10", b"earch for commands"),
        "help": (b"\x1b\x1b[11~", b"Keys and signs"),
    }
    took: dict[str, float] = {}
    async with (
        storming(home) as (engine, storm, _hand),
        terminal("-m", "tui", str(home / "engine.sock"), size=(120, 40)) as held,
    ):
        await held.until(b"BTCUSDT")
        for name, (keys, shown) in over.items():
            held.seen.clear()
            if keys:
                await opened(held, keys, shown)
            took[name] = await halted(engine, held)
            await resumed(engine)
        await opened(held, b"\x1b\x18", b"FLATTEN ARMED")
        held.type(b"\x18")
        await engine.shows(lambda now: not now.positions, "it is flat")
        assert engine.held() == {}
        assert storm.sent > RATE
        calm: Snapshot | None = await engine.snapshot()
        assert calm is not None
        assert [link.retries for link in calm.links] == [0, 0, 0], "it was never too slow for the stream"
    print("\n".join(f"{name:24} {ms:6.0f} ms" for name, ms in took.items()))
    assert median(took.values()) < SOON_S * 1000, took
