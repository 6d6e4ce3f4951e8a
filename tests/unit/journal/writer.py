"""An engine's journal as a process of its own: appends forever, and says each number once it is durable.

`python writer.py PATH [FILE_SIZE_LIMIT]`; with a limit it ends at the first refusal and prints it.
"""

from __future__ import annotations

import asyncio
import itertools
import resource
import sys
from pathlib import Path

from journal_day import ACCOUNT, BLANK, tick

from engine.journal.port import JournalRefused
from engine.journal.sqlite import SqliteJournal

AT_ONCE = 8


async def main(path: Path) -> None:
    async with await SqliteJournal.open(path, account=ACCOUNT) as journal:
        numbers = itertools.count()

        async def append_on_and_on() -> None:
            for n in numbers:
                seq = await journal.append([tick(n)], BLANK)
                print(seq, flush=True)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(append_on_and_on())
        except* JournalRefused as refused:
            print(f"refused: {refused.exceptions[0]}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    asyncio.run(main(Path(sys.argv[1])))
