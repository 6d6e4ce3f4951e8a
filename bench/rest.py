"""What the API costs the ladder: from a tick that reaches a rung to the rung's order at the exchange; alone,
with a crowd at the engine's doors, and with the same crowd at those of another engine; in turns.

    python -m bench.rest [RUNGS] [REQUESTS_IN_A_BURST]

After a rung an engine reads its orders back, as often as Bitget lets it: that takes most of a second. So
there are several, each with an exchange and an account of its own, that step one after the other. Just before
an engine steps, the crowd asks all at once at its doors, so that the tick comes while they answer.

Prints ratios, and between which two figures nine of ten runs would find them (by drawing turns anew from
those that were measured: what else the machine does comes in turns, too). The crowd and what answers it need
processor time; the crowd next door tells that part from what an engine itself has to do with it, and so does
how long an engine waited for a processor.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.api.client import Engine
from engine.core.instrument import Side
from engine.protocol import PositionView, Snapshot
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget

SYMBOL: Final = "BTCUSDT"
RUNGS: Final = 1500
BURST: Final = 50
ENGINES: Final = 4
TURN: Final = 20
"""Rungs in a row with the crowd in one place, then as many with it in another."""
LEGS: Final = 15
"""So many rungs on one position; then there is a new one."""

DRAWS: Final = 2000
PROCESSORS: Final = frozenset(os.sched_getaffinity(0))
"""All are open to the engines. What stands for other machines, exchange and crowd, is where the doors are."""
AHEAD: Final = -15
"""Engines go before what else the machine does, where we may say so: that is not the question. The exchange
goes before them: another machine would wait for nothing of this one.
"""

FIRST_PRICE: Final = Decimal(60_000)
TICK: Final = Decimal("0.1")
ORDERS: Final = ("place-order", "batch-place-order")
WITHIN_S: Final = 20.0
LOOK_S: Final = 0.05
CALM_S: Final = 0.1
"""What the engine that stepped last has for its stops before the next one steps."""
AMIDST_S: Final = 0.06
"""A tick comes at any moment of so long after the crowd has asked; answering takes longer."""
CONFIG: Final = """
managed = {{ BTCUSDT = 20 }}
[bitget]
url = "{url}"
[ladder]
roe = 0.02
max_rungs = 100
max_cycle_margin = 1
[rest]
on = true
port = {port}
requests_per_minute = 60000
read_token = "env:BENCH_TOKEN"
"""


class Arrivals:
    """When the next order comes to the exchange, by the process's own clock."""

    def __init__(self, sim: SimulatedBitget) -> None:
        self._opened = sim._rest.log.open
        self._next: asyncio.Future[float] | None = None
        sim._rest.log.open = self._noted  # type: ignore[method-assign]

    def expect(self) -> asyncio.Future[float]:
        self._next = asyncio.get_running_loop().create_future()
        return self._next

    def _noted(self, wall_ms: int, market_ms: int, method: str, path: str, params: dict[str, Any]) -> Any:
        if self._next is not None and not self._next.done() and path.endswith(ORDERS):
            self._next.set_result(time.perf_counter())
        return self._opened(wall_ms, market_ms, method, path, params)


class House(NamedTuple):
    """A simulated exchange in this process and an engine with open doors in two others."""

    sim: SimulatedBitget
    socket: Path
    doors: int
    pid: int


class Rung(NamedTuple):
    """Milliseconds from the tick to the order, and how long of them the engine waited for a processor."""

    took: float
    waited: float


class Stage:
    """A simulated exchange in this process, an engine in another, and the hand that feeds it positions."""

    def __init__(self, house: House, hand: Hand) -> None:
        self.sim, self.socket, self.hand, self.pid = house.sim, house.socket, hand, house.pid
        self.doors = house.doors
        self.arrivals = Arrivals(house.sim)
        self.rungs = 0

    async def position(self) -> PositionView:
        """The position, when all its rungs are done and the next one is armed."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                seen = await _snapshot(self.socket)
                if seen is not None and seen.engine.reconciled and seen.positions:
                    held = seen.positions[0]
                    if (
                        held.next_rung is not None
                        and held.rungs >= self.rungs
                        and not (seen.engine.unread or seen.unknown)
                    ):
                        return held
                await asyncio.sleep(LOOK_S)

    async def again(self) -> None:
        """A new position at the first price."""
        if self.rungs:
            await self.position()
            await self.hand.close(SYMBOL, None)
            self.rungs = 0
        self._pin(FIRST_PRICE)
        async with asyncio.timeout(WITHIN_S):
            while True:
                seen = await _snapshot(self.socket)
                if seen is not None and seen.engine.reconciled and not seen.positions:
                    break
                await asyncio.sleep(LOOK_S)
        await asyncio.sleep(0.5)
        await self.hand.open(SYMBOL, Side.LONG, Decimal(20), margin=Decimal(500))

    async def rung(self, before: Callable[[], None]) -> Rung:
        """One rung; just before its tick `before` is called."""
        held = await self.position()
        assert held.next_rung is not None
        await asyncio.sleep(CALM_S)
        before()
        await asyncio.sleep(random.uniform(0, AMIDST_S))
        arrival = self.arrivals.expect()
        self.sim.world.pin(SYMBOL, held.next_rung.trigger.quantize(TICK, ROUND_UP))
        waited, started = self._waited_ms(), time.perf_counter()
        self.sim.streams.flush()
        async with asyncio.timeout(WITHIN_S):
            took = (await arrival - started) * 1000
        self.rungs = held.rungs + 1
        return Rung(took, self._waited_ms() - waited)

    def _waited_ms(self) -> float:
        """How long the engine's loop has waited for a processor since its start."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[1]) / 1e6

    def _pin(self, price: Decimal) -> None:
        self.sim.world.pin(SYMBOL, price)
        self.sim.streams.flush()


async def _snapshot(engine: Path) -> Snapshot | None:
    seen = await asyncio.to_thread(Engine(engine).snapshot)
    return seen if isinstance(seen, Snapshot) else None


@contextmanager
def child(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Turns = list[list[Rung]]


class Arm(StrEnum):
    """Where the crowd is."""

    ALONE = "alone"
    HERE = "here"
    NEXT_DOOR = "next door"


ORDER: Final = (Arm.ALONE, Arm.HERE, Arm.ALONE, Arm.HERE, Arm.NEXT_DOOR)


async def measured(
    stages: Sequence[Stage], next_door: int, crowd: subprocess.Popen[str], rungs: int
) -> dict[Arm, Turns]:
    """The rungs, `rungs` in all."""
    found: dict[Arm, Turns] = {arm: [] for arm in Arm}
    for turn in range(max(len(ORDER), rungs // TURN)):
        arm = ORDER[turn % len(ORDER)]
        if turn * TURN // len(stages) % LEGS == 0:
            await asyncio.gather(*(stage.again() for stage in stages))
        await asyncio.gather(*(stage.position() for stage in stages))
        found[arm].append([])
        for number in range(TURN):
            stage = stages[number % len(stages)]
            place = {Arm.HERE: stage.doors, Arm.NEXT_DOOR: next_door}.get(arm)
            found[arm][-1].append(await stage.rung(partial(_send, crowd, place)))
    return found


def _send(crowd: subprocess.Popen[str], port: int | None) -> None:
    assert crowd.stdin is not None
    crowd.stdin.write(f"{port or ''}\n")
    crowd.stdin.flush()


@asynccontextmanager
async def house(token: str) -> AsyncIterator[House]:
    """From its start, when the engine is ready, to its end."""
    async with SimulatedBitget(ideal=True, markets={SYMBOL: FIRST_PRICE}, balance=Decimal(1_000_000)) as sim:
        with tempfile.TemporaryDirectory() as home:
            port, socket = free_port(), Path(home) / "engine.sock"
            (Path(home) / "config.toml").write_text(CONFIG.format(url=sim.url, port=port))
            env = {
                **os.environ,
                "RATCHET_HOME": home,
                "BITGET_API_KEY": sim.key,
                "BITGET_API_SECRET": sim.secret,
                "BITGET_API_PASSPHRASE": sim.passphrase,
                "BENCH_TOKEN": token,
            }
            with child("engine.cli", "engine", env=env) as engine:
                os.sched_setaffinity(engine.pid, PROCESSORS)
                with suppress(PermissionError):
                    os.setpriority(os.PRIO_PROCESS, engine.pid, AHEAD)
                async with asyncio.timeout(WITHIN_S):
                    while (seen := await _snapshot(socket)) is None or not seen.engine.reconciled:
                        assert engine.poll() is None, "the engine did not start"
                        await asyncio.sleep(LOOK_S)
                yield House(sim, socket, port, engine.pid)


async def main(rungs: int = RUNGS, burst: int = BURST) -> None:
    token = secrets.token_hex(16)
    os.sched_setaffinity(0, {min(PROCESSORS)})
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    async with AsyncExitStack() as street:
        houses = [await street.enter_async_context(house(token)) for _ in range(ENGINES)]
        next_door = await street.enter_async_context(house(token))
        stages = [
            Stage(each, await street.enter_async_context(Hand(each.sim.url, each.sim.keys[0])))
            for each in houses
        ]
        with child("bench.rest_child", token, str(burst), env=dict(os.environ)) as crowd:
            found = await measured(stages, next_door.doors, crowd, rungs)
            answers = json.loads(await asyncio.to_thread(_ended, crowd))
    print(f"requests of the crowd, by what was answered: {answers}")
    print(f"tick to order: {', '.join(f'{sum(map(len, found[arm])):,} {arm}' for arm in Arm)}")
    for base in (Arm.ALONE, Arm.NEXT_DOOR):
        for of in (50, 90, 99):
            print(f"  p{of}  {_compared(found[Arm.HERE], found[base], of)} x {base}")
    print("of it, the engine waited for a processor, milliseconds:")
    for arm in Arm:
        waited = [rung.waited for turn in found[arm] for rung in turn]
        print(f"  {arm}: {statistics.fmean(waited):.2f} in the mean, p99 {_quantile(waited, 99):.2f}")


def _ended(crowd: subprocess.Popen[str]) -> str:
    out, _ = crowd.communicate(timeout=20)
    return out


def _compared(crowded: Turns, alone: Turns, of: int) -> str:
    """The ratio, what nine of ten draws find, and the milliseconds."""

    def quantile(turns: Turns) -> float:
        return _quantile([rung.took for turn in turns for rung in turn], of)

    dice = random.Random(1)
    ratios = [
        quantile(dice.choices(crowded, k=len(crowded))) / quantile(dice.choices(alone, k=len(alone)))
        for _ in range(DRAWS)
    ]
    low, *_, high = statistics.quantiles(ratios, n=20, method="inclusive")
    with_api, without = quantile(crowded), quantile(alone)
    return f"{with_api / without:.2f} ({low:.2f} to {high:.2f}; {with_api:.2f} / {without:.2f} ms)"


def _quantile(values: Sequence[float], of: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[of - 1]


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
