"""The settings as lines: every option, its value and where that comes from; the limits; the connections."""

from __future__ import annotations

from typing import Final

from engine.protocol import LimitView, LinkView, OptionView, SettingsView
from tui.view_model.ink import Ink, Line, Span, cell, faded, joined, line, printable, width_of
from tui.view_model.numbers import UNKNOWN, age, latency
from tui.view_model.scene import Freshness, Scene

NAME: Final = 30
VALUE: Final = 24
SOURCE: Final = 36
"""Cells for where a value comes from; what is left over is the value's."""


def wanted(options: tuple[OptionView, ...], words: str) -> tuple[OptionView, ...]:
    """The options with every word in their name, value or source."""
    asked = words.lower().split()
    return tuple(o for o in options if all(w in f"{o.name} {o.value} {o.source}".lower() for w in asked))


def at_this_desk(
    options: tuple[OptionView, ...], looks: tuple[tuple[str, str, str], ...]
) -> tuple[OptionView, ...]:
    """The options with the looks as they are on this desk: the engine knows only what its configuration said
    when it started. `looks` are names, values, and whose word each is.
    """
    here = {f"desk.{what}": (name, where) for what, name, where in looks}
    return tuple(
        OptionView(option.name, f'"{here[option.name][0]}"', here[option.name][1])
        if option.name in here
        else option
        for option in options
    )


def option_line(option: OptionView, width: int) -> Line:
    """`ladder.roe  1  file, line 12`: what the trader chose stands out against the defaults."""
    chosen = option.source != "default"
    name, value = _columns(width)
    return line(
        cell(option.name, name, Ink.TEXT if chosen else Ink.LABEL),
        cell(printable(option.value) or '""', value, Ink.BRIGHT if chosen else Ink.TEXT),
        Span(f" {_source(option)}", Ink.ACCENT if chosen else Ink.LABEL),
    )


def _source(option: OptionView) -> str:
    """A variable's name says by itself that it is one."""
    if option.source == "environment" and option.where:
        return printable(option.where)
    place = option.where if option.source != "default" else ""
    return f"{option.source}{f', {printable(place)}' if place else ''}"


def _columns(width: int) -> tuple[int, int]:
    """Cells of the names and of the values."""
    if width >= 90:
        return NAME, max(VALUE, width - NAME - SOURCE)
    return (26, 22) if width >= 76 else (26, 16)


def option_head(width: int) -> Line:
    name, value = _columns(width)
    return line(
        Span("  "),
        cell("OPTION", name, Ink.LABEL),
        cell("VALUE", value, Ink.LABEL),
        Span(" COMES FROM", Ink.LABEL),
    )


def limit_lines(scene: Scene, width: int) -> tuple[Line, ...]:
    """Each limit: how much of it is used, and how far away it is; on a second line where there is no room.
    What was told too long ago is not known any more.
    """
    limits = scene.snapshot.limits if scene.snapshot else ()
    if not limits:
        return (line(Span(" Not known yet.", Ink.LABEL)),)
    if scene.freshness is Freshness.LOST:
        return tuple(_lost(limit) for limit in limits)
    lines = tuple(words for limit in limits for words in _limit(limit, width))
    return tuple(faded(words) for words in lines) if scene.is_gone else lines


def _lost(limit: LimitView) -> Line:
    return line(
        Span(" ? ", Ink.WARN),
        cell(printable(limit.name), 13, Ink.LABEL),
        Span(f"{UNKNOWN}, limit ", Ink.LABEL),
        Span(printable(limit.limit)),
    )


def _limit(limit: LimitView, width: int) -> tuple[Line, ...]:
    used = line(
        Span(" ✖ " if limit.hit else " ✓ ", Ink.LOSS if limit.hit else Ink.GAIN),
        cell(printable(limit.name), 13, Ink.LABEL),
        Span(printable(limit.now), Ink.BRIGHT),
        Span(", limit ", Ink.LABEL),
        Span(printable(limit.limit)),
    )
    left = line(Span(printable(limit.left), Ink.LABEL))
    if width_of(used) + width_of(left) + 2 <= width:
        return (joined((used, left)),)
    return used, line(cell("", 16), *left)


def link_lines(scene: Scene) -> tuple[Line, ...]:
    """The desk's own link, then each of the engine's: unknown, not up, while nobody tells of them."""
    link = scene.link
    who = link.hello
    ours = f"{who.version}, process {who.pid}" if who else printable(link.reason)
    took = f"{latency(link.latency_ms)}  " if link.is_up else ""
    first = line(
        _dot(up=link.is_up),
        cell("engine", 9, Ink.LABEL),
        Span(f"{link.state.value}", Ink.TEXT if link.is_up else Ink.LOSS),
        Span(f"  {took}{ours}", Ink.LABEL),
    )
    links = scene.snapshot.links if scene.snapshot else ()
    return (first, *(_link(each, scene) for each in links))


def _link(link: LinkView, scene: Scene) -> Line:
    heard = "" if link.age_ms is None else f"heard {age(link.age_ms + scene.elapsed_ms)} ago"
    if scene.is_gone:
        return line(
            Span(" ? ", Ink.WARN),
            cell(printable(link.name), 9, Ink.LABEL),
            Span("unknown", Ink.WARN),
            Span(f"  {heard}", Ink.LABEL),
        )
    took = f"  {latency(link.latency_ms)}" if link.latency_ms is not None else ""
    lost = f"  lost {link.retries}×" if link.retries else ""
    return line(
        _dot(up=link.up),
        cell(printable(link.name), 9, Ink.LABEL),
        Span("up" if link.up else "DOWN", Ink.TEXT if link.up else Ink.LOSS),
        Span(f"  {heard}{took}{lost}", Ink.LABEL),
        Span(f"  {printable(link.reason)}" if link.reason else "", Ink.WARN),
    )


def _dot(*, up: bool) -> Span:
    return Span(" ● " if up else " ✖ ", Ink.GAIN if up else Ink.LOSS)


def file_lines(settings: SettingsView | None, looks: tuple[tuple[str, str], ...]) -> tuple[Line, ...]:
    """The files of the engine, and how this desk looks."""
    files = settings.files if settings else ()
    return tuple(
        line(cell(f" {name}", 17, Ink.LABEL), Span(printable(words))) for name, words in (*looks, *files)
    )
