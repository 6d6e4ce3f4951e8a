"""Every granularity comes from the same minutes, and the forming bar is always there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.simulator.candles import MINUTE_MS, Candle
from engine.simulator.chart import GRANULARITIES, Chart

START = 1_746_403_200_000  # 2025-05-05 00:00 UTC, a Monday


def minutes(count: int, first: int = START) -> list[Candle]:
    return [
        Candle(first + MINUTE_MS * n, *(Decimal(100 + n + away) for away in (0, 2, -2, 1)), Decimal(1))
        for n in range(count)
    ]


def test_five_minutes_join_into_one_bar() -> None:
    chart = Chart(minutes(10))
    first, second = chart.bars("5m", 10)
    assert (first.open, first.high, first.low, first.close, first.volume) == tuple(
        map(Decimal, (100, 106, 98, 105, 5))
    )
    assert second.ts == START + 5 * MINUTE_MS


def test_the_forming_minute_shows_what_has_traded_so_far() -> None:
    chart = Chart(minutes(5))
    now = START + 5 * MINUTE_MS
    for price in ("110", "115", "109", "112"):
        chart.trade(now, Decimal(price), Decimal("0.5"))
    forming = chart.bars("1m", 1)[0]
    assert (forming.ts, forming.open, forming.high, forming.low, forming.close, forming.volume) == (
        now,
        *map(Decimal, ("110", "115", "109", "112", "2.0")),
    )
    assert chart.bars("5m", 5)[-1] == forming
    assert len(chart.bars("5m", 5)) == 2


def test_a_forming_hour_contains_its_closed_minutes() -> None:
    chart = Chart(minutes(30))
    chart.trade(START + 30 * MINUTE_MS, Decimal(500), Decimal(1))
    [hour] = chart.bars("1H", 5)
    assert (hour.ts, hour.open, hour.high, hour.close, hour.volume) == (
        START,
        *map(Decimal, (100, 500, 500, 31)),
    )


def test_rolling_up_goes_on_where_it_stopped() -> None:
    chart = Chart(minutes(7))
    assert [bar.volume for bar in chart.bars("5m", 9)] == [5, 2]
    for n in range(7, 12):
        chart.trade(START + MINUTE_MS * n, Decimal(100), Decimal(1))
    assert [bar.volume for bar in chart.bars("5m", 9)] == [5, 5, 2]
    assert chart.bars("5m", 9) == chart.bars("5m", 9)


def test_a_window_starts_where_it_is_told_and_ends_before_its_end() -> None:
    chart = Chart(minutes(10))
    stamps = [bar.ts for bar in chart.bars("1m", 3, START + 2 * MINUTE_MS, START + 8 * MINUTE_MS)]
    assert stamps == [START + n * MINUTE_MS for n in (2, 3, 4)]
    stamps = [bar.ts for bar in chart.bars("1m", 2, end=START + 8 * MINUTE_MS)]
    assert stamps == [START + n * MINUTE_MS for n in (6, 7)]


@pytest.mark.parametrize(
    ("granularity", "opening"),
    [
        ("15m", "2025-05-08T17:15"),
        ("4H", "2025-05-08T16:00"),
        ("6Hutc", "2025-05-08T12:00"),
        ("6H", "2025-05-08T16:00"),
        ("1Dutc", "2025-05-08T00:00"),
        ("1D", "2025-05-08T16:00"),
        ("1Wutc", "2025-05-05T00:00"),
        ("1W", "2025-05-04T16:00"),
        ("1Mutc", "2025-05-01T00:00"),
        ("1M", "2025-04-30T16:00"),
    ],
)
def test_bars_open_where_bitget_opens_them(granularity: str, opening: str) -> None:
    moment = int(datetime(2025, 5, 8, 17, 23, tzinfo=UTC).timestamp() * 1000)
    opened = datetime.fromtimestamp(GRANULARITIES[granularity](moment) / 1000, UTC)
    assert opened.strftime("%Y-%m-%dT%H:%M") == opening


def test_the_day_looks_back_24_hours_and_no_further() -> None:
    chart = Chart(minutes(3_000))
    now = START + 3_000 * MINUTE_MS
    chart.trade(now, Decimal(50), Decimal(2))
    day = chart.day()
    assert day.volume == 1_439 + 2
    assert day.open == 100 + 3_000 - 1_439
    assert (day.high, day.low) == (100 + 2_999 + 2, 50)
    assert day.open_utc == 100 + 2_880


def test_the_day_is_known_before_the_first_trade() -> None:
    day = Chart(minutes(10)).day()
    assert (day.open, day.high, day.low, day.volume) == (100, 111, 98, 10)
