"""The engine's connections as a client sees them: up or down, how old the newest word is, how often it had to
retry.
"""

from __future__ import annotations

import math

import msgspec

from engine.core.events import AnyBody, LinkChanged
from engine.protocol import LinkView
from engine.venue.port import Venue


class Line(msgspec.Struct):
    """One websocket: whether it is up, how often it was lost, and why."""

    up: bool = False
    losses: int = 0
    reason: str = ""


class Links:
    """The public and the private stream."""

    def __init__(self) -> None:
        self._lines = {"public": Line(), "private": Line()}
        self._answered = 0

    def heard(self, body: AnyBody) -> None:
        """The venue told something by itself."""
        if isinstance(body, LinkChanged):
            line = self._lines.setdefault(body.link, Line())
            line.losses += line.up and not body.up
            line.up, line.reason = body.up, body.reason

    def known(self) -> tuple[LinkChanged, ...]:
        """How every websocket stands, as it was told."""
        return tuple(LinkChanged(name, line.up, line.reason) for name, line in self._lines.items())

    def answered(self, at: int) -> None:
        """An action over REST came back."""
        self._answered = at

    def views(self, venue: Venue, at: int) -> tuple[LinkView, ...]:
        """What a client sees of each connection now."""
        latency = venue.latency_ms()
        rest = None if math.isnan(latency) else latency
        answered = at - self._answered if self._answered else None
        return (
            *(_view(name, line, venue.silence_ms(name)) for name, line in self._lines.items()),
            LinkView("rest", rest is not None, answered, rest, 0),
        )


def _view(name: str, line: Line, silence: float) -> LinkView:
    age = None if math.isnan(silence) else round(silence)
    return LinkView(name, line.up, age, None, line.losses, line.reason)
