"""From a price to an order, beside plain ccxt.pro in the same run; what a start costs; the engine's memory.

    python -m bench.engine                 a minute or two

The plan is armed, as it is in life: durable before the price comes. The exchange is the simulated one, on
this machine, without TLS; ccxt.pro does what its manual shows: `watch_ticker`, compare, `create_order`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from bench.reliability import cpu_s, resident_mb
from bench.venue import plain, until
from engine.core.exchange import Tick
from engine.core.instrument import Side
from engine.journal.sqlite import SqliteJournal
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from tests.kill.process import ROOT, EngineProcess
from tests.runtime.desk import BTC, Desk, on_a_desk

TICKS: Final = 20_000
ROUNDS: Final = 4
"""Ours and ccxt.pro in turns, so that both meet the same machine."""

ORDERS: Final = 8
PAUSE_S: Final = 1.1
"""Bitget takes ten orders a second; what is measured is the first one after a second without any."""


class Arrivals:
    """When the exchange got its newest order, by the same clock as the bench."""

    def __init__(self, sim: SimulatedBitget) -> None:
        self.at = 0.0
        opened = sim._rest.log.open

        def noted(*asked: Any) -> Any:
            if str(asked[3]).endswith("place-order"):
                self.at = self.at or time.perf_counter()
            return opened(*asked)

        sim._rest.log.open = noted  # type: ignore[assignment,method-assign]

    async def after(self, sim: SimulatedBitget, price: Decimal) -> float:
        """Microseconds from the frame with this price, as it leaves the exchange, to the next order there."""
        self.at = 0.0
        sim.world.pin(BTC, price)
        began = time.perf_counter()
        sim.streams.flush()
        await until(lambda: self.at > 0, 10.0)
        return (self.at - began) * 1e6


async def comes_near(sim: SimulatedBitget, price: Decimal) -> None:
    """The market trades a little above this price, ten ticks a second, as it does before it falls through."""
    for number in range(int(PAUSE_S * 10)):
        sim.world.pin(BTC, (price * Decimal("1.0005") + number % 3).quantize(Decimal("0.1")))
        sim.streams.flush()
        await asyncio.sleep(0.1)


async def ours() -> tuple[float, list[float]]:
    """CPU of a tick that crosses nothing, and from the crossing price at the exchange to the order there."""
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        journal = await SqliteJournal.open(Path(folder) / "state.db", account="main")
        async with on_a_desk(journal) as on:
            return await _measured(on)


async def _measured(on: Desk[SqliteJournal]) -> tuple[float, list[float]]:
    await on.opens()
    tick = Tick(BTC, Decimal(99_000), Decimal(99_000), on.engine.now())
    runs = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(TICKS // 5):
            on.engine.tick(tick)
        runs.append((time.process_time() - began) / (TICKS // 5) * 1e6)
    arrivals, took, price = Arrivals(on.sim), [], Decimal(100_000)
    for number in range(1, ORDERS + 1):
        price = (price * Decimal("0.9499")).quantize(Decimal("0.1"))
        await on.sim.feed.advance(2_000)
        await comes_near(on.sim, price)
        took.append(await arrivals.after(on.sim, price))
        await on.until(lambda number=number: on.cycle.rungs == number, f"rung {number}")
        await on.at_rest()
    return min(runs), took


async def theirs(**options: Any) -> list[float]:
    """The same with ccxt.pro, on an account that holds the same position and watches it: two orders at every
    crossing, of which the first is timed.
    """
    async with (
        SimulatedBitget(speed=0, ideal=True, markets={BTC: Decimal(100_000)}) as sim,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        await hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
        client, arrivals, took = plain(sim, **options), Arrivals(sim), []
        await client.load_markets()
        threshold = [0.0]

        async def trade() -> None:
            while True:
                ticker = await client.watch_ticker("BTC/USDT:USDT")
                if threshold[0] and float(ticker["info"]["markPrice"]) <= threshold[0]:
                    threshold[0] = 0.0
                    params = {"marginMode": "isolated"}
                    await client.create_order("BTC/USDT:USDT", "market", "sell", 0.0001, None, params)
                    await client.create_order("BTC/USDT:USDT", "market", "sell", 0.0001, None, params)

        async def watch() -> None:
            while True:
                await client.watch_positions(["BTC/USDT:USDT"])

        tasks = [asyncio.create_task(trade()), asyncio.create_task(watch())]
        await asyncio.sleep(1.0)
        price = Decimal(100_000)
        for _ in range(ORDERS):
            price = (price * Decimal("0.99")).quantize(Decimal("0.1"))
            threshold[0] = float(price)
            await comes_near(sim, price)
            took.append(await arrivals.after(sim, price))
            await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await client.close()
        return took


async def starts() -> list[tuple[str, str, str]]:
    """The light commands against a living engine, its start, its memory."""
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        async with (
            SimulatedBitget(speed=0, ideal=True, markets={BTC: Decimal(100_000)}) as sim,
            Hand(sim.url, sim.keys[0]) as hand,
        ):
            engine = EngineProcess(Path(folder), sim)
            try:
                began = time.perf_counter()
                engine.start()
                await engine.shows(lambda now: now.engine.reconciled, "up")
                up, cpu = time.perf_counter() - began, cpu_s(engine.pid)
                await hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
                await engine.shows(lambda now: now.positions, "under care")
                bare = await _fastest(folder, "-c", "pass")
                kill = await _fastest(folder, "-m", "engine.cli", "kill")
                status = await _fastest(folder, "-m", "engine.cli", "status")
                memory = resident_mb(engine.pid)
            finally:
                engine.end()
    return [
        ("engine, process start to reconciled", "≤ 1.5 s", f"{up:.2f} s ({cpu:.2f} s of CPU)"),
        ("`ratchet kill`, answered", "≤ 0.1 s", f"{kill:.3f} s ({kill / bare:.1f} x a bare interpreter)"),
        ("`ratchet status`, answered", "–", f"{status:.3f} s ({status / bare:.1f} x)"),
        ("memory of the engine, one position", "≤ 150 MB", f"{memory:.0f} MB"),
    ]


async def _fastest(home: str, *words: str) -> float:
    """Seconds of a process, the quickest of nine: the rest is the machine's other work."""
    environment = {**os.environ, "RATCHET_HOME": home, "PYTHONPATH": str(ROOT)}

    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=True)
        return time.perf_counter() - began

    return min([await asyncio.to_thread(once) for _ in range(9)])


def at(times: list[float]) -> str:
    cuts = quantiles(times, n=100)
    return f"{median(times):,.0f} / {cuts[98]:,.0f} µs"


async def guarded(measure: Callable[[], Awaitable[list[float]]]) -> list[float]:
    async with asyncio.timeout(120):
        return await measure()


async def main() -> None:
    logging.getLogger("ratchet").setLevel(logging.CRITICAL)
    cpus, mine, free = [], [], []
    for _ in range(ROUNDS):
        cpu, took = await ours()
        cpus.append(cpu)
        mine += took
        free += await guarded(lambda: theirs(enableRateLimit=False))
    limited = await guarded(theirs)
    rows = [
        (
            "a tick that crosses nothing, CPU",
            "≤ 2 µs to decide",
            f"{min(cpus):.1f} µs, candles and clients' news in it",
        ),
        ("price → first order at the exchange, p50 / p99", "≤ 1.0 x ccxt.pro", at(mine)),
        ("the same with ccxt.pro, limiter off", "", at(free)),
        ("the same with ccxt.pro as it comes", "", at(limited)),
        ("ratio to ccxt.pro, limiter off, p50", "≤ 1.0", f"{median(mine) / median(free):.2f}"),
        *await starts(),
    ]
    print(f"load of the machine while measuring: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| what | budget | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    asyncio.run(main())
