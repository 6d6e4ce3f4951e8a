"""What the API costs the ladder: from a tick that reaches a rung to the rung's order at the exchange; alone,
with a crowd that asks over HTTP in bursts, and with the same crowd at another engine's doors; in turns.

    python -m bench.rest [RUNGS] [REQUESTS_A_SECOND]

A rung takes most of a second, and 99 of 100 need many: between the rungs the engine's loop is asked over its
socket, thousands of times, how long it takes to turn to what comes (a price comes to the same loop).

Prints ratios, and between which two figures nine of ten runs would find them (by drawing turns anew from
those that were measured: what else the machine does comes in turns, too). The crowd and what answers it need
processor time; the crowd next door tells that part from what the engine itself has to do with it.
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
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from engine.api.client import Engine
from engine.core.instrument import Side
from engine.protocol import PositionView, Snapshot
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget

SYMBOL: Final = "BTCUSDT"
RUNGS: Final = 300
PER_SECOND: Final = 200.0
TURN: Final = 5
"""Rungs in a row with the crowd in one place, then as many with it in another."""

DRAWS: Final = 2000
AHEAD: Final = -15
"""Exchange and engine go before what else the machine does, where we may say so: that is not the question."""

QUESTIONS: Final = 250
QUESTION: Final = b"GET /v1/hello HTTP/1.1\r\nHost: engine\r\n\r\n"
BETWEEN_S: Final = 0.003

FIRST_PRICE: Final = Decimal(60_000)
TICK: Final = Decimal("0.1")
HIGHEST: Final = Decimal(90_000)
ORDERS: Final = ("place-order", "batch-place-order")
WITHIN_S: Final = 20.0
CALM_S: Final = 0.1
"""What the engine has for its stops before the next rung."""
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


class Stage:
    """A simulated exchange in this process, an engine in another, and the hand that feeds it positions."""

    def __init__(self, sim: SimulatedBitget, engine: Engine, hand: Hand) -> None:
        self.sim, self.engine, self.hand = sim, engine, hand
        self.arrivals = Arrivals(sim)

    async def position(self, *, after: int = -1) -> PositionView:
        """The position, when its next rung is armed and more than `after` are done."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                seen = await asyncio.to_thread(self.engine.snapshot)
                if isinstance(seen, Snapshot) and seen.engine.reconciled and seen.positions:
                    held = seen.positions[0]
                    if held.next_rung is not None and held.rungs > after and not seen.unknown:
                        return held
                await asyncio.sleep(0.02)

    async def again(self) -> None:
        """A new position at the first price."""
        seen = await asyncio.to_thread(self.engine.snapshot)
        if isinstance(seen, Snapshot) and seen.positions:
            await self.hand.close(SYMBOL, None)
        self._pin(FIRST_PRICE)
        async with asyncio.timeout(WITHIN_S):
            while not isinstance(seen, Snapshot) or seen.positions or not seen.engine.reconciled:
                await asyncio.sleep(0.1)
                seen = await asyncio.to_thread(self.engine.snapshot)
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
        await self.position(after=held.rungs)
        return took

    def _pin(self, price: Decimal) -> None:
        self.sim.world.pin(SYMBOL, price)
        self.sim.streams.flush()


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


async def measured(
    stage: Stage, crowd: subprocess.Popen[str], rungs: int
) -> tuple[dict[Arm, Turns], dict[Arm, Turns]]:
    """Tick to order of `rungs` in all, and what lies between the turns."""
    assert crowd.stdin is not None
    found: dict[Arm, Turns] = {arm: [] for arm in Arm}
    asked: dict[Arm, Turns] = {arm: [] for arm in Arm}
    await stage.again()
    for number in range(rungs):
        arm = tuple(Arm)[number // TURN % len(Arm)]
        if number % TURN == 0:
            crowd.stdin.write(f"{arm}\n")
            crowd.stdin.flush()
            found[arm].append([])
            await asyncio.sleep(0.5)
            asked[arm].append(turned_to_ms(stage.engine.socket))
        held = await stage.position()
        if held.rungs >= 15 or (held.mark or FIRST_PRICE) > HIGHEST:
            await stage.again()
        found[arm][-1].append(await stage.rung_ms())
    return found, asked


@asynccontextmanager
async def house(token: str) -> AsyncIterator[tuple[SimulatedBitget, Path, str]]:
    """A simulated exchange in this process and an engine with open doors in two others: the exchange, the
    engine's home, the address of its doors.
    """
    async with SimulatedBitget(ideal=True, markets={SYMBOL: FIRST_PRICE}, balance=Decimal(1_000_000)) as sim:
        with tempfile.TemporaryDirectory() as home:
            port = free_port()
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
                await asyncio.sleep(4)
                assert engine.poll() is None, "the engine did not start"
                yield sim, Path(home), f"http://127.0.0.1:{port}"


async def main(rungs: int = RUNGS, per_second: float = PER_SECOND) -> None:
    token = secrets.token_hex(16)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, AHEAD)
    async with (
        house(token) as (sim, home, here),
        house(token) as (_, _, next_door),
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        stage = Stage(sim, Engine(home / "engine.sock"), hand)
        words = ("bench.rest_child", here, next_door, token, str(per_second))
        with child(*words, env=dict(os.environ)) as crowd:
            ticks, questions = await measured(stage, crowd, rungs)
            answers = json.loads(await asyncio.to_thread(_ended, crowd))
    print(f"requests of the crowd, by what was answered: {answers}")
    _tell("tick to order", ticks)
    _tell("the loop turns to a question", questions)


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
