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

    def heard(self, body: AnyBody) -> None:
        """The venue told something by itself."""
        if isinstance(body, LinkChanged):
            line = self._lines.setdefault(body.link, Line())
            line.losses += line.up and not body.up
            line.up, line.reason = body.up, body.reason

    def known(self) -> tuple[LinkChanged, ...]:
        """How every websocket stands, as it was told."""
        return tuple(LinkChanged(name, line.up, line.reason) for name, line in self._lines.items())

    def views(self, venue: Venue) -> tuple[LinkView, ...]:
        """What a client sees of each connection now."""
        latency = _known(venue.latency_ms())
        rest = Line(up=latency is not None, reason=venue.unanswered())
        return (
            *(_view(name, line, venue, None) for name, line in self._lines.items()),
            _view("rest", rest, venue, latency),
        )


def _view(name: str, line: Line, venue: Venue, latency: float | None) -> LinkView:
    silence = _known(venue.silence_ms(name))
    age = None if silence is None else round(silence)
    return LinkView(name, line.up, age, latency, line.losses, line.reason)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
