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
from tui.view_model.ink import Ink, Line, Span, cell, cropped, flowing, line, printable
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


def figures(of: Record | None, width: int) -> tuple[Line, ...]:
    """The figures, the most telling first, on as few lines as hold them. None is a past that was not read:
    nothing of it is known, and nothing of it is zero.
    """
    pairs = _told(of or record((), ()))
    pieces = (
        line(Span(f"{name} ", Ink.LABEL), Span(words, ink) if of else Span(UNKNOWN, Ink.LABEL))
        for name, words, ink in pairs
    )
    return tuple((Span(" "), *row) for row in flowing(pieces, width - 2))


def _told(of: Record) -> tuple[tuple[str, str, Ink], ...]:
    """Each figure: its name, its words, their ink."""
    factor = UNKNOWN if of.profit_factor is None else fixed(of.profit_factor, 2)
    return (
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
        " REASON": (f" {printable(cycle.ending or cycle.reason or cycle.status.lower())}", Ink.LABEL),
    }
    return line(*(cell(words[t][0], room, words[t][1], right=right) for t, room, right in _columns(width)))


def cycle_title(cycle: CycleView) -> str:
    """What stands in the frame of one cycle."""
    end = f"ended {date(cycle.closed)} {clock(cycle.closed)}" if cycle.closed else "open"
    return f"{printable(cycle.symbol)} {cycle.side} · {end} · {signed(cycle.net)} USDT"


Column = tuple[str, int, bool]
"""A title, its cells, and whether it stands at the right."""

LEGS: Final[tuple[Column, ...]] = (
    *(("NO", 3, False), ("OPENED", 15, False), ("BY", 8, True), ("SIZE", 10, True), ("ENTRY", 11, True)),
    *(("LEV", 5, True), ("MARGIN", 8, True), ("REALISED", 9, True), ("FEES", 7, True), ("", 18, False)),
)
RUNGS: Final[tuple[Column, ...]] = (
    *(("NO", 3, False), ("RAN", 15, False), ("TRIGGER", 10, True), ("BANKED", 8, True), (" AT", 11, False)),
    *(("PROFIT", 7, True), ("FREED", 7, True), ("ADDED", 7, True), (" AT", 10, False), ("", 24, False)),
)
TRADES: Final[tuple[Column, ...]] = (
    *(("TIME", 15, False), ("WHAT", 11, False), ("SIZE", 8, True), ("PRICE", 11, True), ("FEE", 7, True)),
    *(("PROFIT", 8, True), ("  WHOSE", 9, False), ("CAUSE", 24, False)),
)
ROOMY: Final = 90
"""From this width on the times of day have their seconds."""


def inside(story: CycleStory, now: int, width: int) -> tuple[Line, ...]:
    """One cycle with its legs, rungs and trades, for reading from top to bottom."""
    legs = [_leg(leg, width) for leg in story.legs]
    rungs = [_rung(rung, width) for rung in story.rungs] or [line(Span("  none", Ink.LABEL))]
    trades = [_trade(trade, width) for trade in story.trades]
    drawn = (
        *_summary(story.cycle, now),
        *_part("Legs", LEGS, legs, width),
        *_part("Rungs", RUNGS, rungs, width),
        *_part("Trades", TRADES, trades, width),
    )
    return tuple(cropped(words, width) for words in drawn)


def _part(name: str, columns: tuple[Column, ...], rows: list[Line], width: int) -> Iterator[Line]:
    yield ()
    yield line(Span(f" {name}", Ink.BRIGHT))
    yield _row(columns, tuple((title, Ink.LABEL) for title, _, _ in columns), width)
    yield from rows


def _row(columns: tuple[Column, ...], words: tuple[tuple[str, Ink], ...], width: int) -> Line:
    """Words under their titles; the last have what room is left."""
    *most, last = zip(columns, words, strict=True)
    cells = [
        cell(text, _room(title, room, width), ink, right=right) for (title, room, right), (text, ink) in most
    ]
    return line(Span("  "), *cells, Span(*last[1]))


def _room(title: str, room: int, width: int) -> int:
    return room - 3 if title in {"OPENED", "RAN", "TIME"} and width < ROOMY else room


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
        Span(f", ended: {printable(cycle.ending)}" if cycle.closed else ", still open", Ink.LABEL),
    )


def _moment(at: int, width: int) -> tuple[str, Ink]:
    time = clock(at)
    return f"{date(at)[5:]} {time if width >= ROOMY else time[:5]}", Ink.LABEL


def _leg(leg: PastLeg, width: int) -> Line:
    left = "" if leg.qty == leg.opened_qty or not leg.qty else f"  {_plain(leg.qty)} left"
    words = (
        (str(leg.number), Ink.ACCENT),
        _moment(leg.opened, width),
        (printable(leg.by), Ink.TEXT),
        (_plain(leg.opened_qty), Ink.TEXT),
        (_plain(leg.entry), Ink.TEXT),
        (times(leg.leverage), Ink.LABEL),
        (fixed(leg.margin, 2), Ink.TEXT),
        (signed(leg.realised), ink_of(leg.realised)),
        (signed(-leg.fees), Ink.LABEL),
        (left, Ink.LABEL),
    )
    return _row(LEGS, words, width)


def _rung(rung: RungView, width: int) -> Line:
    words = (
        (str(rung.number), Ink.ACCENT),
        _moment(rung.at, width),
        (_plain(rung.trigger), Ink.TEXT),
        (_plain(rung.bank_qty), Ink.TEXT),
        (f" {_plain(rung.bank_price)}", Ink.TEXT),
        (signed(rung.bank_profit), ink_of(rung.bank_profit)),
        (fixed(rung.freed, 2), Ink.TEXT),
        (_plain(rung.add_qty), Ink.TEXT),
        (f" {_plain(rung.add_price)}", Ink.TEXT),
        (f"  {printable(rung.reason)}" if rung.reason else "", Ink.WARN),
    )
    return _row(RUNGS, words, width)


def _trade(trade: TradeView, width: int) -> Line:
    words = (
        _moment(trade.at, width),
        (
            f"{'open' if trade.opens else 'close'} {'buy' if trade.buy else 'sell'}",
            Ink.ACCENT if trade.opens else Ink.WARN,
        ),
        (_plain(trade.qty), Ink.TEXT),
        (_plain(trade.price), Ink.TEXT),
        (signed(-trade.fee), Ink.LABEL),
        (signed(trade.profit), ink_of(trade.profit)),
        ("  ladder" if trade.ours else "  trader", Ink.LABEL),
        (printable(trade.cause), Ink.LABEL),
    )
    return _row(TRADES, words, width)


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
