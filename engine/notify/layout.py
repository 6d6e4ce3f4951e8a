"""What happened, laid out for a phone: a title and lines with true numbers.

A position that opens and a rung that is done have layouts of their own; their numbers are the note's facts,
and what the facts do not hold is taken from the position as it is now, if it is still the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from engine.core.actions import Level, Note
from engine.core.words import amount, at_worst, ending, money, price, rungs, size, worse
from engine.protocol import ClosedView, PositionView, Snapshot

LATE_MS: Final = 120_000
"""What is told later than this says when it happened."""
SIGNS: Final = {Level.URGENT: "🛑 ", Level.WARNING: "⚠️ "}


class Told(msgspec.Struct, frozen=True):
    """A message before any markup: the title stands out, the lines follow. `whole`: laid out as a thing of
    its own (opened, rung, closed), and never told under another's title. `known_by` is the line of such a
    layout that tells all of this already.
    """

    title: str
    lines: tuple[str, ...] = ()
    whole: bool = False
    known_by: str = ""

    @property
    def text(self) -> str:
        return "\n".join((self.title, *self.lines))


def told(note: Note, at: int, snapshot: Snapshot, *, times: int = 1) -> Told:
    """One note. `at` is when it happened, milliseconds UTC; `times` how often."""
    position = next((p for p in snapshot.positions if p.cycle and p.cycle == note.cycle), None)
    whole = True
    match note.topic:
        case "adopted" if {"qty", "entry", "margin", "leverage", "liquidation"} <= note.facts.keys():
            title, lines = _opened(note, position)
        case "rung done" if "realised" in note.facts:
            title, lines = _rung(note, position)
        case "closed" if "net" in note.facts:
            title, lines = _closed(note, snapshot)
        case _:
            whole = False
            title, lines = _as_it_is(note)
    if times > 1:
        lines = (*lines, f"This happened {times} times.")
    if snapshot.engine.now - at > LATE_MS:
        lines = (*lines, f"Happened at {clock(at)}.")
    return Told(title, lines, whole, _stop_noted(note))


def clock(at: int) -> str:
    """`2025-05-08 14:00:01 UTC`."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _as_it_is(note: Note) -> tuple[str, tuple[str, ...]]:
    """The note's own sentences: the title is what it is about, where it names that first, else the first."""
    head, colon, rest = note.text.partition(": ")
    if note.symbol and colon and head.startswith(note.symbol):
        return f"{_sign(note)}{head}", (f"{rest[:1].upper()}{rest[1:]}",)
    first, *more = re.split(r"\. (?=[A-Z])|(?<=[a-z])\. (?=\d)", note.text, maxsplit=1)
    return f"{_sign(note)}{first}", tuple(more)


def _sign(note: Note) -> str:
    return SIGNS.get(note.level, "")


def _opened(note: Note, position: PositionView | None) -> tuple[str, tuple[str, ...]]:
    """`Size: $200.00 notional ($10.00 @ 20x)`; the liquidation price is the exchange's own."""
    facts = {name: Decimal(value) for name, value in note.facts.items()}
    side = note.text.split()[1].upper()
    lines = [
        f"Entry: {price(facts['entry'])}",
        f"Size: ${amount(facts['qty'] * facts['entry'])} notional "
        f"(${amount(facts['margin'])} @ {size(facts['leverage'])}x), {size(facts['qty'])}",
        f"Liquidation: {price(facts['liquidation'])}",
    ]
    if position is not None and position.next_rung is not None:
        rung = position.next_rung
        lines.append(
            f"Rung {rung.number} at {price(rung.trigger)}: bank {size(rung.bank_qty)}, "
            f"add ${amount(rung.add_margin)}"
        )
    return f"{side} {note.symbol} opened", tuple(lines)


def _rung(note: Note, position: PositionView | None) -> tuple[str, tuple[str, ...]]:
    """What was added, what was taken in three numbers that mean three things, where the stops are, what is
    left at risk.
    """
    facts = {name: Decimal(note.facts[name]) for name in ("realised", "released", "freed", "added", "worst")}
    number, worst = int(note.facts["rung"]), facts["worst"]
    side = note.text.split()[1].rstrip(":").upper()
    now = position if position is not None and position.rungs == number else None
    lines = [*_added(facts["added"], now)]
    lines.append(
        f"Took: {money(facts['realised'])} realised, {amount(facts['released'])} margin released, "
        f"{amount(facts['freed'])} cash freed"
    )
    lines += _stops_and_exposure(now) if now is not None else ()
    lines.append(f"Worst case: {at_worst(worst)}")
    lines.append(f"Status: {'RISK-FREE' if worst >= 0 else f'{amount(-worse(worst))} USDT still at risk'}")
    return f"{side} {note.symbol}: rung {number}", tuple(lines)


def _added(qty: Decimal, now: PositionView | None) -> Iterator[str]:
    leg = now.legs[-1] if now is not None and now.legs else None
    if not qty:
        yield "Added: nothing"
    elif leg is not None and leg.qty == qty:
        yield f"Added: {size(qty)} @ {price(leg.entry)} (${amount(leg.margin)} @ {size(leg.leverage)}x)"
    else:
        yield f"Added: {size(qty)}"


def _stops_and_exposure(now: PositionView) -> Iterator[str]:
    for stop in now.stops:
        if stop.ours:
            yield _stop(str(stop.leg or ""), stop.trigger, stop.why)
    yield (
        f"Exposure: ${amount(now.size * now.entry)} notional, average {price(now.entry)}, "
        f"margin ${amount(now.margin)}, liquidation {price(now.liquidation)}"
    )


def _stop(leg: str, trigger: Decimal, why: str) -> str:
    return f"Stop: {f'leg {leg}' if leg else 'everything'} at {price(trigger)} ({why})"


def _stop_noted(note: Note) -> str:
    """The line by which a layout shows a new stop, empty for what is more: where it lay before, or what else
    rests beside it.
    """
    facts = note.facts
    is_new = note.topic == "stop" and {"leg", "trigger", "why"} <= facts.keys()
    if not is_new or facts.get("was") or facts.get("beside"):
        return ""
    return _stop(facts["leg"], Decimal(facts["trigger"]), facts["why"])


def _closed(note: Note, snapshot: Snapshot) -> tuple[str, tuple[str, ...]]:
    """Net first; then what it is made of, when the snapshot still holds the cycle."""
    side = note.text.split()[1].upper()
    lines = [
        f"Net: {money(Decimal(note.facts['net']))} USDT",
        f"Closed: {ending(note.facts.get('reason', 'unknown'))}",
    ]
    closed = next((each for each in snapshot.closed if each.cycle == note.cycle), None)
    if closed is not None:
        lines += _made_of(closed)
    return f"{side} {note.symbol} closed", tuple(lines)


def _made_of(closed: ClosedView) -> Iterator[str]:
    gross = closed.result + closed.fees - closed.funding
    yield f"Realised {money(gross)}, fees {money(-closed.fees)}, funding {money(closed.funding)}"
    yield f"{rungs(closed.rungs)}, exit {price(closed.exit_price)}"


def together(parts: Sequence[Told]) -> list[Told]:
    """Several notes about one thing, oldest first: what is whole stands for itself, the steps that led to it
    below it, as far as it does not tell them already. Steps alone share the title of the first.
    """
    wholes: list[Told] = []
    steps: list[Told] = []
    for part in parts:
        if part.whole:
            wholes.append(_with_steps(part, steps))
            steps = []
        else:
            steps.append(part)
    if wholes:
        return [*wholes[:-1], _with_steps(wholes[-1], steps)]
    head, *rest = steps
    return [Told(head.title, (*head.lines, *(line for part in rest for line in _below(head, part))))]


def _with_steps(whole: Told, steps: Sequence[Told]) -> Told:
    news = (part for part in steps if part.known_by not in whole.lines)
    lines = (f"• {line}" for part in news for line in _below(whole, part))
    return Told(whole.title, (*whole.lines, *lines), whole=True)


def _below(head: Told, part: Told) -> Iterator[str]:
    """The lines of a part under another's title."""
    named = _names(part.title) == _names(head.title)
    sign = next((sign for sign in SIGNS.values() if part.title.startswith(sign)), "")
    for line in part.lines or ("",):
        yield f"{sign}{line}" if named else f"{part.title}: {line}".removesuffix(": ")


def _names(title: str) -> frozenset[str]:
    """Symbol and side, in whatever order and spelling a title begins with."""
    words = title.lower().replace(":", "").split()
    return frozenset([word for word in words if word.isalnum()][:2])
