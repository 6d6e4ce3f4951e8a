"""The numbers beside an axis: round, evenly apart, and as few as can be read."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from tui.view_model.numbers import clock, date, fixed

DAY_MS: Final = 86_400_000
STEPS: Final = tuple(Decimal(each) for each in (1, 2, 5, 10, 20))


def scale(low: Decimal, high: Decimal, most: int) -> tuple[tuple[Decimal, str], ...]:
    """At most `most` round numbers from `low` to `high` with their words, which are all equally wide."""
    if high <= low or most < 1:
        return ()
    step = _step(low, high, most)
    first, last = _inside(low, high, step)
    values = [k * step for k in range(first, last + 1)]
    places = max(0, -step.adjusted())
    words = [fixed(value, places) for value in values]
    width = max(map(len, words), default=0)
    return tuple((value, f"{word:>{width}} ") for value, word in zip(values, words, strict=True))


def _step(low: Decimal, high: Decimal, most: int) -> Decimal:
    """The smallest 1, 2 or 5 of a power of ten that has not too many of its multiples in between."""
    unit = Decimal(1).scaleb(((high - low) / most).adjusted())
    for step in (unit * each for each in STEPS):
        first, last = _inside(low, high, step)
        if last - first < most:
            return step
    raise AssertionError(f"{most} steps of {unit * STEPS[-1]} reach from {low} to {high}")


def _inside(low: Decimal, high: Decimal, step: Decimal) -> tuple[int, int]:
    """The first and the last multiple of `step` from `low` to `high`, as numbers of steps."""
    return (
        int((low / step).to_integral_value(ROUND_CEILING)),
        int((high / step).to_integral_value(ROUND_FLOOR)),
    )


def moments(first: int, last: int, most: int) -> tuple[tuple[int, str], ...]:
    """At most `most` moments from `first` to `last`, and their words: days or times of day."""
    told = date if last - first > 2 * DAY_MS else clock
    cut = slice(5, None) if told is date else slice(5)
    places = (first + k * (last - first) // max(1, most - 1) for k in range(most))
    found = {told(at)[cut]: at for at in places}
    return tuple((at, words) for words, at in found.items())


def padded(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """The ends of an axis: a little beyond what is drawn, so that nothing lies on the frame."""
    more = (high - low) / 20 or max(abs(high) / 1000, Decimal("0.01"))
    return low - more, high + more
