"""The engine, asked in the protocol's own types, over the light door."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from engine.api.door import NoEngine, Silent, ask
from engine.protocol import (
    PROTOCOL,
    Answer,
    AnyCommand,
    Hello,
    OrderView,
    Request,
    Snapshot,
    StoryLine,
)

T = TypeVar("T")


class Misread(NamedTuple):
    """The engine answered, but not with what was asked for: another version, or a refusal of the socket
    itself.
    """

    text: str


Failure = NoEngine | Silent | Misread


class Engine:
    """An engine behind its socket. Every call is one request with a timeout; failures are values."""

    def __init__(self, socket: Path, *, timeout_s: float = 5.0) -> None:
        self.socket = socket
        self.timeout_s = timeout_s

    def hello(self) -> Hello | Failure:
        return self._get("/v1/hello", Hello)

    def snapshot(self) -> Snapshot | Failure:
        return self._get("/v1/snapshot", Snapshot)

    def orders(self) -> tuple[OrderView, ...] | Failure:
        return self._get("/v1/orders", tuple[OrderView, ...])

    def why(self, name: str) -> tuple[StoryLine, ...] | Failure:
        return self._get(f"/v1/why/{quote(name, safe='')}", tuple[StoryLine, ...])

    def command(self, command: AnyCommand, *, by: str, id: str = "") -> Answer | Failure:
        """Ask for `command`. After Silent, the same `id` may be asked again: it is done once."""
        request = Request(id=id or os.urandom(16).hex(), by=by, command=command)
        reply = ask(
            self.socket, "POST", "/v1/commands", msgspec.json.encode(request), timeout_s=self.timeout_s
        )
        if isinstance(reply, NoEngine | Silent):
            return reply
        return _decoded(reply.body, Answer)

    def _get(self, target: str, shape: type[T]) -> T | Failure:
        protocol = None if shape is Hello else PROTOCOL
        reply = ask(self.socket, "GET", target, timeout_s=self.timeout_s, protocol=protocol)
        if isinstance(reply, NoEngine | Silent):
            return reply
        if reply.status != 200:
            refused = _decoded(reply.body, Answer)
            return refused if isinstance(refused, Misread) else Misread(refused.text)
        return _decoded(reply.body, shape)


def _decoded(body: bytes, shape: type[T]) -> T | Misread:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        return Misread(
            f"the engine's answer cannot be read ({error}): is it another version than this `ratchet`?"
        )
