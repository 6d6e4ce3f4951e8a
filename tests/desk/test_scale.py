"""The numbers beside an axis."""

from __future__ import annotations

from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view_model.chart import span
from tui.view_model.scale import moments, padded, scale

MONEY = st.decimals("0.01", "250000", places=2)


def labels(low: str, high: str, most: int) -> list[str]:
    return [words for _, words in scale(D(low), D(high), most)]


@pytest.mark.parametrize(
    ("low", "high", "most", "told"),
    [
        ("96500", "106300", 6, [" 98,000 ", "100,000 ", "102,000 ", "104,000 ", "106,000 "]),
        ("2033.7", "2128.2", 3, ["2,050 ", "2,100 "]),
        ("99.4", "102.1", 2, ["100 ", "102 "]),
        ("0.07", "0.13", 4, ["0.08 ", "0.10 ", "0.12 "]),
        ("-30", "30", 3, ["-20 ", "  0 ", " 20 "]),
    ],
)
def test_an_axis_has_round_numbers_of_one_width(low: str, high: str, most: int, told: list[str]) -> None:
    assert labels(low, high, most) == [each.replace("-", "−") for each in told]


@given(MONEY, MONEY, st.integers(1, 8))
def test_an_axis_never_has_more_numbers_than_asked_for_and_none_outside(low: D, more: D, most: int) -> None:
    ends = padded(low, low + more)
    values = [value for value, _ in scale(*ends, most)]
    assert len(values) <= most
    assert all(ends[0] <= value <= ends[1] for value in values)
    assert len({b - a for a, b in pairwise(values)}) <= 1


def test_what_stands_still_has_an_axis_around_it() -> None:
    low, high = padded(D(100), D(100))
    assert low < 100 < high
    assert "100.0 " in labels(str(low), str(high), 3)


def test_moments_are_told_once_and_days_as_days() -> None:
    assert [words for _, words in moments(0, 60_000, 5)] == ["00:00", "00:01"]
    assert [words for _, words in moments(0, 4 * 86_400_000, 3)] == ["01-01", "01-03", "01-05"]


def test_few_candles_stand_together_at_the_newest() -> None:
    left, right = span(6, 100)
    assert right - 6 == pytest.approx(20 / 0.78 - 20), "the names begin where the newest candle stands"
    assert 6 - left == 21, "five cells from one to the next"
    assert span(100, 100)[0] == -1, "many fill the room"
