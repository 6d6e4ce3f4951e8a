"""Whose journal it is. An account is named after its API key, and a key is changed every few months: the name
that a journal was begun with is in its chain, the names under which it went on are sealed to entries of it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from engine.journal import chain, schema
from engine.journal.port import JournalRefused
from engine.journal.refusal import damaged

SINCE: Final = 5
"""The schema that can go on under another name."""

_NEWEST: Final = (
    "SELECT keys.account, keys.seal, events.chain FROM keys LEFT JOIN events ON events.seq = keys.seq "
    "ORDER BY keys.seq DESC LIMIT 1"
)


def owner(db: sqlite3.Connection, path: Path) -> str:
    """The account whose journal it is now. Raises JournalRefused when that is not what was written."""
    begun = db.execute("SELECT account FROM head").fetchone()
    if begun is None:
        raise JournalRefused(damaged(path, "it does not say whose it is"))
    newest = db.execute(_NEWEST).fetchone() if schema.version_of(db) >= SINCE else None
    if newest is None:
        return str(begun[0])
    account, seal, link = newest
    if link is None or _seal(link, account) != seal:
        raise JournalRefused(damaged(path, "the account that it goes on under is not what was written"))
    return str(account)


def go_on(db: sqlite3.Connection, seq: int, link: bytes, account: str) -> None:
    """From entry `seq` on it is `account`'s. The caller holds the transaction."""
    db.execute("INSERT INTO keys VALUES (?, ?, ?)", (seq, account, _seal(link, account)))


def _seal(link: bytes, account: str) -> bytes:
    return chain.seal(link, account.encode())
