"""What came from outside: one row a signal with what became of it, and the regime of each symbol. Without any
it says what to configure.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from engine.protocol import SignalsView, SignalView
from tui.view_model.ink import BLANK, Ink, Line, Span, cell, cropped, flowing, line, printable
from tui.view_model.numbers import UNKNOWN, clock, date, price

OUTCOMES: Final = {
    "accepted": ("✓", Ink.GAIN),
    "nothing to do": ("·", Ink.LABEL),
    "duplicate": ("=", Ink.LABEL),
}
"""The sign of an outcome and its ink; every other one was refused."""

MARGIN: Final = 15
"""Cells before the symbol: date and time."""

REFUSED: Final = ("!", Ink.WARN)


def heading() -> Line:
    return line(Span("  TIME           SYMBOL     SIGNAL            PRICE  OUTCOME        FROM", Ink.LABEL))


def row(signal: SignalView, width: int) -> tuple[Line, ...]:
    """What it said and what became of it in one line, and under it why, as long as it is."""
    sign, ink = OUTCOMES.get(signal.outcome, REFUSED)
    said = f"{signal.action} {signal.sentiment}".strip() or UNKNOWN
    label = f" {printable(signal.label)}" if signal.label else ""
    first = line(
        cell(f"{date(signal.at)[5:]} {clock(signal.at)}", MARGIN, Ink.LABEL),
        cell(printable(signal.symbol) or UNKNOWN, 11, Ink.BRIGHT),
        cell(printable(said), 11),
        cell(_price(signal), 12, right=True),
        cell(f"  {sign} {signal.outcome}", 18, ink),
        Span(f"{printable(signal.source)}{label}", Ink.LABEL),
    )
    times = f"{signal.times:,} times: " if signal.times > 1 else ""
    stop = f", stop {price(signal.stop, _places(signal))}" if signal.stop is not None else ""
    became = f"{printable(signal.became)}{stop}: " if signal.became else ""
    lead, *more = wrap(f"{times}{became}{printable(signal.text)}", max(20, width - MARGIN - 3)) or [""]
    told = times if lead.startswith(times) else ""
    why = (line(Span(told, Ink.WARN), Span(lead[len(told) :])), *(line(text) for text in more))
    return cropped(first, width - 2), *(line(cell("", MARGIN), *words) for words in why)


def _price(signal: SignalView) -> str:
    return UNKNOWN if signal.price is None else price(signal.price, _places(signal))


def _places(signal: SignalView) -> int:
    """The digits that the sender wrote, at most six."""
    written = signal.price or signal.stop
    exponent = written.normalize().as_tuple().exponent if written is not None else 0
    return min(6, max(0, -exponent)) if isinstance(exponent, int) else 0


def regimes(view: SignalsView, width: int) -> tuple[Line, ...]:
    """`Regime  BTCUSDT long since 05-08 14:01:00 (was short)`; nothing while no symbol has one."""
    pieces = [
        line(
            Span(f"{printable(each.symbol)} ", Ink.BRIGHT),
            Span(each.sentiment, Ink.ACCENT),
            Span(f" since {date(each.since)[5:]} {clock(each.since)}", Ink.LABEL),
            Span(f" (was {each.before})" if each.before else "", Ink.LABEL),
        )
        for each in view.regimes
    ]
    if not pieces:
        return ()
    rows = flowing(pieces, width - 10)
    return tuple(line(cell("" if k else " Regime", 9, Ink.LABEL), *words) for k, words in enumerate(rows))


def empty(view: SignalsView | None, trouble: str, *, ticket: str) -> tuple[Line, ...]:
    """The whole page while no signal has come; `ticket` is the key of the order ticket."""
    if trouble:
        return BLANK, line(Span(f"  The signals cannot be read: {printable(trouble)}", Ink.WARN))
    if view is None:
        return BLANK, line(Span("  Reading the journal.", Ink.LABEL))
    if view.sources:
        return (
            BLANK,
            line(Span(f"  {' and '.join(view.sources)} may send; no signal has come yet.", Ink.BRIGHT)),
            BLANK,
            line("  ", Span("ratchet webhook test", Ink.KEY), " sends one that trades nothing."),
        )
    return (
        BLANK,
        line(Span("  No signal is configured on this engine.", Ink.BRIGHT)),
        BLANK,
        line("  The ladder needs none: it scales what you open. Nothing is missing."),
        line("  Entries are yours: open on Bitget, or by ticket (", Span(ticket, Ink.KEY), " on the Desk)."),
        BLANK,
        line(Span("  To let a TradingView strategy enter and leave, under all limits", Ink.LABEL)),
        _step("1  export WEBHOOK_EXPECTED_TOKEN=…", "16 random characters or more"),
        _step("2  [webhook]  on = true", "in the configuration"),
        _step("              approve = true", "each entry asks you first"),
        _step("3  ratchet webhook test", "sends one alert that trades nothing"),
        BLANK,
        line(Span("  Every alert then stands here with its outcome, from the journal;", Ink.LABEL)),
        line(Span("  ratchet config example explains each option.", Ink.LABEL)),
    )


def _step(do: str, words: str) -> Line:
    return line(cell(f"   {do}", 41), Span(words, Ink.LABEL))
