"""Inside a recorded minute the price goes where the bar says, and nowhere else."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.simulator.candles import MINUTE_MS, Candle
from engine.simulator.path import Wander, moments, walk

TICK = Decimal("0.1")
START = 1_746_372_780_000


def bar(open_: int, high: int, low: int, close: int) -> Candle:
    return Candle(START, *(TICK * price for price in (open_, high, low, close)), Decimal(1))


@st.composite
def bars(draw: st.DrawFn) -> Candle:
    low = draw(st.integers(1, 1_000_000))
    high = draw(st.integers(low, low + 5_000))
    return bar(draw(st.integers(low, high)), high, low, draw(st.integers(low, high)))


@given(candle=bars(), steps=st.integers(0, 30), seed=st.text(max_size=4))
def test_the_ticks_of_a_bar_make_the_bar_again(candle: Candle, steps: int, seed: str) -> None:
    prices = [TICK * price for price in walk(candle, TICK, steps, seed)]
    assert len(prices) == 4 + 3 * steps
    assert (prices[0], max(prices), min(prices), prices[-1]) == (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
    )


def test_the_nearer_extreme_is_visited_first() -> None:
    assert walk(bar(100, 103, 90, 95), TICK, 0, "") == [100, 103, 90, 95]
    assert walk(bar(100, 115, 98, 95 + 10), TICK, 0, "") == [100, 98, 115, 105]


def test_a_tie_goes_to_the_high() -> None:
    assert walk(bar(100, 105, 95, 100), TICK, 0, "") == [100, 105, 95, 100]


def test_the_same_seed_walks_the_same_path_and_another_seed_another() -> None:
    candle = bar(1_000, 1_400, 700, 900)
    assert walk(candle, TICK, 19, "a") == walk(candle, TICK, 19, "a")
    assert walk(candle, TICK, 19, "a") != walk(candle, TICK, 19, "b")


@given(count=st.integers(1, 200))
def test_the_ticks_of_a_minute_are_seen_within_it_in_order(count: int) -> None:
    seen = moments(START, count)
    assert seen[0] == START
    assert seen == sorted(seen)
    assert seen[-1] < START + MINUTE_MS


@given(ts=st.integers(0, 2**42), reach=st.floats(0, 0.01))
def test_the_basis_never_exceeds_its_reach(ts: int, reach: float) -> None:
    assert abs(Wander("seed", reach)(ts)) <= reach * (1 + 1e-9)


def test_the_basis_is_a_function_of_time_alone() -> None:
    drifting, fresh = Wander("seed", 0.001), Wander("seed", 0.001)
    for ts in range(START, START + 10 * MINUTE_MS, 7_000):
        drifting(ts)
    later = START + 20 * MINUTE_MS
    assert drifting(later) == fresh(later)


def test_the_basis_does_not_jump_between_minutes() -> None:
    basis = Wander("seed", 0.001)
    assert abs(basis(START + MINUTE_MS - 1) - basis(START + MINUTE_MS)) < 1e-6
