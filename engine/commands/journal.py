"""`ratchet journal verify | export | replay`: also while an engine writes it; nothing is changed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import BinaryIO

from engine.commands.speech import DONE, complain, refused, wrong
from engine.config.paths import find_paths
from engine.journal.export import export
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader


def run(arguments: argparse.Namespace) -> int:
    database = find_paths(arguments.home).database
    try:
        if arguments.what == "verify":
            return asyncio.run(_verify(database))
        if arguments.what == "replay":
            return _replay(database)
        return _exported(database, arguments.out)
    except JournalRefused as refused:
        return wrong(str(refused))


async def _verify(database: Path) -> int:
    async with await JournalReader.open(database) as journal:
        entries = await journal.verify(_progress if sys.stderr.isatty() else None)
    print(f"{database}: {entries:,} entries, every one as it was written")
    return DONE


def _replay(database: Path) -> int:
    from engine.journal.replay import replay

    found = replay(database, _progress if sys.stderr.isatty() else None)
    if found.difference:
        return refused(f"not equal: {found.difference}")
    snapshots = f"{found.snapshots} snapshot{'' if found.snapshots == 1 else 's'}"
    compared = f"{snapshots} and {found.rows:,} rows of the tables"
    print(f"{database}: {found.entries:,} entries decided again: equal, and so are {compared}")
    return DONE


def _progress(checked: int, all: int) -> None:
    print(f"\r{checked:,} of {all:,} entries", end="\r", file=sys.stderr, flush=True)


def _exported(database: Path, name: str | None) -> int:
    if not name:
        return asyncio.run(_export(database, sys.stdout.buffer))
    try:
        with Path(name).open("xb") as out:
            return asyncio.run(_export(database, out))
    except FileExistsError:
        return wrong(f"{name} exists already: name a new file")
    except OSError as error:
        return wrong(f"{name} could not be written to its end ({error.strerror}): name another file")


async def _export(database: Path, out: BinaryIO) -> int:
    async with await JournalReader.open(database) as journal:
        entries = await export(journal, out)
    out.flush()
    complain(f"{entries:,} entries exported")
    return DONE
