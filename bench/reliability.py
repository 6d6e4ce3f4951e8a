"""The figures F7 to F12 of the reliability page, measured against their targets on the simulated Bitget.

    python -m bench.reliability            a few minutes; the last table is for README

Engine, ccxt client, sockets and exchange are the real parts; the exchange is on this machine. F1 to F6 are
proofs, not figures: `make prove`, and tests/kill.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from engine.core.cycle import Rest
from engine.core.decide import decide, first_state
from engine.core.events import Commanded, Event, Flatten, LinkChanged, Resume, Started
from engine.core.instrument import Side
from engine.core.settings import Settings
from engine.core.state import State
from engine.journal.port import Entry
from engine.journal.sqlite import SqliteJournal
from engine.simulator.catalogue import RECORDED
from engine.simulator.feed import Stops
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from engine.venue.keys import Keys
from tests.kill.process import EngineProcess
from tests.runtime.desk import BTC, Desk, desk

RUNGS: Final = 4
FLATTENS: Final = 12
EVENTS: Final = 100_000
DAYS: Final = 30
PACE_S: Final = 0.0005
Row = tuple[str, str, str, str]


async def since(holds: Callable[[], object], limit_s: float = 60.0) -> float:
    """Seconds until it holds; infinite when it never does."""
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > limit_s:
            return float("inf")
        await asyncio.sleep(PACE_S)
    return time.perf_counter() - began


def covered(on: Desk) -> tuple[Decimal, Decimal]:
    """What the exchange holds, and how much of it has a stop."""
    account = on.sim.exchange.state()["accounts"][on.sim.keys[0].account_id]
    held = sum((Decimal(row["total"]) for row in account["positions"]), Decimal(0))
    stops = sum((Decimal(row["size"]) for row in account["plan_orders"]), Decimal(0))
    return held, min(held, stops)


async def f7() -> list[Row]:
    """A position that has stops keeps them: while rungs run, how long is less covered than before the add?"""
    bare_ms = fresh_ms = 0.0
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, 1)
        price, is_over = Decimal(95_000), False

        async def look() -> None:
            nonlocal bare_ms, fresh_ms
            before, (_, floor) = time.perf_counter(), covered(on)
            while not is_over:
                await asyncio.sleep(PACE_S)
                now, (held, stops) = time.perf_counter(), covered(on)
                passed, before = (now - before) * 1000, now
                if stops < min(floor, held):
                    bare_ms += passed
                elif stops < held:
                    fresh_ms += passed
                else:
                    floor = stops

        looking = asyncio.create_task(look())
        for number in range(2, RUNGS + 1):
            price = (price * Decimal("0.9499")).quantize(Decimal("0.1"))
            await on.falls_to(price, number)
        is_over = True
        await looking
    each = fresh_ms / (RUNGS - 1)
    return [
        ("F7", "a needed stop is missing by our doing", "0 ms", f"{bare_ms:.0f} ms in {RUNGS - 1} rungs"),
        ("", "a new leg waits for its own stop", "–", f"{each:.0f} ms a rung"),
    ]


async def f8() -> list[Row]:
    """A stop that a hand takes away: how long until the engine knows?"""
    took = {}
    for name, fault in (("by stream", None), ("stream dead", {"fault": "stream_stall"})):
        async with desk() as on:
            await on.opens()
            await on.falls_to(95_000, 1)
            if fault is not None:
                on.sim.faults.add([fault | {"channel": "orders-algo"}])
            ids = {stop.order_id for stop in on.cycle.stops if stop.state is Rest.RESTING}
            await on.hand.cancel_stops(BTC)
            took[name] = await since(
                lambda on=on, ids=ids: (
                    not ids <= {s.order_id for s in on.cycle.stops if s.state is Rest.RESTING}
                )
            )
    return [
        ("F8", "a stop removed by hand is noticed, by stream", "≤ 2 s", f"{took['by stream']:.2f} s"),
        ("", "the same with that stream dead", "≤ 30 s", f"{took['stream dead']:.1f} s"),
    ]


async def f9() -> list[Row]:
    """Prices stop on a living socket: noticed, asked for over REST, fresh again."""
    async with desk() as on:
        on.sim.feed.play(1.0)
        await asyncio.sleep(1.5)
        on.sim.faults.add([{"fault": "stream_stall", "channel": "ticker"}])
        await on.hand.mark(BTC, Decimal(99_000))

        def is_fresh() -> bool:
            tick = on.engine.prices.of(BTC)
            return tick is not None and tick.mark == 99_000

        def is_noticed() -> bool:
            return any(not line.up for line in on.engine.links.known())

        fresh, noticed = await asyncio.gather(since(is_fresh), since(is_noticed))
    return [
        ("F9", "a stalled stream is noticed", "≤ 10 s", f"{noticed:.1f} s"),
        ("", "state is fresh again by REST", "≤ 12 s", f"{fresh:.1f} s"),
    ]


async def fill_journal(path: Path, account: str) -> None:
    """Years of links that come and go, as the engine records them, before the first position."""
    settings = Settings("main")
    async with await SqliteJournal.open(path, account=account) as journal:
        state: State = first_state(settings)
        at, batch = 1_700_000_000_000, []
        for number in range(EVENTS):
            at += 1_000
            body = Started(settings, "bench") if not number else LinkChanged("public", bool(number % 2))
            event = Event(at, at, body)
            decision = decide(state, event)
            state = decision.state
            batch.append(Entry(event, decision.actions, decision.notes))
            if len(batch) == 2_000:
                await journal.append(batch, state)
                await journal.snapshot(state)
                batch = []
        if batch:
            await journal.append(batch, state)


async def f10() -> list[Row]:
    """Start of the process to everything read: ten contracts, long and short of each."""
    coins = {f"COIN{number}USDT": "SOLUSDT" for number in range(9)}
    markets = {BTC: Decimal(100_000), **dict.fromkeys(coins, Decimal(150))}
    options: dict[str, Any] = {"speed": 0, "ideal": True, "position_mode": "hedge_mode"}
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        async with (
            SimulatedBitget(markets=markets, like=coins, balance=Decimal(10_000), **options) as sim,
            Hand(sim.url, sim.keys[0]) as hand,
        ):
            engine = EngineProcess(Path(folder), sim)
            config = Path(folder) / "config.toml"
            config.write_text(config.read_text() + "[limits]\nmax_cycles = 20\n")
            await fill_journal(Path(folder) / "state.db", Keys(sim.key, sim.secret, sim.passphrase).account)
            for symbol in sim.market.symbols:
                for side in Side:
                    await hand.open(symbol, side, Decimal(10), margin=Decimal(100))
                    await asyncio.sleep(0.5)
            count = 2 * len(sim.market.symbols)
            try:
                took = []
                for _ in range(2):
                    began = time.perf_counter()
                    engine.start()
                    await engine.shows(
                        lambda now: now.engine.reconciled and sum(p.managed for p in now.positions) == count,
                        "reconciled",
                    )
                    took.append((time.perf_counter() - began, cpu_s(engine.pid)))
                    engine.kill()
            finally:
                engine.end()
    what = f"process start to reconciled, {count} cycles, {EVENTS:,} events"
    return [("F10", what, "≤ 3 s", f"{min(took)[0]:.1f} s ({min(took)[1]:.1f} s of CPU)")]


async def f11() -> list[Row]:
    """A flatten through the engine: until the first reducing order is at the exchange."""
    rows: list[Row] = []
    for name, dead in (("flatten → first reducing order, p99", False), ("the same, market data dead", True)):
        took = []
        async with desk() as on:
            if dead:
                on.sim.faults.add([{"fault": "stream_stall", "channel": "ticker"}])
            for number in range(FLATTENS):
                await on.hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
                await on.until(lambda on=on: bool(on.engine.state.cycles), "under care")
                await asyncio.sleep(0.2)
                sent = on.orders_sent()
                began = time.perf_counter()
                asking = asyncio.create_task(
                    on.engine.command(Commanded(f"{name}{number}", "bench", Flatten()))
                )
                await since(lambda on=on, sent=sent: on.orders_sent() > sent, 10.0)
                took.append((time.perf_counter() - began) * 1000)
                await asking
                await on.until(lambda on=on: not on.engine.state.cycles, "flat")
                await on.engine.command(Commanded(f"{name}-{number}", "bench", Resume()))
        cuts = quantiles(took, n=100)
        rows.append(("" if rows else "F11", name, "≤ 250 ms", f"{cuts[98]:.0f} ms (p50 {cuts[49]:.0f})"))
    return rows


def resident_mb(pid: int) -> float:
    """Memory of a process, MB. Source: VmRSS in /proc."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def cpu_s(pid: int) -> float:
    """CPU that a process has used, seconds: what a start costs, whatever else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def f12() -> list[Row]:
    """The engine's memory while recorded days of a rally are played to it as fast as it goes."""
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        data = sorted(RECORDED.glob("*.csv.gz"))
        async with (
            SimulatedBitget(data=data, speed=0, balance=Decimal(10_000)) as sim,
            Hand(sim.url, sim.keys[0]) as hand,
        ):
            engine = EngineProcess(Path(folder), sim)
            try:
                engine.start()
                await engine.shows(lambda now: now.engine.reconciled, "up")
                await hand.open("ETHUSDT", Side.LONG, Decimal(40), margin=Decimal(10))
                sizes = []
                for day in range(DAYS + 1):
                    end = sim.market.now_ms + 86_400_000
                    sim.feed.play("max", Stops(until_ms=end))
                    await sim.feed.halted()
                    await asyncio.sleep(1.0)
                    if day:
                        sizes.append(resident_mb(engine.pid))
            finally:
                engine.end()
    growth = (sizes[-1] - sizes[len(sizes) // 2]) / (len(sizes) - 1 - len(sizes) // 2)
    return [
        ("F12", f"memory after {DAYS} simulated days", "≤ 150 MB", f"{sizes[-1]:.0f} MB"),
        ("", "growth in the second half of them", "≤ 1 MB a day", f"{growth:+.2f} MB a day"),
    ]


FIGURES: Final = {"f7": f7, "f8": f8, "f9": f9, "f10": f10, "f11": f11, "f12": f12}


async def main() -> None:
    logging.getLogger("ratchet").setLevel(logging.CRITICAL)
    wanted = [name for name in sys.argv[1:] if name in FIGURES] or list(FIGURES)
    rows: list[Row] = []
    for name in wanted:
        rows += await FIGURES[name]()
        print(f"{name} done", file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    print(f"load of the machine while measuring: {load:.1f} on {os.cpu_count()} cores\n")
    print("| # | figure | target | measured |\n|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    asyncio.run(main())
