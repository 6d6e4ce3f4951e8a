"""The chart of a position as numbers: candles for the room there is, levels and fills to draw into it, and
how near liquidation came.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from engine.protocol import Candle, ChartView, PositionView, TradeView
from tui.view_model.ink import Ink, Line, Span, cells, fitting, line
from tui.view_model.levels import (
    GLYPH_ENTRY,
    GLYPH_LIQUIDATION,
    GLYPH_MARK,
    GLYPH_RUNG,
    GLYPH_STOP,
)
from tui.view_model.numbers import MARKET_TIME, clock, percent, price

MINUTE_MS: Final = 60_000
SPANS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240)
"""Minutes that one candle may stand for."""

LABELS: Final = 0.22
"""The part of the width, on the right, in which the levels are named."""

SPARSE: Final = 5
"""Cells from one candle to the next, at most."""

BARS: Final = "▁▂▃▄▅▆▇█"
FAR: Final = Decimal("2.5")
"""Levels further off than this many times the height of the candles would squeeze them flat: left out."""


class Mark(msgspec.Struct, frozen=True):
    """A fill in the chart: which candle it is in, at which price, and what it was."""

    at: int
    price: Decimal
    glyph: str
    ink: Ink


class Rule(msgspec.Struct, frozen=True):
    """A level across the chart."""

    price: Decimal
    words: str
    ink: Ink


class Picture(msgspec.Struct, frozen=True):
    """Everything to draw. `minutes` is the span of a candle; `left_out` names levels that lie too far off."""

    candles: tuple[Candle, ...]
    minutes: int
    marks: tuple[Mark, ...]
    rules: tuple[Rule, ...]
    left_out: tuple[str, ...]


def span(candles: int, room: float) -> tuple[float, float]:
    """The ends of the time axis, in candles: the newest stands where the names of the levels begin, and few
    candles are not drawn far apart.
    """
    shown = max(candles, room / SPARSE)
    return candles - shown - 1, candles - shown + shown / (1 - LABELS)


def picture(chart: ChartView, position: PositionView, room: int) -> Picture:
    """The chart for `room` cells of width: each candle has two of them."""
    minutes = _span(chart.candles, max(8, room // 2))
    candles = grouped(chart.candles, minutes)
    near, far = _rules(candles, position)
    return Picture(candles, minutes, _marks(candles, chart.trades, minutes), near, far)


def _span(candles: tuple[Candle, ...], most: int) -> int:
    if not candles:
        return SPANS[0]
    minutes = (candles[-1].at - candles[0].at) // MINUTE_MS + 1
    return next((span for span in SPANS if minutes / span <= most), SPANS[-1])


def grouped(candles: Iterable[Candle], minutes: int) -> tuple[Candle, ...]:
    """Candles of `minutes` each, oldest first."""
    out: list[Candle] = []
    for each in candles:
        at = each.at - each.at % (minutes * MINUTE_MS)
        if out and out[-1].at == at:
            last = out[-1]
            out[-1] = Candle(at, last.open, max(last.high, each.high), min(last.low, each.low), each.close)
        else:
            out.append(Candle(at, each.open, each.high, each.low, each.close))
    return tuple(out)


def _rules(candles: tuple[Candle, ...], position: PositionView) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    found = [
        Rule(stop.trigger, f"{GLYPH_STOP} stop{'' if stop.leg is None else f' {stop.leg}'}", Ink.ACCENT)
        for stop in position.stops
    ]
    if position.next_rung:
        found.append(
            Rule(position.next_rung.trigger, f"{GLYPH_RUNG} rung {position.next_rung.number}", Ink.GAIN)
        )
    entries = [(leg.entry, f"{GLYPH_ENTRY} entry {leg.number}") for leg in position.legs]
    found += [
        Rule(at, words, Ink.LABEL) for at, words in entries or [(position.entry, f"{GLYPH_ENTRY} entry")]
    ]
    if position.mark is not None:
        found.append(Rule(position.mark, f"{GLYPH_MARK} mark", Ink.BRIGHT))
    if position.liquidation:
        found.append(Rule(position.liquidation, f"{GLYPH_LIQUIDATION} liquidation", Ink.LOSS))
    if not candles:
        return tuple(found), ()
    low, high = min(c.low for c in candles), max(c.high for c in candles)
    reach = max((high - low) * FAR, high * Decimal("0.004"))
    near = tuple(rule for rule in found if low - reach <= rule.price <= high + reach)
    far = tuple(
        f"{rule.words} {price(rule.price, position.price_decimals)}" for rule in found if rule not in near
    )
    return near, far


def _marks(candles: tuple[Candle, ...], trades: tuple[TradeView, ...], minutes: int) -> tuple[Mark, ...]:
    """Fills at the candle they happened in: entries and adds as circles, exits as crosses."""
    if not candles:
        return ()
    number = {candle.at: k for k, candle in enumerate(candles)}
    found = []
    for trade in trades:
        at = number.get(trade.at - trade.at % (minutes * MINUTE_MS))
        if at is not None:
            glyph, ink = ("○", Ink.ACCENT) if trade.opens else ("×", Ink.WARN)
            found.append(Mark(at, trade.price, glyph, ink))
    return tuple(found)


def ticks(candles: tuple[Candle, ...], count: int) -> tuple[tuple[int, str], ...]:
    """At most `count` numbers of candles and their time of day, evenly spread."""
    if not candles:
        return ()
    step = max(1, (len(candles) - 1) // max(1, count - 1))
    return tuple((k, clock(candles[k].at)[:5]) for k in range(0, len(candles), step))


def distances(chart: ChartView, liquidation: Decimal, count: int) -> tuple[Decimal, ...]:
    """How far each minute's worst mark was from liquidation, as fractions, oldest first: since the last fill,
    because every fill moves that price.
    """
    if not liquidation:
        return ()
    last = max((trade.at for trade in chart.trades), default=0)
    since = [candle for candle in chart.candles if candle.at + MINUTE_MS > last] or list(chart.candles[-1:])
    return tuple(
        min(abs(c.high - liquidation) / c.high, abs(c.low - liquidation) / c.low) for c in since[-count:]
    )


def sparkline(values: tuple[Decimal, ...]) -> str:
    """Values as bars: the lowest bar is the nearest."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        return BARS[3] * len(values)
    return "".join(BARS[int((value - low) / (high - low) * (len(BARS) - 1))] for value in values)


def labelled(rules: tuple[Rule, ...], row: Decimal, decimals: int, room: int) -> tuple[tuple[Rule, str], ...]:
    """The rules with the words that stand at them, each level with its own price: those less than a `row`
    apart share a line, highest first. Entries give way where `room` cells are not enough for all.
    """
    shared: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda each: -each.price):
        if shared and shared[-1][0].price - rule.price < row:
            shared[-1].append(rule)
        else:
            shared.append([rule])
    return tuple((_loudest(group), _named(group, decimals, room)) for group in shared)


def _loudest(group: list[Rule]) -> Rule:
    """The rule that is drawn for all of its line: the mark, else liquidation, else the highest."""
    return next(
        (r for glyph in (GLYPH_MARK, GLYPH_LIQUIDATION) for r in group if r.words[0] == glyph), group[0]
    )


def _named(group: list[Rule], decimals: int, room: int) -> str:
    """All of a line in `room` cells. Entries give way first, then a price that is told twice; where that is
    still too much, the loudest has its words and the others are counted.
    """
    told = [rule for rule in group if rule.words[0] != GLYPH_ENTRY]
    entries = [rule for rule in group if rule.words[0] == GLYPH_ENTRY]
    for kept in range(len(entries), -1, -1):
        shown = [rule for rule in group if rule in told or rule in entries[:kept]]
        whole = " · ".join(f"{rule.words} {price(rule.price, decimals)}" for rule in shown)
        if shown and cells(whole) <= room:
            return whole
    at_one = {rule.price: " ".join(each.words for each in told if each.price == rule.price) for rule in told}
    once = " · ".join(f"{words} {price(at, decimals)}" for at, words in at_one.items())
    if told and cells(once) <= room:
        return once
    loudest = _loudest(group)
    others = f" · {len(group) - 1} more" if len(group) > 1 else ""
    return f"{loudest.words} {price(loudest.price, decimals)}{others}"


def below(chart: ChartView, position: PositionView, shown: Picture, width: int) -> tuple[Line, Line]:
    """The lines under the chart: distance to liquidation over time, and what lies outside."""
    values = distances(chart, position.liquidation, max(8, min(40, width - 49)))
    pieces: list[Line] = []
    if values:
        now = line(
            Span(" to liquidation ", Ink.LABEL),
            Span(sparkline(values), Ink.WARN if values[-1] < Decimal("0.025") else Ink.ACCENT),
            Span(f" {percent(values[-1])}", Ink.BRIGHT),
        )
        pieces = [now, line(Span(f"nearest {percent(min(values))} in {len(values)} min", Ink.LABEL))]
    outside = f" outside: {', '.join(shown.left_out)}" if shown.left_out else ""
    return fitting(pieces, width), line(Span(outside, Ink.LABEL))


def title(chart: ChartView | None, shown: Picture | None, position: PositionView, *, apart: bool) -> str:
    """`BTCUSDT chart · 5 min candles`; a market with a clock of its own says so."""
    if chart is None or shown is None or not shown.candles:
        return f"{position.symbol} chart"
    span = f"{shown.minutes} min" if shown.minutes < 60 else f"{shown.minutes // 60} h"
    return f"{position.symbol} chart · {span} candles{MARKET_TIME if apart else ''}"
