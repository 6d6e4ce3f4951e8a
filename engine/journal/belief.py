"""The belief on the disk, in parts: a commit writes those that it changes, a start reads all of them back.

A part is a field of State, or one value of a field that is a dict (`cycles/BTCUSDT:long`), or a block of the
list of trades, which would be most of what a trade writes (`trades_seen/12`).
"""

from __future__ import annotations

import sqlite3
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
    """The belief on the disk, and the digest of each of its parts; without these a commit writes all."""

    state: State | None = None
    digests: dict[str, bytes] = {}

    def seal(self, link: bytes) -> bytes:
        """Binds it to the entry that it follows."""
        return chain.seal(link, b"".join([self.digests[name] for name in sorted(self.digests)]))


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
    before = kept.state if kept.digests else None
    changed, gone = _difference(before, state)
    new = {name: _encoder.encode(part) for name, part in changed.items()}
    digests = kept.digests | {name: _digest(name, value) for name, value in new.items()}
    for name in gone:
        del digests[name]
    return Kept(state, digests), Change(new, gone, before is None)


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
        state = chain.read_state(_joined(parts))
    except msgspec.DecodeError:
        return Kept()
    is_cut_like_ours = _difference(None, state)[0].keys() == parts.keys()
    return Kept(state, kept.digests if is_cut_like_ours else {})


def is_whole(db: sqlite3.Connection, link: bytes) -> bool:
    """Whether the parts are those that were written, also when this version cannot read them."""
    if schema.version_of(db) < SINCE:
        return True
    seal = db.execute("SELECT belief FROM head").fetchone()[0]
    digests = {name: _digest(name, value) for name, value in db.execute(_PARTS)}
    return seal is None or Kept(digests=digests).seal(link) == seal


def _difference(before: State | None, after: State) -> tuple[dict[str, Any], frozenset[str]]:
    """The parts of `after` that `before` does not have, and the names of those that only `before` has."""
    new: dict[str, Any] = {}
    gone: set[str] = set()
    for field in State.__struct_fields__:
        was, value = getattr(before, field, None), getattr(after, field)
        if before is not None and was is value:
            continue
        if isinstance(value, dict):
            was = was or {}
            new |= {f"{field}/{name}": each for name, each in value.items() if was.get(name) is not each}
            gone |= {f"{field}/{name}" for name in was.keys() - value.keys()}
        elif field == LIST:
            was = was or ()
            same = len(was) // FORGOTTEN if value[: len(was)] == was else 0
            new |= {f"{field}/{n}": _block(value, n) for n in range(same, _blocks(value))}
            gone |= {f"{field}/{n}" for n in range(_blocks(value), _blocks(was))}
        else:
            new[field] = value
    return new, frozenset(gone)


def _blocks(trades: tuple[str, ...]) -> int:
    return max(-(-len(trades) // FORGOTTEN), 1)


def _block(trades: tuple[str, ...], number: int) -> tuple[str, ...]:
    return trades[number * FORGOTTEN : (number + 1) * FORGOTTEN]


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
