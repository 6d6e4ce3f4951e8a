"""What the API costs the ladder: from a tick that reaches a rung to the rung's order at the exchange; alone,
with a crowd that asks over HTTP in bursts, and with the same crowd at another engine's doors; in turns.

    python -m bench.rest [RUNGS] [REQUESTS_A_SECOND]

After a rung an engine reads its orders back, as often as Bitget lets it: that takes most of a second. So
there are several, each with an exchange and an account of its own, that step one after the other, and the
crowd asks all of them. Between the turns a loop is asked over its socket, thousands of times, how long it
takes to turn to what comes (a price comes to the same loop).

Prints ratios, and between which two figures nine of ten runs would find them (by drawing turns anew from
those that were measured: what else the machine does comes in turns, too). The crowd and what answers it need
processor time; the crowd next door tells that part from what an engine itself has to do with it, and so does
what the engines used of a processor, and how long they waited for one.
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
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.api.client import Engine
from engine.core.instrument import Side
from engine.protocol import PositionView, Snapshot
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget

SYMBOL: Final = "BTCUSDT"
RUNGS: Final = 1500
PER_SECOND: Final = 200.0
ENGINES: Final = 4
TURN: Final = 20
"""Rungs in a row with the crowd in one place, then as many with it in another."""
LEGS: Final = 15
"""So many rungs on one position; then there is a new one."""

DRAWS: Final = 2000
AHEAD: Final = -15
"""Exchange and engine go before what else the machine does, where we may say so: that is not the question."""

QUESTIONS: Final = 250
QUESTION: Final = b"GET /v1/hello HTTP/1.1\r\nHost: engine\r\n\r\n"
BETWEEN_S: Final = 0.003

FIRST_PRICE: Final = Decimal(60_000)
TICK: Final = Decimal("0.1")
ORDERS: Final = ("place-order", "batch-place-order")
WITHIN_S: Final = 20.0
LOOK_S: Final = 0.05
CALM_S: Final = 0.1
"""What the engine that stepped last has for its stops before the next one steps."""
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
    doors: str
    pid: int


class Used(NamedTuple):
    """Milliseconds of an engine's loop."""

    running: float
    waiting: float


class Stage:
    """A simulated exchange in this process, an engine in another, and the hand that feeds it positions."""

    def __init__(self, house: House, hand: Hand) -> None:
        self.sim, self.socket, self.hand, self.pid = house.sim, house.socket, hand, house.pid
        self.arrivals = Arrivals(house.sim)
        self.rungs = 0

    async def position(self) -> PositionView:
        """The position, when all its rungs are done and the next one is armed."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                seen = await _snapshot(self.socket)
                if seen is not None and seen.engine.reconciled and seen.positions:
                    held = seen.positions[0]
                    if held.next_rung is not None and held.rungs >= self.rungs and not seen.unknown:
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

    async def rung_ms(self) -> float:
        """One rung: milliseconds from the tick to its first order's arrival."""
        held = await self.position()
        assert held.next_rung is not None
        await asyncio.sleep(CALM_S)
        arrival = self.arrivals.expect()
        self.sim.world.pin(SYMBOL, held.next_rung.trigger.quantize(TICK, ROUND_UP))
        started = time.perf_counter()
        self.sim.streams.flush()
        async with asyncio.timeout(WITHIN_S):
            took = (await arrival - started) * 1000
        self.rungs = held.rungs + 1
        return took

    def used_ms(self) -> Used:
        """What the engine has used of a processor since its start, and how long its loop waited for one."""
        used, waited, _ = Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()
        return Used(int(used) / 1e6, int(waited) / 1e6)

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


Turns = list[list[float]]
"""Milliseconds of each rung, a list for each turn."""


class Arm(StrEnum):
    """Where the crowd is."""

    ALONE = "alone"
    HERE = "here"
    NEXT_DOOR = "next door"


ORDER: Final = (Arm.ALONE, Arm.HERE, Arm.ALONE, Arm.HERE, Arm.NEXT_DOOR)


class Found:
    """What was measured, turn by turn."""

    def __init__(self) -> None:
        self.ticks: dict[Arm, Turns] = {arm: [] for arm in Arm}
        self.questions: dict[Arm, Turns] = {arm: [] for arm in Arm}
        self.used: dict[Arm, list[Used]] = {arm: [] for arm in Arm}


def turned_to_ms(engine: Path) -> list[float]:
    """How long the engine takes to answer what costs it nothing. It stops the exchange meanwhile."""
    found = []
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(engine))
        for _ in range(QUESTIONS):
            time.sleep(BETWEEN_S)
            asked, answer = time.perf_counter(), b""
            door.sendall(QUESTION)
            while not answer.endswith(b"}"):
                answer += door.recv(65_536)
            found.append((time.perf_counter() - asked) * 1000)
    return found


async def measured(stages: Sequence[Stage], crowd: subprocess.Popen[str], rungs: int) -> Found:
    """Tick to order of `rungs` in all, and what lies between the turns."""
    assert crowd.stdin is not None
    found = Found()
    for turn in range(max(len(ORDER), rungs // TURN)):
        arm = ORDER[turn % len(ORDER)]
        crowd.stdin.write(f"{Arm.ALONE}\n")
        crowd.stdin.flush()
        if turn * TURN // len(stages) % LEGS == 0:
            await asyncio.gather(*(stage.again() for stage in stages))
        await asyncio.gather(*(stage.position() for stage in stages))
        crowd.stdin.write(f"{arm}\n")
        crowd.stdin.flush()
        await asyncio.sleep(0.5)
        before = [stage.used_ms() for stage in stages]
        found.questions[arm].append(turned_to_ms(stages[turn % len(stages)].socket))
        found.ticks[arm].append([await stages[number % len(stages)].rung_ms() for number in range(TURN)])
        after = [stage.used_ms() for stage in stages]
        ran, waited = (sum(new[i] - old[i] for new, old in zip(after, before, strict=True)) for i in (0, 1))
        found.used[arm].append(Used(ran, waited))
    return found


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
                async with asyncio.timeout(WITHIN_S):
                    while (seen := await _snapshot(socket)) is None or not seen.engine.reconciled:
                        assert engine.poll() is None, "the engine did not start"
                        await asyncio.sleep(LOOK_S)
                yield House(sim, socket, f"http://127.0.0.1:{port}", engine.pid)


async def main(rungs: int = RUNGS, per_second: float = PER_SECOND) -> None:
    token = secrets.token_hex(16)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, AHEAD)
    async with AsyncExitStack() as street:
        houses = [await street.enter_async_context(house(token)) for _ in range(ENGINES)]
        next_door = await street.enter_async_context(house(token))
        stages = [
            Stage(each, await street.enter_async_context(Hand(each.sim.url, each.sim.keys[0])))
            for each in houses
        ]
        here = " ".join(each.doors for each in houses)
        words = ("bench.rest_child", here, next_door.doors, token, str(per_second))
        with child(*words, env=dict(os.environ)) as crowd:
            found = await measured(stages, crowd, rungs)
            answers = json.loads(await asyncio.to_thread(_ended, crowd))
    print(f"requests of the crowd, by what was answered: {answers}")
    _tell("tick to order", found.ticks)
    _tell("the loop turns to a question", found.questions)
    print("the engines' loops, milliseconds of a processor and of waiting for one, in a turn:")
    for arm, used in found.used.items():
        ran, waited = (statistics.fmean(each[i] for each in used) for i in (0, 1))
        print(f"  {arm}: {ran:.0f} and {waited:.0f}")


def _ended(crowd: subprocess.Popen[str]) -> str:
    out, _ = crowd.communicate(timeout=20)
    return out


def _tell(what: str, found: dict[Arm, Turns]) -> None:
    counts = ", ".join(f"{sum(map(len, turns)):,} {arm}" for arm, turns in found.items())
    print(f"{what}: {counts}")
    for base in (Arm.ALONE, Arm.NEXT_DOOR):
        for of in (50, 90, 99):
            with_api, without = _quantile(found[Arm.HERE], of), _quantile(found[base], of)
            low, high = _range(found[Arm.HERE], found[base], of)
            print(
                f"  p{of}  {with_api / without:.2f} x {base} ({low:.2f} to {high:.2f}; "
                f"{with_api:.2f} / {without:.2f} ms)"
            )


def _range(crowded: Turns, alone: Turns, of: int) -> tuple[float, float]:
    """What nine of ten draws find."""
    dice = random.Random(1)
    ratios = [
        _quantile(dice.choices(crowded, k=len(crowded)), of)
        / _quantile(dice.choices(alone, k=len(alone)), of)
        for _ in range(DRAWS)
    ]
    cuts = statistics.quantiles(ratios, n=20, method="inclusive")
    return cuts[0], cuts[-1]


def _quantile(turns: Turns, of: int) -> float:
    return statistics.quantiles([ms for turn in turns for ms in turn], n=100, method="inclusive")[of - 1]


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(int(given[0]) if given else RUNGS, float(given[1]) if given[1:] else PER_SECOND))
