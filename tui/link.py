"""The link between this desk and its engine, as one frozen value."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from engine.protocol import Hello


class LinkState(StrEnum):
    """How the desk stands with the engine."""

    SEEKING = "seeking"
    UP = "up"
    GONE = "gone"
    FOREIGN = "foreign"


class Link(msgspec.Struct, frozen=True):
    """`since` is the wall clock (milliseconds UTC) of the last change of state; `retries` counts attempts
    since then.

    `hello` is the engine that answered last, also while it is gone; `reason` says in words why the link is
    not up.
    """

    state: LinkState = LinkState.SEEKING
    since: int = 0
    retries: int = 0
    reason: str = ""
    latency_ms: float | None = None
    hello: Hello | None = None

    @property
    def is_up(self) -> bool:
        return self.state is LinkState.UP
