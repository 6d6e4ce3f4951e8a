"""How fast the market's clock runs, measured from what the engine sent."""

from __future__ import annotations

from msgspec.structs import replace

from tests.desk.scenes import ENGINE
from tui.pace import Pace


def measured(*looks: tuple[float, float], pace: Pace | None = None) -> int | None:
    """After looks at both clocks, seconds since the engine's start."""
    pace = pace or Pace()
    for now, market in looks:
        pace.look(
            replace(ENGINE, now=ENGINE.started + round(now * 1000), market=5_000_000 + round(market * 1000))
        )
    return pace.times


def test_one_look_and_two_that_are_near_say_nothing() -> None:
    assert measured((1, 60)) is None
    assert measured((1, 60), (2.9, 174)) is None


def test_two_clocks_tell_how_fast_the_market_runs() -> None:
    assert measured((1, 60), (4, 240)) == 60
    assert measured((1, 0), (4, 0)) == 0
    assert measured((1, 1), (4, 4)) == 1
    assert measured((1, 0), (4, 3_590)) == 1200


def test_a_measurement_that_trembles_changes_nothing() -> None:
    pace = Pace()
    assert measured((1, 60), (4, 240), pace=pace) == 60
    assert measured((4.25, 249), (4.5, 275), pace=pace) == 60


def test_a_market_that_runs_faster_is_told_within_seconds() -> None:
    pace = Pace()
    assert measured((0, 0), (4, 240), pace=pace) == 60
    assert measured(*((5 + k, 240 + 600 * (k + 1)) for k in range(8)), pace=pace) == 600


def test_an_engine_that_was_started_again_is_measured_anew() -> None:
    pace = Pace()
    assert measured((1, 60), (4, 240), pace=pace) == 60
    pace.look(replace(ENGINE, started=ENGINE.started + 9_000, now=ENGINE.now + 9_000))
    assert pace.times is None
