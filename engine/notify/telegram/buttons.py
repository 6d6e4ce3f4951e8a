"""Buttons that can be pressed once, by one person, in one chat, for one thing, in time.

A button carries nothing but a random nonce; what it does lies in the outbox, bound to the user, the chat and
the plan that was on the card. Buttons of one card are a family: one answer uses up all of them.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.notify.outbox import Outbox
from engine.protocol import AnyCommand

NONCE_BYTES: Final = 12


class Do(msgspec.Struct, frozen=True, tag="do"):
    """Carry this command out. `adds`: it adds risk. `about` names the position whose numbers the card showed;
    for another one at the same place it does nothing.
    """

    command: AnyCommand
    adds: bool
    about: str = ""


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """Do nothing, after all."""


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Every urgent letter up to this one was seen."""

    through: int


class Explain(msgspec.Struct, frozen=True, tag="explain"):
    """Tell the story of this cycle. Can be pressed again."""

    name: str


Deed = Do | Drop | Seen | Explain


class Pressed(msgspec.Struct, frozen=True):
    """A button that counts. `family` names its card."""

    deed: Deed
    nonce: str
    family: str


class Void(msgspec.Struct, frozen=True):
    """A button that does not count, and why not."""

    reason: str


class Buttons:
    """Makes and claims buttons for the one user in the one chat."""

    def __init__(self, outbox: Outbox, user: int, chat: int) -> None:
        self._outbox = outbox
        self._user = user
        self._chat = chat

    async def make(self, deeds: Sequence[Deed], expires: int) -> tuple[str, list[str]]:
        """The family's name, and a nonce for each deed, good until `expires` (ms UTC)."""
        family = secrets.token_urlsafe(NONCE_BYTES)
        nonces = [secrets.token_urlsafe(NONCE_BYTES) for _ in deeds]
        rows = [
            (nonce, family, self._user, self._chat, msgspec.json.encode(deed), expires)
            for nonce, deed in zip(nonces, deeds, strict=True)
        ]
        statement = "INSERT INTO button (nonce, family, user, chat, deed, expires) VALUES (?, ?, ?, ?, ?, ?)"

        def work(db: sqlite3.Connection) -> None:
            db.executemany(statement, rows)

        await self._outbox.transact(work)
        return family, nonces

    async def press(self, nonce: str, user: int, chat: int, now: int) -> Pressed | Void:
        """Claim a button: of two presses at the same time one counts."""

        def work(db: sqlite3.Connection) -> Pressed | Void:
            row = db.execute(
                "SELECT family, user, chat, deed, expires, used FROM button WHERE nonce = ?", (nonce,)
            ).fetchone()
            if row is None or (row[1], row[2]) != (user, chat):
                return Void("This button is not known any more. Ask again.")
            family, _, _, blob, expires, used = row
            deed = msgspec.json.decode(blob, type=Deed)
            if isinstance(deed, Explain):
                return Pressed(deed, nonce, family)
            if used is not None:
                return Void("Already answered.")
            if now > expires:
                return Void("Too late: this has expired. Nothing was done; ask again.")
            db.execute("UPDATE button SET used = ? WHERE family = ?", (now, family))
            return Pressed(deed, nonce, family)

        return await self._outbox.transact(work)

    async def void(self, family: str, now: int) -> None:
        """Use up a whole card: it was answered elsewhere."""
        statement = "UPDATE button SET used = ? WHERE family = ? AND used IS NULL"

        def work(db: sqlite3.Connection) -> None:
            db.execute(statement, (now, family))

        await self._outbox.transact(work)
