"""What the journal costs: a commit against the disk's own fdatasync, grouped rows, bytes, a start.

Run `python -m bench.journal [ENTRIES]`: the start is measured on that many (default 100,000; the budget's
are 1,000,000). On the loop that the engine runs on. Prints ratios; always ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

from msgspec.structs import replace

from engine.core.events import Event, FillSeen, LinkChanged
from engine.core.exchange import Cause, Fill
from engine.core.fills import FORGOTTEN, REMEMBERED
from engine.core.settings import Settings
from engine.core.state import State
from engine.journal.chain import write_entry
from engine.journal.port import Entry
from engine.journal.sqlite import SqliteJournal
from engine.loop import run

COMMITS = 1_000
GROUPED = 50_000
IN_FLIGHT = 50
ROUNDS = 5
SIZE = 327
AT = 1_763_600_000_000
STATE = State(settings=Settings(account="bench"))


def entry(number: int) -> Entry:
    """An entry whose JSON has 327 bytes, as in the budgets."""
    bare = Entry(Event(AT + number, AT + number, LinkChanged("private", up=False)))
    filler = "x" * (SIZE - len(write_entry(bare)))
    return Entry(Event(AT + number, AT + number, LinkChanged("private", up=False, reason=filler)))


def fill(number: int) -> Entry:
    """A trade: the dearest entry, since it is indexed and shown."""
    trade = Fill(
        trade_id=str(1_250_000_000_000_000_000 + number),
        order_id=str(1_240_000_000_000_000_000 + number),
        client_id=f"rt-abcdefgh-r{number}-add-1",
        symbol="BTCUSDT",
        buy=False,
        side=None,
        qty=Decimal("0.0021"),
        price=Decimal("95000.1"),
        fee=Decimal("0.1197"),
        profit=Decimal(0),
        cause=Cause.ORDER,
        at=AT + number,
    )
    return Entry(Event(AT + number, AT + number, FillSeen(trade)))


def at(times: list[float]) -> tuple[float, float]:
    """p50 and p99, microseconds."""
    cuts = quantiles(times, n=100)
    return cuts[49] * 1e6, cuts[98] * 1e6


def floor_once(file: int, block: bytes) -> float:
    """One page appended and on the disk, seconds."""
    start = time.perf_counter()
    os.write(file, block)
    os.fdatasync(file)
    return time.perf_counter() - start


async def beside_the_floor(
    folder: Path, name: str, appends: Iterable[tuple[Entry, State]]
) -> tuple[list[float], list[float]]:
    """Single commits and the floor in turns, so that both meet the same disk; the seconds of each."""
    floors: list[float] = []
    times: list[float] = []
    file = os.open(folder / f"{name}.floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with await SqliteJournal.open(folder / f"{name}.db", account="bench") as journal:
        for line, state in appends:
            floors.append(floor_once(file, bytes(4096)))
            start = time.perf_counter()
            await journal.append([line], state)
            times.append(time.perf_counter() - start)
    os.close(file)
    return floors, times


async def commits(folder: Path) -> None:
    """What a commit costs; and that of a trade, which changes what is believed."""
    plain = ((entry(number), STATE) for number in range(COMMITS))
    floor, commit = map(at, await beside_the_floor(folder, "commits", plain))
    row("fdatasync floor, p50 / p99 µs", f"{floor[0]:.0f} / {floor[1]:.0f}")
    row("commit, p50 / p99 µs", f"{commit[0]:.0f} / {commit[1]:.0f}")
    row("commit / floor, p50", f"{commit[0] / floor[0]:.2f}", "≤ 2.5")
    row("commit / floor, p99", f"{commit[1] / floor[1]:.2f}")
    floor, commit = map(at, await beside_the_floor(folder, "trades", _trades()))
    row(f"commit of a trade, {REMEMBERED:,} known / floor, p50", f"{commit[0] / floor[0]:.2f}", "≤ 2.5")


def _trades() -> Iterator[tuple[Entry, State]]:
    """One trade after the other, with the last ones remembered as the core does."""
    seen = tuple(str(1_240_000_000_000_000_000 + number) for number in range(REMEMBERED))
    for number in range(COMMITS):
        seen = (*seen, str(1_250_000_000_000_000_000 + number))
        seen = seen if len(seen) < REMEMBERED + FORGOTTEN else seen[FORGOTTEN:]
        yield fill(number), replace(STATE, trades_seen=seen)


async def grouped(folder: Path) -> None:
    """Many appends under way at once, in several rounds: one is over before the machine's other work is."""
    entries = [entry(number) for number in range(GROUPED)]
    async with await SqliteJournal.open(folder / "grouped.db", account="bench") as journal:
        rounds = [await _in_flight(journal, entries) for _ in range(ROUNDS)]
        took, busy = (sorted(each) for each in zip(*rounds, strict=True))
        what = f"rows/s, {IN_FLIGHT} in flight, median of {ROUNDS} rounds"
        row(
            what,
            f"{GROUPED / median(took):,.0f}",
            f"≥ 50,000 ({GROUPED / took[-1]:,.0f} to {GROUPED / took[0]:,.0f})",
        )
        row("CPU a row of these, µs", f"{median(busy) / GROUPED * 1e6:.1f}", "≤ 20")
        start = time.perf_counter()
        for first in range(0, GROUPED, 1_000):
            await journal.append(entries[first : first + 1_000], STATE)
        row("rows/s, 1,000 an append", f"{GROUPED / (time.perf_counter() - start):,.0f}")


async def _in_flight(journal: SqliteJournal, entries: list[Entry]) -> tuple[float, float]:
    """Wall and CPU seconds of one round."""
    supply = iter(entries)

    async def one_after_the_other() -> None:
        for line in supply:
            await journal.append([line], STATE)

    start, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - start, time.process_time() - busy


async def start_up(folder: Path, count: int) -> None:
    """A large journal: its size, and the time until a start knows everything again."""
    path = folder / "large.db"
    async with await SqliteJournal.open(path, account="bench") as journal:
        for first in range(0, count, 10_000):
            await journal.append([entry(n) for n in range(first, min(first + 10_000, count))], STATE)
        await journal.snapshot(STATE)
        await journal.append([entry(count)], STATE)
    row(f"bytes an event of {SIZE}", f"{path.stat().st_size / count:.0f}", "≤ 400")
    times = []
    for _ in range(10):
        start = time.perf_counter()
        journal = await SqliteJournal.open(path, account="bench")
        recovered = await journal.recover()
        times.append(time.perf_counter() - start)
        assert recovered.state == STATE and len(recovered.after) == 1
        await journal.close()
    row(f"ready from a snapshot, {count:,} entries, ms", f"{sorted(times)[5] * 1e3:.1f}", "≤ 20")
    start = time.perf_counter()
    async with await SqliteJournal.open(path, account="bench") as journal:
        checked = await journal.verify()
    row("full verification, entries/s", f"{checked / (time.perf_counter() - start):,.0f}")


async def fills(folder: Path) -> None:
    """What a trade costs on disk with its indexes and its row in `trades`."""
    count, path = 20_000, folder / "fills.db"
    async with await SqliteJournal.open(path, account="bench") as journal:
        for first in range(0, count, 1_000):
            await journal.append([fill(n) for n in range(first, first + 1_000)], STATE)
    row(f"bytes a trade of {len(write_entry(fill(0)))}, all tables", f"{path.stat().st_size / count:.0f}")


def row(what: str, measured: str, budget: str = "") -> None:
    print(f"{what:<52}{measured:>14}   {budget}", flush=True)


async def main(count: int) -> None:
    print(f"{'journal':<52}{'measured':>14}   budget")
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as name:
        folder = Path(name)
        await commits(folder)
        await grouped(folder)
        await fills(folder)
        await start_up(folder, count)


if __name__ == "__main__":
    run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
