"""An entry as bytes, and the chain that makes an edit visible.

`link n = blake2b-160(link n−1 ‖ n as 8 bytes, big endian ‖ JSON of entry n)`; link 0 is made from the
account's name. The JSON is msgspec's with sorted keys of dicts, so that equal entries are equal bytes.
Whoever can edit the file can also make a whole new chain: keep a link elsewhere (the export, a backup) to
notice that.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from engine.core.state import State
from engine.journal.port import Entry

LINK_SIZE: Final = 20
"""Bytes of a link."""

_encoder = msgspec.json.Encoder(order="deterministic")
_entries = msgspec.json.Decoder(Entry)
_states = msgspec.json.Decoder(State)


def write_entry(entry: Entry) -> bytes:
    """The canonical JSON of an entry."""
    return _encoder.encode(entry)


def read_entry(line: bytes) -> Entry:
    """The entry in `line`. Raises msgspec.DecodeError (ValidationError) when this version cannot read it."""
    return _entries.decode(line)


def write_state(state: State) -> bytes:
    """The canonical JSON of a belief."""
    return _encoder.encode(state)


def read_state(line: bytes) -> State:
    """The belief in `line`. Raises msgspec.DecodeError (ValidationError) when this version cannot read it."""
    return _states.decode(line)


def genesis(account: str) -> bytes:
    """The link before the first entry of this account's journal."""
    return blake2b(b"ratchet journal of " + account.encode(), digest_size=LINK_SIZE).digest()


def link(before: bytes, seq: int, line: bytes) -> bytes:
    """The link of entry `seq`, whose JSON is `line`."""
    return blake2b(before + seq.to_bytes(8, "big") + line, digest_size=LINK_SIZE).digest()


def seal(chain: bytes, line: bytes) -> bytes:
    """Binds a snapshot's JSON to the link that it stands on."""
    return blake2b(chain + line, digest_size=LINK_SIZE, person=b"snapshot").digest()
