"""The account strip: what there is, what it made, what is at risk."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from engine.protocol import Snapshot
from tui.view_model.ink import BLANK, Ink, Line, Span, cell, faded, fitting, joined, line, padded, width_of
from tui.view_model.numbers import UNKNOWN, cautious, fixed, ink_of, percent, signed, times
from tui.view_model.scene import Freshness, Scene

CENT: Final = Decimal("0.01")

ROOM: Final = {
    "Equity": 10,
    "Free": 10,
    "Day": 17,
    "Week": 17,
    "Worst case": 12,
    "Deployed": 10,
    "Leverage": 10,
    "Funding": 10,
    "Positions": 11,
    "Risk-free": 10,
}
"""Cells of each figure, its gap included, in a terminal of 120."""

Figure = tuple[str, Line]
"""A label, and its value."""


def strip(scene: Scene, width: int) -> tuple[Line, ...]:
    """Two lines. From 120 cells on, labels above their values; below, both side by side."""
    figures = _figures(scene)
    lines = _columns(figures, width) if width >= 120 else _rows(figures, width)
    return tuple(faded(words) for words in lines) if scene.is_gone else lines


def _figures(scene: Scene) -> tuple[Figure, ...]:
    if scene.snapshot is None or scene.freshness is Freshness.LOST:
        names = (
            "Equity",
            "Free",
            "Day",
            "Week",
            "Worst case",
            "Deployed",
            "Leverage",
            "Funding",
            "Positions",
            "Risk-free",
        )
        return tuple((name, line(Span(UNKNOWN, Ink.LABEL))) for name in names)
    return _known(scene.snapshot)


def _known(snapshot: Snapshot) -> tuple[Figure, ...]:
    account, worst = snapshot.account, worst_case(snapshot)
    return (
        ("Equity", line(Span(fixed(account.equity, 2), Ink.BRIGHT))),
        ("Free", line(Span(fixed(account.free, 2)))),
        ("Day", line(Span(signed(account.day_pnl), ink_of(account.day_pnl)), *_return(account.day_return))),
        (
            "Week",
            line(Span(signed(account.week_pnl), ink_of(account.week_pnl)), *_return(account.week_return)),
        ),
        ("Worst case", line(Span(cautious(worst), ink_of(worst)), *_unsaid(snapshot))),
        ("Deployed", line(Span(percent(account.deployed)))),
        ("Leverage", line(Span(times(account.leverage)))),
        ("Funding", line(Span(signed(account.funding), ink_of(account.funding)))),
        ("Positions", line(Span(f"{account.cycles} of {account.max_cycles}"))),
        ("Risk-free", line(Span(str(account.risk_free), Ink.GAIN if account.risk_free else Ink.LABEL))),
    )


def _unsaid(snapshot: Snapshot) -> Line:
    """What is open and not under care can lose as well, and nobody says how much."""
    return line(Span(" +?", Ink.WARN)) if snapshot.left_out else BLANK


def worst_case(snapshot: Snapshot) -> Decimal | None:
    """Of the account: what the worst cases of its positions add up to as they are shown, each rounded to the
    cent and towards the worse.
    """
    if snapshot.account.worst_case is None:
        return None
    shown = (p.worst_case for p in snapshot.positions if p.managed and p.worst_case is not None)
    return sum((each.quantize(CENT, ROUND_FLOOR) for each in shown), Decimal(0))


def _return(fraction: Decimal | None) -> Line:
    return BLANK if fraction is None else line(Span(f" {percent(fraction, sign=True)}", Ink.LABEL))


def _columns(figures: tuple[Figure, ...], width: int) -> tuple[Line, ...]:
    """Labels above values. What is wider than the least width is shared out evenly."""
    extra = max(0, width - 1 - sum(ROOM.values())) // len(figures)
    above: list[Span] = [Span(" ")]
    below: list[Span] = [Span(" ")]
    for name, value in figures:
        room = ROOM[name] + extra
        above.append(cell(name, room, Ink.LABEL))
        below += padded(value, room - 1)
        below.append(Span(" "))
    return tuple(above), tuple(below)


def _rows(figures: tuple[Figure, ...], width: int) -> tuple[Line, ...]:
    """Labels beside values; what has no room is not left out without a sign."""
    by_name = dict(figures)
    lines = []
    for names in (
        ("Equity", "Free", "Day", "Week"),
        ("Worst case", "Deployed", "Leverage", "Positions", "Risk-free", "Funding"),
    ):
        pairs = tuple(_pair(name, by_name[name]) for name in names)
        whole = joined(pairs)
        fits = width_of(whole) <= width - 2
        lines.append((Span(" "), *(whole if fits else (*fitting(pairs, width - 4), Span(" …", Ink.LABEL)))))
    return tuple(lines)


SHORT: Final = {"Worst case": "Worst", "Deployed": "Used", "Positions": "Open", "Leverage": "Lev"}


def _pair(name: str, value: Line) -> Line:
    return (Span(f"{SHORT.get(name, name)} ", Ink.LABEL), *value)
