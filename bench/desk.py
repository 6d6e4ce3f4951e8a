"""What the desk costs, in a real pseudo terminal of 200x50: CPU, bytes, memory, first picture, key to
command.

`python -m bench.desk` from the top of the project. Ratios against a DataTable desk of the same run count, not
seconds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from engine.protocol import Snapshot
from tests.desk import scenes
from tests.desk.engine_face import EngineFace
from tests.desk.terminal import Terminal, terminal

SECONDS = 10.0
PRESSES = 200
STARTS = 7
ONE_WORD = (
    "import sys; from textual.app import App; from textual.widgets import Static; "
    "App.compose = lambda self: [Static('RATCHET BTCUSDT')]; App().run()"
)
"""The least that Textual can show: what any program with it costs to start."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What the engine sends: `rows` positions, `hz` snapshots a second, and how often the desk looks."""

    name: str
    snapshot: Callable[[int], Snapshot]
    hz: float
    sample_s: float
    budget: str


@dataclass(frozen=True)
class Cost:
    """What a desk spent: per cent of one core, bytes a second, megabytes resident."""

    cpu: float
    bytes_s: float
    rss_mb: float


def fifth(count: int) -> Callable[[int], Snapshot]:
    """`count` rows of which a fifth moves each time."""

    def at(tick: int) -> Snapshot:
        newest = scenes.crowd(count, tick)
        moved = (tick - (tick + k) % 5 for k in range(count))
        rows = tuple(scenes.crowd_row(k, max(0, last)) for k, last in enumerate(moved))
        return replace(newest, positions=rows)

    return at


LOADS = (
    Load("quiet: the same snapshot at 4 Hz", lambda tick: scenes.LIVE, 4, 0.25, "≤ 0.5 % CPU, 0 B/s"),
    Load("10 rows at 4 Hz, a fifth changes", fifth(10), 4, 0.25, "≤ 2 % CPU, ≤ 5 KB/s"),
    Load("50 rows at 10 Hz", lambda tick: scenes.crowd(50, tick), 10, 0.25, "≤ 10 % CPU"),
    Load(
        "50 rows at 10 Hz, drawn at 10 Hz", lambda tick: scenes.crowd(50, tick), 10, 0.1, "the rival's rate"
    ),
)


def cpu_ticks(pid: int) -> int:
    """User and system time of a process, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def cost(which: str, load: Load) -> Cost:
    """Run one desk under one load."""
    with tempfile.TemporaryDirectory(prefix="desk") as folder:
        socket = Path(folder) / "s"
        async with EngineFace(socket, load.snapshot(0)) as face:
            command = ("-m", "bench.desk_child", which, str(socket), str(load.sample_s))
            async with terminal(*command, size=(200, 50)) as held:
                await held.until(b"USDT")
                await feed(face, load, 1.5)
                ticks, seen = cpu_ticks(held.process.pid), len(held.seen)
                took = await feed(face, load, SECONDS)
                spent = (cpu_ticks(held.process.pid) - ticks) / TICKS_A_SECOND
                return Cost(100 * spent / took, (len(held.seen) - seen) / took, resident_mb(held.process.pid))


async def feed(face: EngineFace, load: Load, seconds: float) -> float:
    """Send snapshots at the load's rate; returns the seconds that it took."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for tick in range(round(seconds * load.hz)):
        await face.tell(load.snapshot(tick + 1))
        await asyncio.sleep(max(0.0, begun + (tick + 1) / load.hz - loop.time()))
    return loop.time() - begun


async def first_picture(*command: str) -> tuple[float, float]:
    """Milliseconds from the start of the process to the first screen and to the first position. The socket is
    the last word of the command.
    """
    with tempfile.TemporaryDirectory(prefix="desk") as folder:
        socket = Path(folder) / "s"
        async with EngineFace(socket):
            begun = asyncio.get_running_loop().time()
            async with terminal(*command, str(socket)) as held:
                await held.until(b"RATCHET")
                screen = asyncio.get_running_loop().time()
                await held.until(b"BTCUSDT")
                return (screen - begun) * 1000, (asyncio.get_running_loop().time() - begun) * 1000


async def first_pictures() -> tuple[float, float, float]:
    """The best of our first screens and first positions, and of the least that Textual can show: by turns,
    so that what else the machine does falls on both.
    """
    ours, least = [], []
    for _ in range(STARTS):
        ours.append(await first_picture("-m", "tui"))
        least.append(await first_picture("-c", ONE_WORD))
    return min(screen for screen, _ in ours), min(at for _, at in ours), min(at for _, at in least)


async def key_to_command(held: Terminal, face: EngineFace) -> float:
    """Milliseconds from the kill key to the command at the engine."""
    face.heard.clear()
    begun = asyncio.get_running_loop().time()
    held.type(b"\x0b")
    await asyncio.wait_for(face.heard.wait(), 5)
    return (asyncio.get_running_loop().time() - begun) * 1000


async def key_times() -> list[float]:
    """The kill key under the heaviest load."""
    load = LOADS[2]
    with tempfile.TemporaryDirectory(prefix="desk") as folder:
        socket = Path(folder) / "s"
        async with (
            EngineFace(socket, load.snapshot(0)) as face,
            terminal("-m", "bench.desk_child", "ours", str(socket), "0.25", size=(200, 50)) as held,
        ):
            await held.until(b"USDT")
            feeding = asyncio.create_task(feed(face, load, 30))
            await asyncio.sleep(1)
            times = []
            for _ in range(PRESSES):
                times.append(await key_to_command(held, face))
                await asyncio.sleep(0.037)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            return sorted(times)


async def measure() -> None:
    """Everything, as a table."""
    say = sys.stdout.write
    say(f"{'load':36} {'desk':6} {'CPU':>7} {'KB/s':>8} {'MB':>6}   budget\n")
    for load in LOADS:
        ours, table = await cost("ours", load), await cost("table", load)
        for name, spent in (("ours", ours), ("table", table)):
            budget = load.budget if name == "ours" else ""
            numbers = f"{spent.cpu:6.1f}% {spent.bytes_s / 1000:8.2f} {spent.rss_mb:6.1f}"
            say(f"{load.name:36} {name:6} {numbers}   {budget}\n")
        ratio_cpu = ours.cpu / table.cpu if table.cpu else float("nan")
        ratio_bytes = ours.bytes_s / table.bytes_s if table.bytes_s else float("nan")
        say(f"{'':36} {'ratio':6} {ratio_cpu:6.2f}× {ratio_bytes:7.2f}×\n")
    times = await key_times()
    p99 = times[int(len(times) * 0.99)]
    middle = statistics.median(times)
    say(f"key → command at the engine   p50 {middle:.1f} ms   p99 {p99:.1f} ms   budget 50 ms\n")
    screen, position, least = await first_pictures()
    say(f"first screen {screen:.0f} ms   first position {position:.0f} ms   budget 250 ms\n")
    say(f"one word in Textual {least:.0f} ms   ratio {position / least:.2f}×\n")


if __name__ == "__main__":
    asyncio.run(measure())
