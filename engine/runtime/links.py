"""The engine's connections as a client sees them: up or down, how old the newest word is, how often it had to
retry.
"""

from __future__ import annotations

import math

import msgspec

from engine.core.events import AnyBody, InstrumentsRead, LinkChanged
from engine.protocol import LinkView
from engine.runtime.prices import Prices


class Line(msgspec.Struct):
    """One websocket: since when it was last heard, and its losses."""

    up: bool = False
    heard: int = 0
    losses: int = 0
    reason: str = ""


class Links:
    """The public and the private stream."""

    def __init__(self) -> None:
        self._lines = {"public": Line(), "private": Line()}
        self._answered = 0

    def heard(self, body: AnyBody, at: int) -> None:
        """The venue told something by itself."""
        if isinstance(body, LinkChanged):
            line = self._lines.setdefault(body.link, Line())
            line.losses += line.up and not body.up
            line.up, line.reason, line.heard = body.up, body.reason, at
        elif not isinstance(body, InstrumentsRead):
            self._lines["private"].heard = at

    def answered(self, at: int) -> None:
        """An action over REST came back."""
        self._answered = at

    def views(self, prices: Prices, at: int, latency_ms: float) -> tuple[LinkView, ...]:
        arrived = max((tick.arrived for tick in prices.newest()), default=0)
        public, private = self._lines["public"], self._lines["private"]
        public.heard = max(public.heard, arrived)
        rest = None if math.isnan(latency_ms) else latency_ms
        return (
            _view("public", public, at, None),
            _view("private", private, at, None),
            LinkView("rest", rest is not None, at - self._answered if self._answered else None, rest, 0),
        )


def _view(name: str, line: Line, at: int, latency: float | None) -> LinkView:
    age = at - line.heard if line.heard else None
    return LinkView(name, line.up, age, latency, line.losses, line.reason)
