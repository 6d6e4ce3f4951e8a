"""A trader without a position, and TradingView that sends to him, for every test beside this file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from trading_view import Trader, TradingView, listening


@pytest.fixture
def trader() -> Trader:
    return Trader()


@pytest.fixture
async def view(trader: Trader) -> AsyncIterator[TradingView]:
    async with listening(trader) as view:
        yield view
