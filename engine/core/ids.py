"""Names that go to the exchange: pure functions of account, cycle, rung, step and attempt, so that a restart
makes the same ones.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2s
from typing import Final

from engine.core.instrument import Side

PREFIX: Final = "rt-"
"""Everything in Ratchet's id space begins with this; an order in it that we do not know was sent by another
engine.
"""


ENTRY_PREFIX: Final = "rte-"
"""Entries and exits that the trader asked for: orders of his hand, which the ladder adopts."""


def is_entry(client_id: str) -> bool:
    """Whether a client id names an entry or exit that was asked for here."""
    return client_id.startswith(ENTRY_PREFIX)


def is_of_entry(entry: str, client_id: str) -> bool:
    """Whether a client id names one of this entry's orders."""
    return client_id.startswith(f"{ENTRY_PREFIX}{entry}-")


def cycle_id(account: str, symbol: str, side: Side, opened: int, seen: int) -> str:
    """Eight letters for a cycle: `opened` is the exchange's time of the position, `seen` the moment of
    adoption.
    """
    text = f"{account}|{symbol}|{side.value}|{opened}|{seen}"
    return b32encode(blake2s(text.encode(), digest_size=5).digest()).decode().lower()


def bank_id(cycle: str, rung: int, attempt: int = 1) -> str:
    return f"{PREFIX}{cycle}-r{rung}-bank-{attempt}"


def add_id(cycle: str, rung: int, attempt: int = 1) -> str:
    return f"{PREFIX}{cycle}-r{rung}-add-{attempt}"


def stop_id(cycle: str, made: int) -> str:
    """The `made`-th stop of a cycle."""
    return f"{PREFIX}{cycle}-s{made}"


def close_id(cycle: str, made: int) -> str:
    """The `made`-th closing order of a cycle outside its rungs."""
    return f"{PREFIX}{cycle}-x{made}"


def close_in(client_id: str) -> int:
    """Which closing order of its cycle a client id of ours names; 0 for any other id."""
    made = client_id.rpartition("-x")[2] if is_ours(client_id) and "-x" in client_id else ""
    return int(made) if made.isdigit() else 0


def is_ours(client_id: str) -> bool:
    return client_id.startswith(PREFIX)


def cycle_in(client_id: str) -> str:
    """The cycle that a client id of ours names; empty for any other id."""
    return client_id[len(PREFIX) :].split("-", 1)[0] if is_ours(client_id) else ""


def is_add(client_id: str) -> bool:
    """Whether a client id of ours names the opening order of a rung."""
    return is_ours(client_id) and "-add-" in client_id
