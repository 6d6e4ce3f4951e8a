"""Everything that can go wrong between the engine and the exchange, by name."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SECOND: Final = "rt-2ndngine-s1"
"""The client id of a stop that another Ratchet placed."""


class OnRequest(StrEnum):
    """What can happen to one request."""

    LOST = "lost"
    RESPONSE_LOST = "response lost"
    DOUBLED = "doubled"
    LATE = "late beyond the timeout"
    LATER = "late beyond a restart"
    EXPIRED = "late beyond its time stamp"
    REJECTED = "business reject"
    TOO_MANY = "429"
    EXECUTED_5XX = "5xx with effect"
    PLAIN_5XX = "5xx without effect"
    PARTIAL = "partial fill"
    MALFORMED = "malformed answer"
    HIDDEN = "an empty list of positions"


class OnFrame(StrEnum):
    """What can happen to one frame of the private stream, or of the prices."""

    GAP = "gap"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    MISSING_CLOSE = "missing closed push"
    SWAPPED = "fill and order update swapped"
    SLOW = "slow"
    MALFORMED = "malformed frame"


class OnLink(StrEnum):
    """What can happen to a whole stream for a while."""

    STALL = "silent stall"
    DISCONNECT = "forced disconnect"
    STALE = "stale snapshot after a reconnect"


class OnDisk(StrEnum):
    """What can happen to the disk under the journal for a while."""

    FULL = "disk full"
    FLAKY = "disk that refuses now and then"
    UNSURE = "EIO after the bytes were written"


LAG = "prices that lag"
"""Every frame of the public stream comes later by as much, for a while."""

REJECTS = {
    "v2/mix/order/place-order": ("40762", "40757", "22002", "45110", "40774"),
    "v2/mix/order/place-tpsl-order": ("43023", "40837", "43011", "45122", "40917"),
    "v2/mix/order/modify-tpsl-order": ("43020", "43011", "43021", "45122", "40917"),
    "v2/mix/order/cancel-plan-order": ("43025", "43020"),
}
"""Codes with which Bitget refuses each kind of request although it was well made."""
