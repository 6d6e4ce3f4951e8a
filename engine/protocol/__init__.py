"""The messages between the engine and its clients (desk, command line, phone): JSON over the control socket.

Everything a client needs is here; it is the only module of `engine` that `tui` imports. Decimals travel as
strings, times are milliseconds UTC, fractions are decimal fractions (0.2 = 20 %), sizes base coin, money
USDT. `None` means
unknown, never zero.

    GET  /v1/hello      → Hello            version handshake
    GET  /v1/snapshot   → Snapshot
    GET  /v1/stream     → WebSocket: one Snapshot per text frame, conflated, at most 10 a second
    POST /v1/commands   ← Request → Answer
    GET  /v1/orders     → list of OrderView
    GET  /v1/why/NAME   → list of StoryLine    NAME is a symbol, a cycle or an order id
    GET  /v1/preview/SYMBOL/SIDE?part=0.5 → PreviewView    what each stop mode and reduce would do
    POST /v1/ticket     ← Enter → TicketView    what an entry would do; nothing is sent
    GET  /v1/history    → list of CycleView     newest first, from the journal
    GET  /v1/history/CYCLE → CycleStory         its legs, rungs and trades
    GET  /v1/equity     → list of EquityPoint   oldest first, at most a thousand
    GET  /v1/signals    → SignalsView           what came from outside, newest first, and the regimes
    GET  /v1/chart/SYMBOL → ChartView           the marks since the engine started, by the minute
    GET  /v1/settings   → SettingsView          every option and where its value comes from
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from engine.core.actions import Level
from engine.core.cycle import Status
from engine.core.events import (
    Adopt,
    AnyCommand,
    Approve,
    Breakeven,
    Command,
    Deny,
    Enter,
    Exit,
    Flatten,
    Flip,
    Halt,
    Pause,
    Reduce,
    Release,
    Resume,
    SetStopMode,
    Unpause,
)
from engine.core.instrument import Side
from engine.core.settings import StopMode
from engine.core.words import MODE_WORDS
from engine.protocol.asked import (
    Candle,
    ChartView,
    CycleStory,
    CycleView,
    EquityPoint,
    ModeView,
    OptionView,
    PastLeg,
    PreviewView,
    ReduceView,
    RegimeView,
    RungView,
    SettingsView,
    SignalsView,
    SignalView,
    TicketView,
    TradeView,
)
from engine.protocol.coming import Coming, EntryView, FlipView, on_its_way
from engine.protocol.now import (
    AccountView,
    ApprovalView,
    Asks,
    ClosedView,
    EngineView,
    HalfView,
    Hello,
    LegView,
    LimitView,
    LinkView,
    LogLine,
    Mode,
    NextRungView,
    OrderView,
    PositionView,
    Snapshot,
    StopView,
    StoryLine,
    UnknownView,
)
from engine.protocol.silent import NotAnswering
from engine.protocol.written import exactly

PROTOCOL: Final = 1
"""Raised when an older client could misread a message."""

__all__ = [
    "MODE_WORDS",
    "PROTOCOL",
    "AccountView",
    "Adopt",
    "Answer",
    "AnyCommand",
    "ApprovalView",
    "Approve",
    "Asks",
    "Breakeven",
    "Candle",
    "ChartView",
    "ClosedView",
    "Coming",
    "Command",
    "CycleStory",
    "CycleView",
    "Deny",
    "EngineView",
    "Enter",
    "EntryView",
    "EquityPoint",
    "Exit",
    "Flatten",
    "Flip",
    "FlipView",
    "HalfView",
    "Halt",
    "Hello",
    "LegView",
    "Level",
    "LimitView",
    "LinkView",
    "LogLine",
    "Mode",
    "ModeView",
    "NextRungView",
    "NotAnswering",
    "OptionView",
    "OrderView",
    "PastLeg",
    "Pause",
    "PositionView",
    "PreviewView",
    "Reduce",
    "ReduceView",
    "RegimeView",
    "Release",
    "Request",
    "Resume",
    "RungView",
    "SetStopMode",
    "SettingsView",
    "Side",
    "SignalView",
    "SignalsView",
    "Snapshot",
    "Status",
    "StopMode",
    "StopView",
    "StoryLine",
    "TicketView",
    "TradeView",
    "UnknownView",
    "Unpause",
    "Verdict",
    "exactly",
    "on_its_way",
]


class Request(msgspec.Struct, frozen=True):
    """A command with an id of the client's choice: the same id again is answered again and done once."""

    id: str
    by: str
    command: AnyCommand
    protocol: int = PROTOCOL


class Verdict(StrEnum):
    """What the engine says to a command."""

    DONE = "done"
    REFUSED = "refused"


class Answer(msgspec.Struct, frozen=True):
    """The engine's answer: done (decided and durable; its orders are on their way), or refused with the
    reason and what to do.
    """

    id: str
    verdict: Verdict
    text: str
