"""The bottom line: the keys that work now, or what became of the last command, or what is armed."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from engine.protocol import PositionView
from tui.view_model.ink import (
    Ink,
    Line,
    Span,
    cell,
    cells,
    fitting,
    joined,
    line,
    printable,
    spread,
    width_of,
)
from tui.view_model.numbers import fixed
from tui.view_model.scene import Scene

SHOWN_S: Final = 8.0
"""How long an answer stays."""

Hint = tuple[str, str]
"""A key as the trader presses it, and what it does."""


class Reply(StrEnum):
    """What is known of a command: sent is not done."""

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNHEARD = "no answer"


class Dispatch(msgspec.Struct, frozen=True):
    """A command of this desk and what became of it; `at` is the desk's steady clock in seconds."""

    words: str
    reply: Reply
    text: str = ""
    at: float = 0.0


Tab = tuple[int, str, bool]
"""A screen: its number, its name, and whether it is in front."""

TABBED: Final = 110
"""From this width on the screens stand by name in the bottom line."""


class Hints(msgspec.Struct, frozen=True):
    """The keys to tell, most important first; `always` are told however little room there is. With `deaf`
    the numbers of the screens do nothing: a dialog or an input has the keys.
    """

    now: tuple[Hint, ...] = ()
    always: tuple[Hint, ...] = ()
    deaf: bool = False


def footer(
    scene: Scene, dispatch: Dispatch | None, hints: Hints, width: int, tabs: tuple[Tab, ...] = ()
) -> Line:
    """One line of `width` cells: keys left, screens right."""
    if dispatch is not None:
        return dispatch_line(dispatch, width)
    if scene.is_gone and not scene.is_foreign:
        return gone_line(scene, width)
    return _keys(hints, width, tabs)


@lru_cache(16)
def _keys(hints: Hints, width: int, tabs: tuple[Tab, ...]) -> Line:
    right = _front(tabs) if hints.deaf else _tabs(tabs, named=width >= TABBED)
    room = width - width_of(right) - 3
    always = fitting(map(_key, hints.always), room)
    now = fitting(map(_key, hints.now), room - width_of(always) - 2)
    left = (Span(" "), *joined(piece for piece in (now, always) if piece))
    return spread(left, (*right, Span(" ")), width) if right else left


def _key(hint: Hint) -> Line:
    key, words = hint
    return line(Span(f"{key} ", Ink.KEY), Span(words, Ink.LABEL))


def hint_at(words: Line, x: int) -> str:
    """The key in cell `x` of a bottom line, or the one whose words stand there; empty where there is none."""
    key, end = "", 0
    for span in words:
        end += cells(span.text)
        if span.ink is Ink.KEY:
            key = span.text.strip()
        if x < end:
            return key if span.ink in {Ink.KEY, Ink.LABEL, Ink.BRIGHT} else ""
    return ""


def _tabs(tabs: tuple[Tab, ...], *, named: bool) -> Line:
    """The screens; where there is little room only the one in front has its name."""
    if not named:
        return line(Span(f"1–{len(tabs)} ", Ink.KEY), *_front(tabs)) if tabs else ()
    return joined(
        line(Span(f"{number} ", Ink.KEY), Span(name, Ink.BRIGHT if in_front else Ink.LABEL))
        for number, name, in_front in tabs
    )


def _front(tabs: tuple[Tab, ...]) -> Line:
    """The screen in front by its name alone."""
    return line(*(Span(name, Ink.BRIGHT) for _, name, in_front in tabs if in_front))


def dispatch_line(dispatch: Dispatch, width: int) -> Line:
    """`halt · sent`, then the engine's answer in its own words: where they do not fit beside what was asked,
    they have the line.
    """
    sign, ink = {
        Reply.SENT: ("…", Ink.WARN),
        Reply.DONE: ("✓", Ink.GAIN),
        Reply.REFUSED: ("✖", Ink.LOSS),
        Reply.UNHEARD: ("‼", Ink.LOSS),
    }[dispatch.reply]
    asked, answer = printable(dispatch.words), printable(dispatch.text)
    words = " · ".join(each for each in (asked, dispatch.reply.value, answer) if each)
    if answer and cells(words) + 3 > width:
        words = answer if dispatch.reply is Reply.DONE else f"{dispatch.reply.value} · {answer}"
    return line(cell(f" {sign} {words}", width, ink))


def gone_line(scene: Scene, width: int) -> Line:
    """What stands in the place of the keys while nobody hears them."""
    reason = printable(scene.link.reason) or "looking for the engine"
    keys = f"{scene.keys['quit']} quits, {scene.keys['help']} helps"
    return line(cell(f" Keys reach nobody: {reason} · {keys}", width, Ink.NOTICE))


def leaving_line(scene: Scene, width: int, *, ends_engine: bool) -> Line:
    """What the second press will do."""
    if ends_engine:
        after = "its engine and all of the demo end with it"
    else:
        after = "it has no engine now" if scene.is_gone else "the engine goes on"
    return line(
        cell(f" {scene.keys['quit.twice']} again within 3 s leaves the desk; {after}", width, Ink.NOTICE)
    )


def arming_line(positions: tuple[PositionView, ...] | None, width: int, *, key: str) -> Line:
    """Flatten, armed: what the second press will close; None while nobody knows what is open."""
    managed = [p for p in positions or () if p.managed]
    count = f"{len(managed)} position{'s' if len(managed) != 1 else ''}"
    listed = ", ".join(f"{printable(p.symbol)} {p.side} {fixed(p.size, p.qty_decimals)}" for p in managed)
    if positions is None:
        closes = "closes every managed position at market and halts"
    elif managed:
        closes = f"closes {count} at market and halts: {listed}"
    else:
        closes = "halts; no managed position is open"
    return line(cell(f" FLATTEN ARMED · {key} again within 3 s {closes}", width, Ink.ALARM))
