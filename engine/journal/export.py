"""A journal as JSON lines: one entry a line, oldest first, readable without Ratchet."""

from __future__ import annotations

from typing import BinaryIO, Final

import msgspec

from engine.journal.reader import Readable

PAGE: Final = 1_000


async def export(journal: Readable, out: BinaryIO) -> int:
    """Write every entry, oldest first, and return how many there were.

    A line is `{"seq": …, "entry": {"event": …, "actions": …, "notes": …}}`; decimals are strings, times
    milliseconds UTC. Raises JournalRefused for an entry that cannot be read, OSError when `out` fails.
    """
    encoder = msgspec.json.Encoder(order="deterministic")
    seq = count = 0
    while True:
        page = [item async for item in journal.read(after=seq, limit=PAGE)]
        if not page:
            return count
        out.write(encoder.encode_lines(page))
        seq, count = page[-1].seq, count + len(page)
