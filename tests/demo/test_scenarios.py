"""The moments that the demo shows are in the recordings, and what they promise happens there."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

import engine.simulator
from engine.cli import main
from engine.core.settings import Settings
from engine.demo.scenario import SCENARIOS, Scenario

RECORDED = Path(engine.simulator.__file__).parent / "recorded"


@cache
def minutes_of(symbol: str) -> tuple[tuple[int, Decimal, Decimal, Decimal], ...]:
    """Opening time (ms), open, high and low of every recorded minute."""
    [file] = RECORDED.glob(f"{symbol}-*.csv.gz")
    with gzip.open(file, "rt") as text:
        rows = list(csv.reader(text))[1:]
    return tuple((int(ts), Decimal(o), Decimal(high), Decimal(low)) for ts, o, high, low, *_ in rows)


def best_of(minute: tuple[int, Decimal, Decimal, Decimal], d: Decimal) -> Decimal:
    """The price of a minute that a long (d above 0) or a short likes best."""
    return minute[2] if d > 0 else minute[3]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_the_first_rung_is_reached_within_40_seconds_and_never_near_liquidation(scenario: Scenario) -> None:
    start = int(datetime.fromisoformat(scenario.start).replace(tzinfo=UTC).timestamp() * 1000)
    leverage = Settings(account="demo").leverage_of(scenario.symbol)
    assert leverage is not None
    played = [minute for minute in minutes_of(scenario.symbol) if minute[0] >= start]
    entry, d = played[0][1], Decimal(scenario.side.d)
    trigger = entry * (1 + d / leverage)
    until_then = list(takewhile(lambda minute: d * (best_of(minute, d) - trigger) < 0, played))
    assert len(until_then) * 60 / scenario.speed <= 40
    assert all(d * (best_of(minute, -d) / entry - 1) > Decimal("-0.01") for minute in until_then)


def test_the_story_of_every_scenario_fits_into_three_minutes() -> None:
    assert all(each.minutes * 60 / each.speed <= 170 for each in SCENARIOS)


def test_help_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--help"]) == 0
    told = capsys.readouterr().out
    assert [each.name for each in SCENARIOS if each.name not in told] == []
