"""Moments of the recorded month that are worth watching: real prices, only the beginning is chosen."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.core.instrument import Side
from engine.demo.refused import DemoRefused


class Scenario(msgspec.Struct, frozen=True):
    """Where the market begins (`start`, ISO 8601 UTC; empty: at the first recorded minute), what the hand
    opens, how fast the market runs (market time over real time) and how many minutes of it the story lasts.
    """

    name: str
    story: str
    start: str
    symbol: str
    side: Side
    speed: float
    minutes: int


SCENARIOS: Final = (
    Scenario(
        "rally",
        "ETH on the evening of 8 May 2025, up 5 % in an hour",
        "2025-05-08T19:42",
        "ETHUSDT",
        Side.LONG,
        60,
        120,
    ),
    Scenario(
        "reversal",
        "ETH later that evening, one rung up and then back through its stop",
        "2025-05-08T20:49",
        "ETHUSDT",
        Side.LONG,
        60,
        90,
    ),
    Scenario(
        "fall",
        "ETH short on 23 May 2025, down nearly 5 % in half an hour",
        "2025-05-23T11:45",
        "ETHUSDT",
        Side.SHORT,
        30,
        60,
    ),
)

OWN: Final = Scenario("own", "a market of your own, from its first minute", "", "", Side.LONG, 60, 120)
"""What is played with `--data` and no scenario."""


def scenario_of(name: str | None, *, own_data: bool) -> Scenario:
    """The scenario of that name; without one the first, or the trader's own data from their beginning.

    Raises DemoRefused for a name that nobody knows.
    """
    if name is None:
        return OWN if own_data else SCENARIOS[0]
    found = next((each for each in SCENARIOS if each.name == name), None)
    if found is None:
        known = "; ".join(f"{each.name} ({each.story})" for each in SCENARIOS)
        raise DemoRefused(f"--scenario {name} is not known. There are: {known}")
    return found
