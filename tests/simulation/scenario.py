"""One story of a proof: settings, a market, hands, misfortunes, crashes. From a seed, or written down."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from engine.core.events import AnyCommand
from engine.core.instrument import Side
from engine.core.settings import Settings

from .misfortune import OnDisk, OnLink
from .network import Lag, Outage, Storm, Strike


class Quoted(msgspec.Struct, frozen=True):
    """A price at a time; `last` is None when it is the mark."""

    at: float
    symbol: str
    mark: Decimal
    last: Decimal | None = None


class Deed(msgspec.Struct, frozen=True):
    """Something that happens at a time: `what` is a word of `deeds.py`, the rest belongs to it."""

    at: float
    what: str
    symbol: str = ""
    side: Side = Side.LONG
    amount: Decimal = Decimal(0)


class Asked(msgspec.Struct, frozen=True):
    """A command of the trader, at a time."""

    at: float
    command: AnyCommand


class Trouble(msgspec.Struct, frozen=True):
    """A stream in trouble for a while."""

    at: float
    link: str
    what: OnLink
    seconds: float


class DiskTrouble(msgspec.Struct, frozen=True):
    """The journal cannot be written for a while."""

    at: float
    what: OnDisk
    seconds: float


class Ending(msgspec.Struct, frozen=True):
    """How a life of the engine ends: at a time, or just before its `step`-th step; it is `down` for seconds.

    `torn`: what was being written is lost. `clean`: it was asked to stop and had the time to. `beat`: the
    machine is up again at the next full multiple of so many seconds, with a disk whose pace is drawn anew, so
    that nothing of the moment of the crash is left but what it left; 0 for a machine that does not wait.
    """

    at: float | None = None
    step: int | None = None
    down: float = 2.0
    torn: bool = True
    clean: bool = False
    beat: float = 0.0

    def up_at(self, now: float) -> float:
        """When the machine is up again that goes down now."""
        up = now + self.down
        return math.ceil(up / self.beat) * self.beat if self.beat else up


class Scenario(msgspec.Struct, frozen=True):
    """Everything about one run. `calm_at` is when the misfortunes end; `ends` leaves time to come to rest.
    A crash that counts steps may come until `spared_at`; 0 says until it is calm.
    """

    name: str
    settings: Settings
    seed: int
    start_ms: int
    balance: Decimal
    prices: dict[str, Decimal]
    quotes: tuple[Quoted, ...]
    calm_at: float
    ends: float
    hedged: bool = False
    starts: float = 0.0
    storm: Storm = Storm()
    strikes: tuple[Strike, ...] = ()
    outages: tuple[Outage, ...] = ()
    lags: tuple[Lag, ...] = ()
    deeds: tuple[Deed, ...] = ()
    asked: tuple[Asked, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    disk_troubles: tuple[DiskTrouble, ...] = ()
    endings: tuple[Ending, ...] = ()
    patience_s: float = 90.0
    leverages: dict[str, Decimal] = {}
    spared_at: float = 0.0
