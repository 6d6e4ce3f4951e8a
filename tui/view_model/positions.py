"""The positions grid: its columns at each width, its order, its filter, and one line for each position."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from engine.protocol import Coming, PositionView, Side, Status
from tui.view_model.ink import Ink, Line, Span, cell, faded, printable
from tui.view_model.numbers import (
    UNKNOWN,
    age,
    cautious,
    fixed,
    ink_of,
    percent,
    price,
    signed,
    snug,
    times,
)
from tui.view_model.scene import Freshness, Scene

BAR: Final = 6
"""Cells of the distance bar; it is full at `BAR_FULL` away from liquidation."""

GAP: Final = 3
"""Columns are never further apart than this: a row is read in one go."""

BAR_FULL: Final = Decimal("0.1")


class Order(StrEnum):
    """What the grid is sorted by; the words stand in its title."""

    LIQUIDATION = "nearest liquidation first"
    LOSS = "largest loss first"
    SYMBOL = "by symbol"
    NEWEST = "newest first"

    @property
    def following(self) -> Order:
        """The next one, round and round."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


class Row(msgspec.Struct, frozen=True):
    """One position and how far its mark may be trusted."""

    position: PositionView
    trust: Freshness
    age_s: int | None
    gone: bool

    @property
    def is_fresh(self) -> bool:
        return self.trust is Freshness.FRESH and not self.gone

    @property
    def is_lost(self) -> bool:
        return self.trust is Freshness.LOST


class Column(msgspec.Struct, frozen=True):
    """A column: its heading, its width in cells, what stands in it, and the cells to the next one."""

    title: str
    width: int
    words: Callable[[Row], tuple[str, Ink]]
    right: bool = True
    gap: int = 1


def rows(scene: Scene, order: Order, wanted: str = "") -> tuple[Row, ...]:
    """The positions that match `wanted`, in `order`; the screen and its cursor both follow this order."""
    shown = sorted((p for p in scene.positions if not wanted or matches(p, wanted)), key=_key(order))
    return tuple(row(scene, position) for position in shown)


def row(scene: Scene, position: PositionView) -> Row:
    """A position as of now: its age counts in whole seconds, and only once it matters."""
    milliseconds = scene.mark_age(position)
    trust = scene.trust(position)
    seconds = None if milliseconds is None else milliseconds // 1000
    return Row(position, trust, seconds, scene.is_gone)


def matches(position: PositionView, wanted: str) -> bool:
    """Whether every word of `wanted` is found in what names the position."""
    status = "unmanaged" if not position.managed else str(position.status or "").lower()
    words = f"{position.symbol} {position.side} {status} {position.reason}".lower()
    if position.risk_free:
        words += " risk-free"
    return all(word in words for word in wanted.lower().split())


def _key(order: Order) -> Callable[[PositionView], tuple[object, ...]]:
    far = Decimal("Infinity")
    keys: dict[Order, Callable[[PositionView], tuple[object, ...]]] = {
        Order.LIQUIDATION: lambda p: (_distance(p), p.key),
        Order.LOSS: lambda p: (far if p.unrealized_pnl is None else p.unrealized_pnl, p.key),
        Order.SYMBOL: lambda p: (p.symbol, p.key),
        Order.NEWEST: lambda p: (-p.opened, p.key),
    }
    return keys[order]


def _distance(position: PositionView) -> Decimal:
    """Nearest first; without a liquidation price last, an unknown distance first: that one needs eyes."""
    if position.liquidation == 0:
        return Decimal("Infinity")
    return Decimal(-1) if position.distance is None else position.distance


@lru_cache(8)
def headings(columns: tuple[Column, ...]) -> Line:
    """The line of headings, aligned as the columns are."""
    return (
        Span("  "),
        *(
            piece
            for column in columns
            for piece in (
                cell(column.title, column.width, Ink.LABEL, right=column.right),
                Span(" " * column.gap),
            )
        ),
    )


def grid_line(row: Row, columns: tuple[Column, ...], *, chosen: bool) -> Line:
    """One position; dimmed when its mark is stale or the engine is gone.

    A gap has the ink of the cell before it: fewer changes of colour are fewer bytes for the terminal.
    """
    spans: list[Span] = []
    for column in columns:
        words, ink = column.words(row)
        fitted = snug(words, column.width) if column.right else words
        spans.append(Span(cell(fitted, column.width, ink, right=column.right).text + " " * column.gap, ink))
    body = tuple(spans) if row.is_fresh else faded(tuple(spans))
    return (Span("▸ " if chosen else "  ", Ink.ACCENT), *body)


@lru_cache(8)
def columns_for(width: int) -> tuple[Column, ...]:
    """The columns for a grid of `width` cells inside its frame: the most that fit, as far apart as there is
    room. In less than a terminal of 80 the distance to liquidation and the status stay, and what can be read
    below gives way.
    """
    columns = next((each for each in (ALL, WIDE, MEDIUM, AMPLE, NARROW) if _least(each) <= width), SLIM)
    gap = 1 + (width - _least(columns)) // (len(columns) - 1)
    return tuple(replace(column, gap=min(max(1, gap), GAP)) for column in columns)


def _least(columns: tuple[Column, ...]) -> int:
    """Cells of a row with its cursor, the columns one cell apart."""
    return 2 + sum(column.width + 1 for column in columns) - 1


def _marker(row: Row, words: str) -> str:
    """A number that needs the mark: unknown when the mark is lost."""
    return UNKNOWN if row.is_lost else words


def _symbol(row: Row) -> tuple[str, Ink]:
    return printable(row.position.symbol), Ink.BRIGHT


def side(of: PositionView | Coming) -> tuple[str, Ink]:
    """The side as arrow, word and colour."""
    return ("▲ LONG", Ink.GAIN) if of.side is Side.LONG else ("▼ SHORT", Ink.LOSS)


def _side(row: Row) -> tuple[str, Ink]:
    return side(row.position)


def _entry(row: Row) -> tuple[str, Ink]:
    return price(row.position.entry, row.position.price_decimals), Ink.TEXT


def _mark(row: Row) -> tuple[str, Ink]:
    return _marker(row, price(row.position.mark, row.position.price_decimals)), Ink.BRIGHT


def _size(row: Row) -> tuple[str, Ink]:
    return fixed(row.position.size, row.position.qty_decimals), Ink.TEXT


def _margin(row: Row) -> tuple[str, Ink]:
    return fixed(row.position.margin, 2), Ink.TEXT


def _leverage(row: Row) -> tuple[str, Ink]:
    return times(row.position.leverage), Ink.TEXT


def _pnl(row: Row) -> tuple[str, Ink]:
    return _marker(row, signed(row.position.unrealized_pnl)), ink_of(row.position.unrealized_pnl)


def _roe(row: Row) -> tuple[str, Ink]:
    fraction = row.position.unrealized_return
    return _marker(row, percent(fraction, sign=True)), ink_of(fraction)


def _liquidation(row: Row) -> tuple[str, Ink]:
    return price(row.position.liquidation, row.position.price_decimals), Ink.TEXT


def _away(row: Row) -> tuple[str, Ink]:
    """Distance to liquidation; never from a stale mark, whose age stands here instead."""
    position = row.position
    if row.trust is not Freshness.FRESH:
        return f"STALE {UNKNOWN if row.age_s is None else age(row.age_s * 1000)}", Ink.WARN
    return ("none" if position.liquidation == 0 else percent(position.distance)), _nearness(position.distance)


def _away_and_bar(row: Row) -> tuple[str, Ink]:
    words, ink = _away(row)
    if row.trust is not Freshness.FRESH or row.position.distance is None:
        return words, ink
    return f"{words:>7} {bar(row.position.distance)}", ink


def _nearness(distance: Decimal | None) -> Ink:
    if distance is None:
        return Ink.LABEL
    if distance < Decimal("0.01"):
        return Ink.LOSS
    return Ink.WARN if distance < Decimal("0.025") else Ink.TEXT


def bar(distance: Decimal) -> str:
    """Distance to liquidation as a bar: six cells are ten per cent and more, an empty one is liquidation."""
    filled = min(BAR, max(0, round(distance / BAR_FULL * BAR)))
    return "▆" * filled + "▁" * (BAR - filled)


def status(position: PositionView) -> tuple[str, Ink]:
    """What the cycle is doing. RISK-FREE stands where the worst case is not negative, and nowhere else."""
    if not position.managed or position.status is None:
        return "UNMANAGED", Ink.WARN
    if position.risk_free and position.status in {Status.ACTIVE, Status.BREAKEVEN}:
        return "RISK-FREE", Ink.GAIN
    inks = {
        Status.ACTIVE: Ink.ACCENT,
        Status.SCALING: Ink.WARN,
        Status.BREAKEVEN: Ink.GAIN,
        Status.PAUSED: Ink.WARN,
        Status.CLOSING: Ink.WARN,
        Status.CLOSED: Ink.LABEL,
        Status.ERROR: Ink.LOSS,
    }
    return position.status.value, inks[position.status]


def _status(row: Row) -> tuple[str, Ink]:
    return status(row.position)


def _rungs(row: Row) -> tuple[str, Ink]:
    return (str(row.position.rungs), Ink.TEXT) if row.position.managed else ("·", Ink.LABEL)


def _worst(row: Row) -> tuple[str, Ink]:
    return cautious(row.position.worst_case), ink_of(row.position.worst_case)


def _away_usdt(row: Row) -> tuple[str, Ink]:
    known = row.trust is Freshness.FRESH
    return (fixed(row.position.distance_usdt, row.position.price_decimals) if known else UNKNOWN), Ink.TEXT


def _funding(row: Row) -> tuple[str, Ink]:
    return signed(row.position.funding), ink_of(row.position.funding)


def _age(row: Row) -> tuple[str, Ink]:
    return (UNKNOWN if row.age_s is None else age(row.age_s * 1000)), Ink.LABEL


def _to_rung(row: Row) -> tuple[str, Ink]:
    """How far the mark still has to go; never from a stale one. Reached, it says what holds the rung up."""
    position = row.position
    rung = position.next_rung
    if rung is None or not position.managed:
        return "none", Ink.LABEL
    if row.trust is not Freshness.FRESH or not position.mark:
        return UNKNOWN, Ink.TEXT
    way = position.side.d * (rung.trigger - position.mark) / position.mark
    if way > 0:
        return percent(way), Ink.TEXT
    return ("blocked" if position.blocked else "reached"), Ink.WARN


def _next_stop(row: Row) -> tuple[str, Ink]:
    """The stop that the market meets first; without one it is liquidation."""
    position = row.position
    if not position.stops:
        return "liquidation", Ink.WARN
    nearest = max(position.stops, key=lambda stop: position.side.d * stop.trigger)
    return price(nearest.trigger, position.price_decimals), Ink.TEXT if nearest.confirmed else Ink.WARN


NARROW: Final = (
    Column("SYMBOL", 8, _symbol, right=False),
    Column("SIDE", 7, _side, right=False),
    Column("ENTRY", 9, _entry),
    Column("MARK", 9, _mark),
    Column("uPnL", 8, _pnl),
    Column("ROE", 8, _roe),
    Column("TO LIQ", 9, _away),
    Column("STATUS", 9, _status, right=False),
)

AMPLE: Final = (
    *NARROW[:4],
    Column("SIZE", 8, _size),
    *NARROW[4:6],
    Column("LIQ", 9, _liquidation),
    *NARROW[6:],
)

SLIM: Final = tuple(column for column in NARROW if column.title not in {"ENTRY", "ROE"})

MEDIUM: Final = (
    Column("SYMBOL", 9, _symbol, right=False),
    Column("SIDE", 7, _side, right=False),
    Column("ENTRY", 9, _entry),
    Column("MARK", 9, _mark),
    Column("SIZE", 8, _size),
    Column("MARGIN", 8, _margin),
    Column("LEV", 4, _leverage),
    Column("uPnL", 8, _pnl),
    Column("ROE", 8, _roe),
    Column("LIQ", 9, _liquidation),
    Column("TO LIQ", 14, _away_and_bar),
    Column("STATUS", 9, _status, right=False),
    Column("↻", 2, _rungs),
)

WIDE: Final = (
    Column("SYMBOL", 11, _symbol, right=False),
    Column("SIDE", 7, _side, right=False),
    Column("ENTRY", 10, _entry),
    Column("MARK", 10, _mark),
    Column("SIZE", 9, _size),
    Column("MARGIN", 9, _margin),
    Column("LEV", 4, _leverage),
    Column("uPnL", 9, _pnl),
    Column("ROE", 9, _roe),
    Column("LIQ", 10, _liquidation),
    Column("TO LIQ", 14, _away_and_bar),
    Column("IN USDT", 8, _away_usdt),
    Column("WORST", 8, _worst),
    Column("FUNDING", 7, _funding),
    Column("STATUS", 9, _status, right=False),
    Column("↻", 2, _rungs),
    Column("AGE", 4, _age),
)

ALL: Final = (*WIDE, Column("TO RUNG", 8, _to_rung), Column("NEXT STOP", 12, _next_stop))
"""With what comes next: up the ladder, and down."""
