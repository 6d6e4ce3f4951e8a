"""How a trader may write a value: fractions as `0.2` or `"20 %"`, spans of the week as words, symbols in any
spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.core.settings import Window
from engine.protocol import exactly

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES

_CLOCK = r"(\d{1,2}):(\d{2})"
_SPAN: Final = re.compile(rf"(\w+)\s+{_CLOCK}\s*-\s*(\w+)\s+{_CLOCK}")
_DAILY: Final = re.compile(rf"(\w+)(?:\s*-\s*(\w+))?\s+{_CLOCK}\s*-\s*{_CLOCK}")


def number(value: object) -> object:
    """A number as an exact Decimal; `"20 %"` is 0.2. What is no number is given back as it is, for the type
    to refuse.

    A bool is refused here, because Python would take it for 0 or 1.
    """
    if isinstance(value, bool):
        raise ValueError("not a number")
    if not isinstance(value, str):
        return value
    text = value.strip().replace("−", "-")
    try:
        return exactly(text[:-1].strip()) / 100 if text.endswith("%") else exactly(text)
    except ValueError:
        raise ValueError("not a number") from None


def switch(value: object) -> object:
    """`true` and `false`, as a file and as a variable write them. Anything else is given back as it is, for
    the type to refuse: a "yes" may be meant for another option.
    """
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def symbol(text: str) -> str:
    """Bitget's spelling of a USDT perpetual: `BTC/USDT:USDT`, `btc-usdt` and `BTCUSDT` are all `BTCUSDT`."""
    plain = re.sub(r"[/\-_]", "", text.strip().upper().split(":")[0])
    if not re.fullmatch(r"[A-Z0-9]{1,20}USDT", plain):
        raise ValueError(f"{text!r} is not a USDT perpetual; write it like BTCUSDT")
    return plain


def windows(text: str) -> tuple[Window, ...]:
    """`"Sun 22:00 - Fri 21:00"` is one span of the week; `"Mon-Fri 08:00-22:00"` is the same hours on each
    of these days.

    Times are UTC. A span that crosses the end of the week becomes two windows.
    """
    if span := _SPAN.fullmatch(text.strip()):
        first, h1, m1, last, h2, m2 = span.groups()
        return tuple(_between(_minute(first, h1, m1), _minute(last, h2, m2), text))
    if daily := _DAILY.fullmatch(text.strip()):
        first, last, h1, m1, h2, m2 = daily.groups()
        return tuple(
            window
            for day in _days(_day(first), _day(last or first))
            for window in _hours(day, _clock(h1, m1), _clock(h2, m2), text)
        )
    raise ValueError(
        f'{text!r} is not a span of the week; write "Sun 22:00 - Fri 21:00" or "Mon-Fri 08:00-22:00"'
    )


def night(text: str) -> tuple[int, int]:
    """`"22:00-07:00"` as minutes of the UTC day, the first included, the last not."""
    found = re.fullmatch(rf"{_CLOCK}\s*-\s*{_CLOCK}", text.strip())
    if not found:
        raise ValueError(f'{text!r} is not a span of the day; write "22:00-07:00"')
    start, end = _clock(found[1], found[2]), _clock(found[3], found[4])
    if start == end:
        raise ValueError(f"{text!r} ends when it begins; leave it empty for no night")
    return start, end


def _between(start: int, end: int, text: str) -> Iterator[Window]:
    if start == end % WEEK_MINUTES:
        raise ValueError(f"{text!r} ends when it begins; leave `windows` empty for the whole week")
    if start < end:
        yield Window(start, end)
        return
    yield Window(start, WEEK_MINUTES)
    if end:
        yield Window(0, end)


def _hours(day: int, start: int, end: int, text: str) -> Iterator[Window]:
    base = day * DAY_MINUTES
    if start < end:
        yield Window(base + start, base + end)
        return
    if start == end:
        raise ValueError(f"{text!r} ends when it begins; a whole day is 00:00-24:00")
    yield from _between(base + start, (base + DAY_MINUTES + end) % WEEK_MINUTES, text)


def _days(first: int, last: int) -> Iterator[int]:
    day = first
    yield day
    while day != last:
        day = (day + 1) % 7
        yield day


def _minute(day: str, hour: str, minute: str) -> int:
    return _day(day) * DAY_MINUTES + _clock(hour, minute)


def _day(word: str) -> int:
    for index, day in enumerate(DAYS):
        if len(word) >= 3 and word.lower().startswith(day.lower()):
            return index
    raise ValueError(f"{word!r} is not a day; write one of {', '.join(DAYS)}")


def _clock(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > DAY_MINUTES:
        raise ValueError(f"{hour}:{minute} is not a time of day; write 00:00 to 24:00")
    return minutes
