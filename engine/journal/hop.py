"""One hop to aiosqlite's thread for a whole commit instead of one hop a statement: as fast as the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Self, TypeVar

import aiosqlite

T = TypeVar("T")


class Hop:
    """A database connection and the thread that works on it, one piece of work after the other."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def over(cls, db: sqlite3.Connection) -> Self:
        """A thread for an open connection (which must allow other threads); it is closed with `close`."""
        return cls(await aiosqlite.Connection(lambda: db, iter_chunk_size=64))

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Once asked for it is done, even when the asker is cancelled."""
        result: T = await self._connection._execute(work)  # type: ignore[no-untyped-call]
        return result

    async def close(self) -> None:
        """Finish what was asked for, close the connection, end the thread."""
        await self._connection.close()
