"""`ratchet doctor`: is everything right before the engine trades? Exit code 4 when something is not."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.commands.speech import DONE, REFUSED
from engine.config import find_paths, load
from engine.config.refused import ConfigRefused

if TYPE_CHECKING:
    from engine.config.loaded import Loaded
    from engine.runtime.finding import Finding


def run(arguments: argparse.Namespace) -> int:
    from engine.runtime.doctor import examine
    from engine.runtime.finding import Grade

    paths = find_paths(arguments.home)
    loaded: Loaded | ConfigRefused
    try:
        loaded = load(paths, bitget_url=arguments.bitget_url, demo=arguments.demo or None)
    except ConfigRefused as refused:
        loaded = refused
    found = asyncio.run(examine(paths, loaded))
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print(as_lines(found))
    return REFUSED if any(each.grade is Grade.FAIL for each in found) else DONE


def as_lines(found: Sequence[Finding]) -> str:
    """A line a finding, what to do under it, and the sum."""
    wide = max(len(each.name) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.grade.value:<5} {each.name:<{wide}}  {each.text}")
        if each.todo:
            lines.append(f"{'':<5} {'':<{wide}}  → {each.todo}")
    count = {grade: sum(each.grade == grade for each in found) for grade in ("ok", "warn", "fail")}
    end = "the engine should not trade like this" if count["fail"] else "the engine may start"
    return "\n".join((*lines, f"{count['ok']} ok, {count['warn']} to judge, {count['fail']} wrong: {end}"))
