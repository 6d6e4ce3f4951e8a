"""What the routes answer, made of the snapshot. Money is USDT and travels as decimal strings, times are
milliseconds UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from engine.protocol import (
    AccountView,
    CycleView,
    EntryView,
    FlipView,
    LimitView,
    Mode,
    PositionView,
    RegimeView,
    SignalsView,
    SignalView,
    Snapshot,
)


class Account(msgspec.Struct, frozen=True):
    """An account. `halted` says who stopped trading, empty when it runs; `reconciled` whether everything has
    been read from the exchange since the start; `worst_case_leaves_out` how many open positions are not under
    care: the worst case of `money` is without them.
    """

    id: str
    mode: Mode
    halted: str
    reconciled: bool
    read_only: str
    positions: int
    worst_case_leaves_out: int
    money: AccountView
    limits: tuple[LimitView, ...]


class AccountList(msgspec.Struct, frozen=True):
    """All accounts of this engine: one."""

    at: int
    accounts: tuple[Account, ...]


class OnItsWay(msgspec.Struct, frozen=True):
    """An entry or exit that is on its way, and in words how far it has come. The command `deny` takes back
    what is not filled, by its id with rung 0.
    """

    entry: EntryView
    text: str


class Turning(msgspec.Struct, frozen=True):
    """A flip that is on its way, and in words what for. `deny` with its id and rung 0: nothing is entered."""

    flip: FlipView
    text: str


class PositionList(msgspec.Struct, frozen=True):
    """The open positions of an account, managed or not, and what is on its way: entries and exits, and flips.
    `worst_case_leaves_out` counts the positions that are not managed: they have no worst case, and the
    account's is without them.
    """

    at: int
    account: str
    worst_case_leaves_out: int
    positions: tuple[PositionView, ...]
    entries: tuple[OnItsWay, ...]
    flips: tuple[Turning, ...]


class HistoryList(msgspec.Struct, frozen=True):
    """The cycles of an account that ended, as the journal has them, the newest first."""

    at: int
    account: str
    closed: tuple[CycleView, ...]


class SignalList(msgspec.Struct, frozen=True):
    """What came from outside, newest first, the regime of each symbol, and the sources that this engine
    listens to; without one a sentence says what to configure.
    """

    at: int
    rows: tuple[SignalView, ...]
    regimes: tuple[RegimeView, ...]
    sources: tuple[str, ...]
    text: str


class NotRead(msgspec.Struct, frozen=True):
    """A source that this engine does not read: no rows, and a sentence why."""

    at: int
    rows: tuple[str, ...]
    text: str


class Condition(StrEnum):
    """How the engine is, for who watches over it; silent: it does not answer."""

    OK = "ok"
    STARTING = "starting"
    DEGRADED = "degraded"
    SILENT = "silent"


class Health(msgspec.Struct, frozen=True):
    """Whether the engine works. It tells nothing of the account, and so needs no token."""

    status: Condition
    text: str
    version: str
    uptime_s: int


def accounts_of(snapshot: Snapshot) -> AccountList:
    engine = snapshot.engine
    account = Account(
        id=engine.account,
        mode=engine.mode,
        halted=engine.killed,
        reconciled=engine.reconciled,
        read_only=engine.read_only,
        positions=len(snapshot.positions),
        worst_case_leaves_out=snapshot.left_out,
        money=snapshot.account,
        limits=snapshot.limits,
    )
    return AccountList(engine.now, (account,))


def positions_of(snapshot: Snapshot) -> PositionList:
    engine = snapshot.engine
    coming = tuple(OnItsWay(each, each.told) for each in snapshot.entries)
    flips = tuple(Turning(each, each.told) for each in snapshot.flips)
    return PositionList(engine.now, engine.account, snapshot.left_out, snapshot.positions, coming, flips)


def history_of(snapshot: Snapshot, cycles: tuple[CycleView, ...]) -> HistoryList:
    ended = tuple(cycle for cycle in cycles if cycle.closed)
    return HistoryList(snapshot.engine.now, snapshot.engine.account, ended)


def cot_of(snapshot: Snapshot) -> NotRead:
    return NotRead(snapshot.engine.now, (), NO_COT)


def signals_of(snapshot: Snapshot, heard: SignalsView) -> SignalList:
    text = "" if heard.sources else NO_SIGNALS
    return SignalList(snapshot.engine.now, heard.signals, heard.regimes, heard.sources, text)


NO_COT: Final = (
    "No COT report is known: this engine reads no COT source. Reports appear here once one is configured."
)
NO_SIGNALS: Final = (
    "This engine listens to no source of signals. TradingView's alerts come in through [webhook]; `ratchet "
    "config example` explains it."
)


def health_of(snapshot: Snapshot) -> Health:
    engine = snapshot.engine
    down = [link.name for link in snapshot.links if not link.up]
    if engine.unrecorded:
        status, text = Condition.DEGRADED, "the journal cannot be written: nothing is decided or sent"
    elif down:
        status, text = Condition.DEGRADED, f"no connection: {', '.join(down)}"
    elif not engine.reconciled:
        status, text = Condition.STARTING, "the account is still being read"
    else:
        status, text = Condition.OK, "works"
    return Health(status, text, engine.version, max(0, engine.now - engine.started) // 1000)
