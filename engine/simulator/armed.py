"""The faults that are armed now, and how often each still strikes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any, Final, TypeVar, get_args

import msgspec

from engine.simulator.faults import (
    AnyRequestFault,
    AnyStreamFault,
    ClockSkew,
    Disconnect,
    Fault,
    NetworkDown,
    NoTradePermission,
    PartialFill,
    RefuseSockets,
    ServerError,
    StaleSnapshot,
    StreamStall,
    UnifiedAccount,
)

_KINDS: Final[dict[str, type]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Fault)}
StreamFaultT = TypeVar("StreamFaultT", bound=AnyStreamFault)


class FaultError(ValueError):
    """A fault that is not known or not complete. The text says what is, and what to write instead."""


class Armed(msgspec.Struct):
    """A fault, how often it may still strike (None: until cleared), and until when (monotonic seconds)."""

    fault: Fault
    left: int | None = None
    ends_s: float | None = None
    struck: int = 0


class Faults:
    """Armed faults in the order in which they were added. `wall` is the clock of their milliseconds (s)."""

    def __init__(self, seed: int = 0, wall: Callable[[], float] = time.monotonic) -> None:
        self._armed: list[Armed] = []
        self._wall = wall
        self._chance = Random(f"{seed}:faults")  # noqa: S311 - reproducible misfortune
        self._on_cut: list[Callable[[str | None], None]] = []
        self._on_stale: list[Callable[[StaleSnapshot], None]] = []

    def __repr__(self) -> str:
        return f"Faults({', '.join(str(row['fault']) for row in self.describe()) or 'none'})"

    def add(self, fault: Fault | Mapping[str, Any] | Iterable[Fault | Mapping[str, Any]]) -> None:
        """Arm one fault or several: as structs, or as the JSON objects of POST /_sim/faults.

        Raises FaultError, and then arms none of them.
        """
        several = [fault] if isinstance(fault, Mapping | msgspec.Struct) else list(fault)
        for each in [_sound(_parsed(item)) for item in several]:
            self._arm(each)

    def clear(self) -> None:
        """Disarm everything; the clock and the network are right again."""
        self._armed.clear()

    def describe(self) -> list[dict[str, Any]]:
        """The armed faults with `left` and how often they `struck`, as GET /_sim/faults answers them."""
        self._bury()
        return [
            {**msgspec.to_builtins(armed.fault), "left": armed.left, "struck": armed.struck}
            for armed in self._armed
        ]

    def on_cut(self, follower: Callable[[str | None], None]) -> None:
        """Call `follower` with a side (None: both) when websockets must be cut."""
        self._on_cut.append(follower)

    def on_stale(self, follower: Callable[[StaleSnapshot], None]) -> None:
        """Call `follower` when a stale snapshot is armed: now is the moment to remember."""
        self._on_stale.append(follower)

    def strike_request(self, method: str, path: str, symbol: str) -> list[AnyRequestFault]:
        """The faults that hit this request; each is used up by one."""
        return [
            armed.fault
            for armed in list(self._armed)
            if isinstance(armed.fault, AnyRequestFault)
            and armed.fault.matches(method, path, symbol)
            and self._strikes(armed, armed.fault.probability)
        ]

    def strike_stream(self, kind: type[StreamFaultT], channel: str, symbol: str) -> StreamFaultT | None:
        """The fault of `kind` that hits a frame of `channel` about `symbol`; it is used up by one."""
        for armed in list(self._armed):
            fault = armed.fault
            if (
                isinstance(fault, kind)
                and fault.matches(channel, symbol)
                and self._lives(armed)
                and self._strikes(armed, fault.probability)
            ):
                return fault
        return None

    def stall(self) -> StreamStall | None:
        """The stall of all channels that lasts now, if there is one."""
        for armed in self._armed:
            if isinstance(armed.fault, StreamStall) and armed.fault.channel is None and self._lives(armed):
                return armed.fault
        return None

    def network_is_down(self) -> bool:
        return self._holds(NetworkDown)

    def refuses_socket(self) -> bool:
        """Whether a new websocket is refused; counts when a number of refusals was asked for."""
        return any(
            isinstance(armed.fault, RefuseSockets) and self._lives(armed) and self._strikes(armed, 1.0)
            for armed in list(self._armed)
        )

    def is_unified(self) -> bool:
        return self._holds(UnifiedAccount)

    def forbids_trading(self) -> bool:
        return self._holds(NoTradePermission)

    @property
    def skew_ms(self) -> int:
        """How far the server's clock is ahead of the wall clock."""
        return sum(armed.fault.ms for armed in self._armed if isinstance(armed.fault, ClockSkew))

    def _arm(self, fault: Fault) -> None:
        if isinstance(fault, Disconnect):
            self._cut(fault.side)
            return
        ms = getattr(fault, "ms", None) if not isinstance(fault, ClockSkew) else None
        ends = None if ms is None else self._wall() + ms / 1000
        self._armed.append(Armed(fault, getattr(fault, "count", None), ends))
        if isinstance(fault, NetworkDown):
            self._cut(None)
        if isinstance(fault, StaleSnapshot):
            for follower in self._on_stale:
                follower(fault)

    def _cut(self, side: str | None) -> None:
        for follower in self._on_cut:
            follower(side)

    def _holds(self, kind: type) -> bool:
        return bool(self._armed) and any(
            isinstance(armed.fault, kind) and self._lives(armed) for armed in self._armed
        )

    def _lives(self, armed: Armed) -> bool:
        return armed.ends_s is None or self._wall() < armed.ends_s

    def _strikes(self, armed: Armed, probability: float) -> bool:
        if probability < 1 and self._chance.random() >= probability:
            return False
        armed.struck += 1
        if armed.left is not None:
            armed.left -= 1
            if armed.left <= 0:
                self._armed.remove(armed)
        return True

    def _bury(self) -> None:
        self._armed = [armed for armed in self._armed if self._lives(armed)]


def _parsed(item: Fault | Mapping[str, Any]) -> Fault:
    if isinstance(item, msgspec.Struct):
        return item
    if not isinstance(item, Mapping) or not isinstance(item.get("fault"), str):
        raise FaultError(
            f'a fault is an object such as {{"fault": "lost"}}; known: {", ".join(sorted(_KINDS))}'
        )
    kind = _KINDS.get(item["fault"])
    if kind is None:
        raise FaultError(f"fault {item['fault']!r} is not known; known: {', '.join(sorted(_KINDS))}")
    try:
        fault: Fault = msgspec.convert(item, type=kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise FaultError(f"fault {item['fault']!r}: {error}; its fields: {fields or 'none'}") from error
    return fault


def _sound(fault: Fault) -> Fault:
    name = fault.__struct_config__.tag
    if isinstance(fault, ServerError) and not 500 <= fault.status <= 599:
        raise FaultError(f"fault {name!r}: status {fault.status} is not a server error; use 500 to 599")
    if isinstance(fault, PartialFill) and not _is_size(fault.cap):
        raise FaultError(f"fault {name!r}: cap {fault.cap!r} is not a size; write one such as '0.005'")
    if (getattr(fault, "count", None) or 1) < 1 or getattr(fault, "count", None) == 0:
        raise FaultError(f"fault {name!r}: count must be 1 or more, or null for always")
    if not 0 <= getattr(fault, "probability", 1.0) <= 1:
        raise FaultError(f"fault {name!r}: probability must lie between 0 and 1")
    ms = getattr(fault, "ms", getattr(fault, "delay_ms", None))
    if ms is not None and ms < 0 and not isinstance(fault, ClockSkew):
        raise FaultError(f"fault {name!r}: milliseconds must not be negative")
    return fault


def _is_size(text: str) -> bool:
    try:
        size = Decimal(text)
    except InvalidOperation:
        return False
    return size.is_finite() and size > 0
