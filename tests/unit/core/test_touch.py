"""The touch, at which an entry waits: read only then, and a frame may have told anything."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.exchange import Tick

D = Decimal
TICK = Tick("BTCUSDT", D(99_000), D(99_000), 1, bid="98999.9", ask="99000.1")


def test_a_buyer_meets_the_ask_and_a_seller_the_bid() -> None:
    assert (TICK.touch(buys=True), TICK.touch(buys=False)) == (D("99000.1"), D("98999.9"))


@pytest.mark.parametrize("told", ["", "nonsense", "NaN", "Infinity", "0", "-1"])
def test_what_is_no_price_is_no_touch(told: str) -> None:
    assert replace(TICK, ask=told).touch(buys=True) is None
    assert replace(TICK, bid=told).touch(buys=False) is None
