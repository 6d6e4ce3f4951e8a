"""The order ticket: what the trader wrote in it, as a command; and what the engine says it would do."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Final

import msgspec

from engine.protocol import Enter, LimitView, PositionView, Reduce, Side, TicketView, exactly
from tui.view_model.asking import Fact, Question
from tui.view_model.ink import printable
from tui.view_model.numbers import cautious, fixed, percent, price, signed, size, times

FINEST: Final = Decimal("1e-12")
"""A reduce's fraction is rounded up to this, so that the size it means is not lost by a lot."""


class Does(StrEnum):
    """What the ticket does, in the trader's words."""

    LONG = "▲ long"
    SHORT = "▼ short"
    REDUCE_LONG = "reduce long"
    REDUCE_SHORT = "reduce short"

    @property
    def side(self) -> Side:
        return Side.LONG if self in {Does.LONG, Does.REDUCE_LONG} else Side.SHORT

    @property
    def reduces(self) -> bool:
        return self in {Does.REDUCE_LONG, Does.REDUCE_SHORT}


class Unit(StrEnum):
    """What the amount counts."""

    MARGIN = "USDT margin"
    SIZE = "coin"
    PART = "% of it"


class How(StrEnum):
    """How an entry is filled."""

    MARKET = "at market"
    PATIENT = "patiently, limit at the touch"


class Unclear(Exception):
    """The ticket cannot be read yet; the text says what is missing."""


class Wish(msgspec.Struct, frozen=True):
    """The ticket as it is written: `amount`, `leverage` and `stop` are what stands in the fields."""

    symbol: str
    does: Does
    amount: str = ""
    unit: Unit = Unit.MARGIN
    leverage: str = ""
    how: How = How.MARKET
    stop: str = ""


def possible(symbol: str, positions: tuple[PositionView, ...]) -> tuple[Does, ...]:
    """What can be done with this symbol now: reduce only what is open and under care."""
    held = {p.side for p in positions if p.symbol == symbol and p.managed}
    reducing = tuple(d for d in (Does.REDUCE_LONG, Does.REDUCE_SHORT) if d.side in held)
    return (Does.LONG, Does.SHORT, *reducing)


def units(does: Does) -> tuple[Unit, ...]:
    """What the amount can count: a part of it only where there is something to take it from."""
    return tuple(unit for unit in Unit if does.reduces or unit is not Unit.PART)


def entry(wish: Wish) -> Enter:
    """The entry that the ticket asks for. Raises Unclear."""
    amount = _number(wish.amount, "amount")
    return Enter(
        symbol=_symbol(wish),
        side=wish.does.side,
        margin=amount if wish.unit is Unit.MARGIN else None,
        qty=amount if wish.unit is Unit.SIZE else None,
        leverage=_number(wish.leverage.rstrip("xX×"), "leverage") if wish.leverage.strip() else None,
        patient=wish.how is How.PATIENT,
        stop=_number(wish.stop, "stop") if wish.stop.strip() else None,
    )


def reduction(wish: Wish, position: PositionView) -> Reduce:
    """The part of `position` that the ticket closes. Raises Unclear."""
    amount = _number(wish.amount.rstrip("% "), "amount")
    if wish.unit is Unit.PART:
        if amount > 100:
            raise Unclear("write 100 % or less")
        return Reduce(position.symbol, position.side, amount / 100)
    whole = position.margin if wish.unit is Unit.MARGIN else position.size
    if not whole or amount > whole:
        shown = fixed(whole, 2 if wish.unit is Unit.MARGIN else position.qty_decimals)
        raise Unclear(f"the position has {shown} {wish.unit.value}: write that or less")
    part = (amount / whole).quantize(FINEST, ROUND_CEILING)
    return Reduce(position.symbol, position.side, min(part, Decimal(1)))


def _symbol(wish: Wish) -> str:
    symbol = wish.symbol.strip().upper()
    if not symbol.isalnum():
        raise Unclear("write a symbol, such as BTCUSDT")
    return symbol


def _number(text: str, what: str) -> Decimal:
    """A number above zero, with or without thousands commas. Raises Unclear."""
    plain = text.strip().replace(",", "")
    if not plain:
        raise Unclear(f"write the {what}")
    try:
        value = exactly(plain)
    except ValueError:
        raise Unclear(f"the {what} {text!r} is no number") from None
    if value <= 0:
        raise Unclear(f"the {what} must be above 0")
    return value


def facts(view: TicketView) -> tuple[Fact, ...]:
    """What the entry would do."""
    places = view.price_decimals
    if view.qty is None:
        return ()
    enlarges = view.size_after != view.qty
    found: list[Fact] = [
        (
            "Buys" if view.side is Side.LONG else "Sells",
            f"{_size(view, view.qty)} at about {_price(view.price, places)}",
        ),
        (
            "Margin",
            f"{fixed(view.margin, 2)} USDT at {times(view.leverage)}, notional {fixed(view.notional, 2)}",
        ),
        ("Fee", f"{signed(None if view.fee is None else -view.fee)} USDT to open"),
        ("Liquidation", f"{_price(view.liquidation, places)}, {percent(view.distance)} away"),
        ("Worst case", _worst(view)),
        ("Free then", f"{fixed(view.free_after, 2)} USDT"),
    ]
    if enlarges:
        after = f"{_size(view, view.size_after)} at {_price(view.entry_after, places)}"
        found.insert(1, ("Position then", after))
    return tuple(found)


def _size(view: TicketView, value: Decimal | None) -> str:
    """`0.22 ETH`."""
    return size(value, view.qty_decimals, view.symbol)


def _price(value: Decimal | None, places: int) -> str:
    return price(value, places)


def _worst(view: TicketView) -> str:
    if view.worst_before:
        return f"{cautious(view.worst_before)} → {cautious(view.worst_case)} USDT"
    return f"{cautious(view.worst_case)} USDT"


def limit_line(limit: LimitView) -> str:
    """`entry margin 9.98, limit 10.97`."""
    return f"{limit.name} {limit.now}, limit {limit.limit}"


def limit_facts(view: TicketView) -> tuple[Fact, ...]:
    """The limits that it touches one by one, then the names of those that it does not."""
    touched = tuple(("✖ Touches", limit_line(limit)) for limit in view.limits if limit.hit)
    kept = " · ".join(limit.name for limit in view.limits if not limit.hit)
    return (*touched, *((("✓ Within", kept),) if kept else ()))


def entry_question(view: TicketView, wish: Wish) -> Question:
    """The last look before an entry goes out."""
    told = [*facts(view), ("How", wish.how.value)]
    if wish.stop.strip():
        told.append(("Stop", f"{wish.stop.strip()}, placed with the entry"))
    told += limit_facts(view)
    told += [("Careful", printable(warning)) for warning in view.warnings]
    title = f"{wish.does.value} {printable(view.symbol)}: send it?"
    return Question(title[0].upper() + title[1:], tuple(told), "Send")
