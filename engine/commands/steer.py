"""Commands about one position: adopt, release, pause, unpause, breakeven, reduce, stops, approve, deny."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeVar

from engine.api.asker import asker
from engine.api.door import Silent
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE, NO_ENGINE, complain, refused, wrong
from engine.config.written import number
from engine.protocol import (
    Adopt,
    Answer,
    AnyCommand,
    ApprovalView,
    Approve,
    Breakeven,
    Coming,
    Deny,
    Pause,
    PositionView,
    Reduce,
    Release,
    SetStopMode,
    Side,
    Snapshot,
    StopMode,
    Unpause,
    Verdict,
)


class Unclear(Exception):
    """What was typed names no one position. The text says what there is."""


def run(arguments: argparse.Namespace) -> int:
    engine = engine_of(arguments)
    snapshot = engine.snapshot()
    if not isinstance(snapshot, Snapshot):
        return unread(snapshot)
    try:
        command = understood(arguments, snapshot)
    except Unclear as unclear:
        return wrong(str(unclear))
    answer = engine.command(command, by=asker())
    if isinstance(answer, Silent):
        complain(f"{answer.text}: nobody knows whether it was carried out; `ratchet status` shows what holds")
        return NO_ENGINE
    if not isinstance(answer, Answer):
        return unread(answer)
    if answer.verdict is not Verdict.DONE:
        return refused(answer.text)
    print(answer.text)
    return DONE


def understood(arguments: argparse.Namespace, snapshot: Snapshot) -> AnyCommand:
    """What was typed, as a command about the one position that it names. Raises Unclear."""
    if arguments.command == "deny":
        return _denied(snapshot, arguments)
    if arguments.command == "approve":
        waits = _one(snapshot.approvals, arguments, WAITS)
        return Approve(waits.cycle, waits.rung, half=arguments.half)
    position = _one(snapshot.positions, arguments, "open")
    at = (position.symbol, position.side)
    match arguments.command:
        case "adopt":
            return Adopt(*at)
        case "release":
            return Release(*at)
        case "pause":
            return Pause(*at)
        case "unpause":
            return Unpause(*at)
        case "breakeven":
            return Breakeven(*at)
        case "stops":
            return SetStopMode(*at, StopMode(arguments.mode))
        case "reduce":
            return Reduce(*at, part(arguments.part))
        case other:
            raise Unclear(f"unknown command {other!r}")


View = TypeVar("View", PositionView, ApprovalView, Coming)
WAITS: Final = "waiting for a yes"


def _one(views: Sequence[View], arguments: argparse.Namespace, what: str) -> View:
    symbol, side = _named(arguments)
    there = [each for each in views if each.symbol == symbol]
    found = [each for each in there if side in (None, each.side)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Unclear(f"{symbol} is {what} long and short: add --side long or --side short")
    if there:
        raise Unclear(f"{symbol} is {there[0].side.value}, not {side.value if side else 'open'}")
    symbols = sorted({each.symbol for each in views})
    near = difflib.get_close_matches(symbol, symbols, n=1, cutoff=0.8)
    if near:
        raise Unclear(f"no match for {symbol}: did you mean {near[0]}?")
    raise Unclear(f"no match for {symbol}; {what}: {', '.join(symbols) or 'nothing'}")


def _denied(snapshot: Snapshot, arguments: argparse.Namespace) -> Deny:
    """What asks first, then what is on its way."""
    symbol, _ = _named(arguments)
    if not any(each.symbol == symbol for each in snapshot.approvals) and snapshot.coming:
        return Deny(_one(snapshot.coming, arguments, "on its way").id, 0)
    waits = _one(snapshot.approvals, arguments, WAITS)
    return Deny(waits.cycle, waits.rung)


def _named(arguments: argparse.Namespace) -> tuple[str, Side | None]:
    """`BTCUSDT --side short`, or `BTCUSDT:short` as keys are shown."""
    symbol, _, side = arguments.symbol.partition(":")
    chosen = arguments.side or side.lower()
    if chosen and chosen not in {"long", "short"}:
        raise Unclear(f"{chosen!r} is no side: write long or short")
    return symbol.upper(), Side(chosen) if chosen else None


def part(text: str) -> Decimal:
    """`50%` or `0.5` as a fraction. A bare `50` is refused: nobody knows what was meant. Raises Unclear."""
    try:
        value = number(text)
    except ValueError:
        value = None
    if isinstance(value, Decimal) and value.is_finite() and 0 < value <= 1:
        return value
    raise Unclear(f"reduce takes a part of the position such as 50% or 0.5, up to 100%, got {text!r}")
