"""What the parts of the desk tell each other."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from engine.protocol import AnyCommand, ApprovalView


@dataclass
class PositionChosen(Message):
    """The cursor stands on another position; `key` is None when there is none."""

    key: str | None


@dataclass
class ApprovalAnswered(Message):
    """The trader said yes (to all of it, or to half) or no to what waits."""

    approval: ApprovalView
    yes: bool
    half: bool = False


@dataclass
class FilterChanged(Message):
    """The trader types what should be shown; `closed` when the line is left, `line` is the line's own id."""

    words: str
    closed: bool = False
    line: str = "filter"


@dataclass
class CommandWanted(Message):
    """A command to send to the engine, and its name in the trader's words."""

    command: AnyCommand
    words: str


@dataclass
class KeyClicked(Message):
    """A click on a key of the bottom line, as it is written there."""

    key: str
