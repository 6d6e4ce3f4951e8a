"""`python -m engine.journal.example PATH`: a real journal to look at, example A of docs/ladder.md.

A trader sells 0.0020 BTC at 100,000 with 20x; an hour later the mark reaches 95,000, after another hour
90,250. The decisions are those of the real `decide`; what the exchange says to them comes from an ideal one.
The same command always writes the same rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import deque
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

from engine.core.decide import decide, first_state
from engine.core.events import AnyBody, Event, InstrumentsRead, LinkChanged, MarkReached, Started, Timer
from engine.core.exchange import Tick
from engine.core.settings import Managed, Settings
from engine.journal.ideal import BTC, IdealExchange
from engine.journal.port import Entry, JournalRefused
from engine.journal.sqlite import SqliteJournal

ACCOUNT: Final = "example"
SETTINGS: Final = Settings(ACCOUNT, managed=(Managed(BTC.symbol, Decimal(20)),))
BEGIN: Final = 1_763_596_800_000
"""2025-11-20 00:00 UTC, milliseconds."""

BETWEEN_MS: Final = 20
"""From one event to the next."""

SETTLE_S: Final = 15
"""Seconds that pass after every move of the market: stops are read back meanwhile."""

HOUR_MS: Final = 3_600_000


class Day:
    """The clock of the example, the belief, and the entries so far."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.exchange = IdealExchange()
        self.state = first_state(SETTINGS)
        self.entries: list[Entry] = []

    def tell(self, *bodies: AnyBody) -> None:
        """Decide these events, carry out what is wanted, decide the answers, until nothing is left to do."""
        events: deque[AnyBody] = deque(bodies)
        while events:
            self.now += BETWEEN_MS
            mark = self.exchange.mark
            event = Event(self.now, self.now, events.popleft(), (Tick(BTC.symbol, mark, mark, self.now),))
            decision = decide(self.state, event)
            has_changed = decision.state != self.state
            self.state = decision.state
            if has_changed or decision.actions or decision.notes:
                self.entries.append(Entry(event, decision.actions, decision.notes))
            for work in decision.actions:
                events.extend(self.exchange.do(work, self.now))

    def settle(self) -> None:
        """Let seconds pass, with a reading of everything in every tenth."""
        for second in range(1, SETTLE_S + 1):
            self.now += 1_000
            self.tell(Timer(reconcile=second % 10 == 0))

    def move_to(self, mark: Decimal) -> None:
        """An hour later the market is at `mark`."""
        self.now += HOUR_MS
        self.exchange.mark = mark
        self.tell(MarkReached(BTC.symbol, mark))
        self.settle()


def example() -> Day:
    """Example A: open, rung 1, rung 2."""
    day = Day()
    day.tell(Started(SETTINGS, "example"), InstrumentsRead((BTC,)), LinkChanged("private", up=True))
    day.settle()
    day.tell(*day.exchange.trader_sells(Decimal("0.0020"), day.now))
    day.settle()
    day.move_to(Decimal(95_000))
    day.move_to(Decimal(90_250))
    return day


async def write(path: Path) -> int:
    """Write the example to a new file, and return how many entries it has.

    Raises JournalRefused when something is at `path` already.
    """
    if await asyncio.to_thread(path.exists):
        raise JournalRefused(f"{path} is there already: name a new file.")
    day = example()
    state = first_state(SETTINGS)
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        for entry in day.entries:
            state = decide(state, entry.event).state
            await journal.append([entry], state)
        await journal.snapshot(state)
    await asyncio.to_thread(_pack, path)
    return len(day.entries)


def _pack(path: Path) -> None:
    """One file without a log beside it, which can be read from a folder that cannot be written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")
    path.with_name(path.name + ".lock").unlink()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Usage: python -m engine.journal.example PATH", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        count = asyncio.run(write(path))
    except JournalRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"{path}: {count} entries of example A")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
