"""The past as the trader reads it: figures over all that ended, one line a cycle, and the inside of one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from engine.protocol import (
    CycleStory,
    CycleView,
    EquityPoint,
    PastLeg,
    PositionView,
    RungView,
    Side,
    TradeView,
)
from tui.view_model.ink import Ink, Line, Span, cell, flowing, line, printable
from tui.view_model.numbers import UNKNOWN, age, clock, date, fixed, ink_of, percent, price, signed, times

ZERO: Final = Decimal(0)


class Record(msgspec.Struct, frozen=True):
    """What all ended cycles come to. `profit_factor` is None without a loss, `drawdown` the deepest fall of
    the equity from a top, as a fraction of that top.
    """

    cycles: int
    wins: int
    net: Decimal
    fees: Decimal
    funding: Decimal
    best: Decimal | None
    worst: Decimal | None
    profit_factor: Decimal | None
    drawdown: Decimal | None

    @property
    def win_rate(self) -> Decimal | None:
        return Decimal(self.wins) / self.cycles if self.cycles else None


def record(cycles: tuple[CycleView, ...], curve: tuple[EquityPoint, ...]) -> Record:
    """The figures over every cycle that ended."""
    ended = [cycle for cycle in cycles if cycle.closed]
    nets = [cycle.net for cycle in ended]
    won, lost = sum((n for n in nets if n > 0), ZERO), sum((n for n in nets if n < 0), ZERO)
    return Record(
        cycles=len(ended),
        wins=sum(1 for n in nets if n > 0),
        net=sum(nets, ZERO),
        fees=sum((cycle.fees for cycle in ended), ZERO),
        funding=sum((cycle.funding for cycle in ended), ZERO),
        best=max(nets, default=None),
        worst=min(nets, default=None),
        profit_factor=won / -lost if lost else None,
        drawdown=drawdown(curve),
    )


def drawdown(curve: tuple[EquityPoint, ...]) -> Decimal | None:
    """The deepest fall from a top; None without a curve."""
    top, deepest = ZERO, ZERO
    for point in curve:
        top = max(top, point.equity)
        if top:
            deepest = max(deepest, (top - point.equity) / top)
    return deepest if curve else None


def figures(of: Record, width: int) -> tuple[Line, ...]:
    """The figures, the most telling first, on as few lines as hold them."""
    factor = UNKNOWN if of.profit_factor is None else fixed(of.profit_factor, 2)
    pairs: tuple[tuple[str, str, Ink], ...] = (
        ("Ended", str(of.cycles), Ink.BRIGHT),
        ("Net", signed(of.net), ink_of(of.net)),
        ("Won", percent(of.win_rate, 0), Ink.TEXT),
        ("Profit factor", factor, Ink.TEXT),
        ("Drawdown", percent(of.drawdown), Ink.TEXT),
        ("Best", signed(of.best), ink_of(of.best)),
        ("Worst", signed(of.worst), ink_of(of.worst)),
        ("Fees", signed(-of.fees), Ink.TEXT),
        ("Funding", signed(of.funding), Ink.TEXT),
    )
    pieces = (line(Span(f"{n} ", Ink.LABEL), Span(w, ink)) for n, w, ink in pairs)
    return tuple((Span(" "), *row) for row in flowing(pieces, width - 2))


HEAD: Final = (
    ("SYMBOL", 10, False),
    ("SIDE", 8, False),
    ("ENDED", 12, False),
    ("LASTED", 7, True),
    ("RUNGS", 6, True),
    ("NET", 10, True),
    ("R", 8, True),
    ("FEES", 8, True),
    ("FUNDING", 8, True),
    ("EXIT", 11, True),
    (" REASON", 24, False),
)
"""Title, cells, and whether it stands at the right."""

NARROW: Final = {"SYMBOL", "SIDE", "ENDED", "LASTED", "RUNGS", "NET", "R", " REASON"}


def _columns(width: int) -> tuple[tuple[str, int, bool], ...]:
    """Those that there is room for beside the cursor; the last one has what is left."""
    *shown, (last, least, right) = (each for each in HEAD if width >= 112 or each[0] in NARROW)
    return (*shown, (last, max(least // 2, width - 2 - sum(room for _, room, _ in shown)), right))


def heading(width: int) -> Line:
    """The line above the cycles."""
    return (
        Span("  "),
        *(cell(title, room, Ink.LABEL, right=right) for title, room, right in _columns(width)),
    )


def cycle_line(cycle: CycleView, now: int, width: int) -> Line:
    """One cycle; an open one says so where the others have their end."""
    arrow, ink = ("▲ LONG", Ink.GAIN) if cycle.side is Side.LONG else ("▼ SHORT", Ink.LOSS)
    ended = f"{date(cycle.closed)[5:]} {clock(cycle.closed)[:5]}" if cycle.closed else "open"
    words: dict[str, tuple[str, Ink]] = {
        "SYMBOL": (printable(cycle.symbol), Ink.BRIGHT),
        "SIDE": (arrow, ink),
        "ENDED": (ended, Ink.TEXT if cycle.closed else Ink.ACCENT),
        "LASTED": (age((cycle.closed or now) - cycle.opened), Ink.LABEL),
        "RUNGS": (str(cycle.rungs), Ink.TEXT),
        "NET": (signed(cycle.net), ink_of(cycle.net)),
        "R": (UNKNOWN if cycle.r is None else f"{signed(cycle.r)}R", ink_of(cycle.r)),
        "FEES": (signed(-cycle.fees), Ink.LABEL),
        "FUNDING": (signed(cycle.funding), Ink.LABEL),
        "EXIT": (fixed(cycle.exit_price, 2) if cycle.exit_price else UNKNOWN, Ink.LABEL),
        " REASON": (f" {printable(cycle.reason or cycle.status.lower())}", Ink.LABEL),
    }
    return line(*(cell(words[t][0], room, words[t][1], right=right) for t, room, right in _columns(width)))


def cycle_title(cycle: CycleView) -> str:
    """What stands in the frame of one cycle."""
    end = f"ended {date(cycle.closed)} {clock(cycle.closed)}" if cycle.closed else "open"
    return f"{printable(cycle.symbol)} {cycle.side} · {end} · {signed(cycle.net)} USDT"


def inside(story: CycleStory, now: int) -> tuple[Line, ...]:
    """One cycle with its legs, rungs and trades, for reading from top to bottom."""
    return (
        *_summary(story.cycle, now),
        (),
        *_part(
            "Legs", "  NO OPENED               BY         SIZE       ENTRY  LEV   MARGIN  REALISED    FEES"
        ),
        *(_leg(leg) for leg in story.legs),
        (),
        *_part("Rungs", "  NO RAN               TRIGGER     BANKED AT         PROFIT    FREED      ADDED AT"),
        *([_rung(rung) for rung in story.rungs] or [line(Span("  none", Ink.LABEL))]),
        (),
        *_part(
            "Trades", "  TIME               WHAT         SIZE       PRICE      FEE    PROFIT  WHOSE   CAUSE"
        ),
        *(_trade(trade) for trade in story.trades),
    )


def _part(name: str, heads: str) -> Iterator[Line]:
    yield line(Span(f" {name}", Ink.BRIGHT))
    yield line(Span(heads, Ink.LABEL))


def _summary(cycle: CycleView, now: int) -> Iterator[Line]:
    lasted = age((cycle.closed or now) - cycle.opened)
    r = UNKNOWN if cycle.r is None else f"{signed(cycle.r)}R"
    yield line(
        Span(" Net ", Ink.LABEL),
        Span(signed(cycle.net), ink_of(cycle.net)),
        Span(f"  {r} of the first margin {fixed(cycle.first_margin, 2)}", Ink.LABEL),
    )
    yield line(
        Span(" Realised ", Ink.LABEL),
        signed(cycle.realised),
        Span("  fees ", Ink.LABEL),
        signed(-cycle.fees),
        Span("  funding ", Ink.LABEL),
        signed(cycle.funding),
    )
    yield line(
        Span(f" Opened {date(cycle.opened)} {clock(cycle.opened)}, lasted {lasted}", Ink.LABEL),
        Span(f", ended: {printable(cycle.reason)}" if cycle.closed else ", still open", Ink.LABEL),
    )


def _moment(at: int) -> str:
    return f"{date(at)[5:]} {clock(at)}"


def _leg(leg: PastLeg) -> Line:
    left = "" if leg.qty == leg.opened_qty or not leg.qty else f"  {_plain(leg.qty)} left"
    return line(
        cell(f"  {leg.number}", 5, Ink.ACCENT),
        cell(_moment(leg.opened), 15, Ink.LABEL),
        cell(printable(leg.by), 9, right=True),
        cell(_plain(leg.opened_qty), 13, right=True),
        cell(_plain(leg.entry), 12, right=True),
        cell(times(leg.leverage), 5, Ink.LABEL, right=True),
        cell(fixed(leg.margin, 2), 9, right=True),
        cell(signed(leg.realised), 10, ink_of(leg.realised), right=True),
        cell(signed(-leg.fees), 8, Ink.LABEL, right=True),
        Span(left, Ink.LABEL),
    )


def _rung(rung: RungView) -> Line:
    return line(
        cell(f"  {rung.number}", 5, Ink.ACCENT),
        cell(_moment(rung.at), 15, Ink.LABEL),
        cell(_plain(rung.trigger), 11, right=True),
        cell(_plain(rung.bank_qty), 10, right=True),
        cell(f" {_plain(rung.bank_price)}", 12),
        cell(signed(rung.bank_profit), 9, ink_of(rung.bank_profit), right=True),
        cell(fixed(rung.freed, 2), 9, right=True),
        cell(_plain(rung.add_qty), 11, right=True),
        Span(f" {_plain(rung.add_price)}"),
        Span(f"  {printable(rung.reason)}" if rung.reason else "", Ink.WARN),
    )


def _trade(trade: TradeView) -> Line:
    what = f"{'open' if trade.opens else 'close'} {'buy' if trade.buy else 'sell'}"
    return line(
        cell(f"  {_moment(trade.at)}", 19, Ink.LABEL),
        cell(what, 11, Ink.ACCENT if trade.opens else Ink.WARN),
        cell(_plain(trade.qty), 8, right=True),
        cell(_plain(trade.price), 12, right=True),
        cell(signed(-trade.fee), 9, Ink.LABEL, right=True),
        cell(signed(trade.profit), 10, ink_of(trade.profit), right=True),
        cell("  ladder" if trade.ours else "  trader", 9, Ink.LABEL),
        Span(printable(trade.cause), Ink.LABEL),
    )


def _plain(value: Decimal | None) -> str:
    """A price or a size with the digits that it has, at most six after the point."""
    if value is None:
        return UNKNOWN
    exponent = value.normalize().as_tuple().exponent
    places = min(6, max(0, -exponent)) if isinstance(exponent, int) else 0
    if abs(value) >= 1000:
        places = min(places, 2)
    return price(value, places) if value else "0"


def of_position(cycles: tuple[CycleView, ...], position: PositionView) -> CycleView | None:
    """The cycle of an open position."""
    return next((cycle for cycle in cycles if cycle.cycle == position.cycle), None)
