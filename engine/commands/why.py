"""`ratchet why`: the causal story of a position or an order."""

from __future__ import annotations

import argparse

import msgspec

from engine.api.client import Misread
from engine.api.door import NoEngine, Silent
from engine.commands.figures import moment
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE, wrong
from engine.protocol import Level, StoryLine


def run(arguments: argparse.Namespace) -> int:
    lines = engine_of(arguments).why(arguments.name)
    if isinstance(lines, NoEngine | Silent | Misread):
        return unread(lines)
    if not lines:
        return wrong(
            f"the journal knows no symbol, cycle or order {arguments.name!r}; `ratchet positions` names them"
        )
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(lines), indent=2).decode())
    else:
        print("\n".join(_line(each) for each in lines))
    return DONE


def _line(line: StoryLine) -> str:
    loud = f"{line.level.value.upper()} " if line.level in {Level.WARNING, Level.URGENT} else ""
    return f"{line.seq:>7}  {moment(line.at)}  {line.what:<9} {loud}{line.text}"
