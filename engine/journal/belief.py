"""The belief on the disk, in parts: a commit writes those that it changes, a start reads all of them back.

A part is a field of State, or one value of a field that is a dict (`cycles/BTCUSDT:long`), or a block of the
list of trades, which would be most of what a trade writes (`trades_seen/12`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec

from engine.core.fills import FORGOTTEN
from engine.core.state import State
from engine.journal import chain, schema

SINCE: Final = 4
"""The schema that has it first."""

LIST: Final = "trades_seen"

_PARTS: Final = "SELECT part, CAST(value AS BLOB) FROM belief"
_encoder = msgspec.json.Encoder(order="deterministic")


class Kept(msgspec.Struct, frozen=True):
    """The belief on the disk, and the digest of each of its parts; at first nothing is known of it."""

    state: State | None = None
    digests: dict[str, bytes] = {}

    def seal(self, link: bytes) -> bytes:
        """Binds it to the entry that it follows."""
        return chain.seal(link, b"".join(self.digests[name] for name in sorted(self.digests)))


class Change(msgspec.Struct, frozen=True):
    """What a commit does to the parts: it writes `new` and removes `gone`, or all that is there before."""

    new: dict[str, bytes]
    gone: frozenset[str]
    is_all: bool

    def write(self, db: sqlite3.Connection) -> None:
        if self.is_all:
            db.execute("DELETE FROM belief")
        db.executemany("DELETE FROM belief WHERE part = ?", [(name,) for name in self.gone])
        rows = [(name, value.decode()) for name, value in self.new.items()]
        db.executemany("INSERT OR REPLACE INTO belief VALUES (?, ?)", rows)


def follow(kept: Kept, state: State) -> tuple[Kept, Change]:
    """What will be kept when `state` is, and what that changes. Equal is what is the same object, and a
    block of the same trades.
    """
    before = dict(_parts(kept.state)) if kept.state is not None else {}
    after = dict(_parts(state))
    nothing = object()
    new = {
        name: _encoder.encode(value)
        for name, value in after.items()
        if name not in kept.digests or not _is_same(name, before.get(name, nothing), value)
    }
    digests = {name: kept.digests[name] for name in after if name not in new}
    digests |= {name: _digest(name, value) for name, value in new.items()}
    change = Change(new, frozenset(kept.digests.keys() - after.keys()), kept.state is None)
    return Kept(state, digests), change


def read(db: sqlite3.Connection, link: bytes) -> Kept:
    """The belief that was kept after the entry of `link`; nothing when there is none that this version can
    read whole.
    """
    if schema.version_of(db) < SINCE:
        return Kept()
    seal = db.execute("SELECT belief FROM head").fetchone()[0]
    parts: dict[str, bytes] = dict(db.execute(_PARTS))
    if seal is None or not parts:
        return Kept()
    kept = Kept(digests={name: _digest(name, value) for name, value in parts.items()})
    if kept.seal(link) != seal:
        return Kept()
    try:
        return Kept(chain.read_state(_joined(parts)), kept.digests)
    except msgspec.DecodeError:
        return Kept()


def is_whole(db: sqlite3.Connection, link: bytes) -> bool:
    """Whether the parts are those that were written, also when this version cannot read them."""
    if schema.version_of(db) < SINCE:
        return True
    seal = db.execute("SELECT belief FROM head").fetchone()[0]
    digests = {name: _digest(name, value) for name, value in db.execute(_PARTS)}
    return seal is None or Kept(digests=digests).seal(link) == seal


def _parts(state: State) -> Iterator[tuple[str, Any]]:
    for field in State.__struct_fields__:
        value = getattr(state, field)
        if isinstance(value, dict):
            for name, each in value.items():
                yield f"{field}/{name}", each
        elif field == LIST:
            for first in range(0, max(len(value), 1), FORGOTTEN):
                yield f"{field}/{first // FORGOTTEN}", value[first : first + FORGOTTEN]
        else:
            yield field, value


def _is_same(name: str, before: Any, after: Any) -> bool:
    return before is after or (name.startswith(LIST) and before == after)


def _joined(parts: dict[str, bytes]) -> bytes:
    """The JSON of the whole belief."""
    fields: dict[str, Any] = {}
    for part, value in parts.items():
        field, slash, name = part.partition("/")
        if slash:
            fields.setdefault(field, {})[name] = msgspec.Raw(value)
        else:
            fields[field] = msgspec.Raw(value)
    if isinstance(blocks := fields.get(LIST), dict):
        in_turn = (blocks[name] for name in sorted(blocks, key=int))
        fields[LIST] = [trade for block in in_turn for trade in msgspec.json.decode(block, type=list[str])]
    return msgspec.json.encode(fields)


def _digest(name: str, value: bytes) -> bytes:
    return blake2b(name.encode() + b"\0" + value, digest_size=chain.LINK_SIZE).digest()
