"""An alert as it comes: JSON, or a text of `name = value`, with the blanks and NaNs that TradingView leaves.

    {"action": "buy", "sentiment": "long", "ticker": "{{ticker}}", "token": "…", "price": "{{close}}",
     "stop_loss_price": "…", "id": "{{strategy.order.id}}-{{time}}", "time": "{{time}}",
     "timenow": "{{timenow}}", "interval": "{{interval}}"}

The first four are needed. Source of the placeholders: TradingView's help, article 43000531021.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from engine.core.events import SignalOutcome
from engine.protocol import exactly

NOTHING: Final = frozenset({"", "nan", "na", "null", "none", "undefined"})
"""What a placeholder becomes when there is nothing to fill in."""

LARGEST: Final = Decimal(10) ** 12
_TICKER: Final = re.compile(r"(?:([A-Z0-9_]{1,20}):)?([A-Z0-9]{2,20}USDT)(?:\.P)?")
_PAIR: Final = re.compile(r"""["']?(\w+)["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s,;]+))""")
_INTERVAL: Final = re.compile(r"(\d*)([SHDWM]?)")
_SECONDS: Final = {"S": 1, "": 60, "H": 3600, "D": 86_400, "W": 604_800}


class Unreadable(Exception):
    """The body is no alert that counts. `status` is the HTTP status, `outcome` its name in the journal; the
    text says what is wrong and repeats no token.
    """

    def __init__(self, status: int, text: str, outcome: SignalOutcome = SignalOutcome.UNREADABLE) -> None:
        super().__init__(text)
        self.status = status
        self.outcome = outcome


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Sentiment(StrEnum):
    LONG = "long"
    SHORT = "short"
    FLAT = "flat"


class Message(msgspec.Struct, frozen=True):
    """What TradingView's alert has to say, as JSON or as text of `name = value`. Prices and times are texts
    or numbers; what is blank or NaN counts as not told. More names than these do not matter.
    """

    action: Action
    sentiment: Sentiment
    ticker: str
    token: str
    price: str | float | None = None
    stop_loss_price: str | float | None = None
    id: str | None = None
    time: str | int | None = None
    timenow: str | int | None = None
    interval: str | None = None


class Alert(msgspec.Struct, frozen=True):
    """An alert that can be understood. `bar` is the opening of its bar and `fired` the moment it fired, both
    milliseconds UTC and None when not told; `bar_s` the length of the bar. It holds no token.
    """

    action: Action
    sentiment: Sentiment
    symbol: str
    price: Decimal | None = None
    stop: Decimal | None = None
    id: str = ""
    bar: int | None = None
    fired: int | None = None
    bar_s: int | None = None


def fields_of(body: bytes) -> dict[str, str]:
    """The names and values of a body, all as texts, without those that hold nothing. Raises Unreadable."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Unreadable(400, "the body is not UTF-8 text") from None
    found = _json(text) if text.startswith("{") else None
    if found is None:
        found = {name: a or b or c for name, a, b, c in _PAIR.findall(text)}
    told = {name.lower(): _text(value) for name, value in found.items()}
    filled = {name: value for name, value in told.items() if value.lower() not in NOTHING}
    if not filled:
        raise Unreadable(400, "the body is no alert: send JSON, or lines such as action=buy")
    return filled


def _json(text: str) -> dict[str, Any] | None:
    """Numbers stay as they are written. None when this is no JSON: TradingView sends such bodies too, when a
    placeholder stays empty.
    """
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda _: "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str:
    """Empty for what no field of an alert can be."""
    return value.strip() if isinstance(value, str) else ""


def alert_of(fields: dict[str, str]) -> Alert:
    """The alert. Raises Unreadable (422) for what is missing or makes no sense."""
    return Alert(
        action=_word(fields, "action", Action),
        sentiment=_word(fields, "sentiment", Sentiment),
        symbol=symbol_of(_needed(fields, "ticker")),
        price=_price(fields, "price"),
        stop=_price(fields, "stop_loss_price"),
        id=_id(fields.get("id", "")),
        bar=_moment(fields, "time"),
        fired=_moment(fields, "timenow"),
        bar_s=_interval(fields.get("interval", "")),
    )


def symbol_of(ticker: str) -> str:
    """`BTCUSDT`, `BTCUSDT.P` and `BITGET:BTCUSDT.P` are all `BTCUSDT`. Raises Unreadable."""
    found = _TICKER.fullmatch(ticker.strip().upper())
    if found is None:
        raise Unreadable(
            422, f"ticker {ticker[:40]!r} is no USDT perpetual: write BTCUSDT, BTCUSDT.P or BITGET:BTCUSDT.P"
        )
    return found[2]


Word = TypeVar("Word", Action, Sentiment)


def _word(fields: dict[str, str], name: str, words: type[Word]) -> Word:
    given = _needed(fields, name).lower()
    if given not in {word.value for word in words}:
        known = ", ".join(word.value for word in words)
        raise Unreadable(422, f"{name} must be one of {known}, got {given[:40]!r}")
    return words(given)


def _needed(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise Unreadable(422, f"the alert tells no {name}: put it in the message of the alert")
    return fields[name]


def _price(fields: dict[str, str], name: str) -> Decimal | None:
    if name not in fields:
        return None
    try:
        value = exactly(fields[name])
    except ValueError as unclear:
        raise Unreadable(422, f"{name} must be a price above 0: {unclear}") from None
    if not 0 < value <= LARGEST or value.adjusted() < -12 or len(fields[name]) > 30:
        raise Unreadable(422, f"{name} must be a price above 0, got {fields[name][:40]!r}")
    return value


def _id(given: str) -> str:
    if len(given) > 200:
        raise Unreadable(422, "id has at most 200 characters")
    return "".join(each if each.isprintable() else "?" for each in given)


def _moment(fields: dict[str, str], name: str) -> int | None:
    """`2026-01-31T12:00:00Z`, or milliseconds or seconds since 1970."""
    if name not in fields:
        return None
    given = fields[name]
    if re.fullmatch(r"\d{10}|\d{13}", given):
        return int(given) * (1000 if len(given) == 10 else 1)
    try:
        moment = datetime.fromisoformat(given)
        told = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(told.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Unreadable(
            422, f"{name} must be a time such as 2026-01-31T12:00:00Z ({{{{{name}}}}}), got {given[:40]!r}"
        ) from None


def _interval(given: str) -> int | None:
    """The seconds of `15`, `240`, `1D`, `W`, `30S`; None for what is not told or has no fixed length."""
    found = _INTERVAL.fullmatch(given.upper())
    if not given or found is None or found[2] not in _SECONDS or len(found[1]) > 6:
        return None
    return int(found[1] or 1) * _SECONDS[found[2]]
