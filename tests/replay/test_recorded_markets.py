"""Whole recorded markets through ccxt and the wire, at full speed, held against a second, independent
computation.

Every trade, every stop that ever rested, and the last unit of the balance have to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.instrument import Side
from tests.replay.play import BALANCE, Replayed, replay

HERE = Path(__file__).parents[2]
SHIPPED = HERE / "engine" / "simulator" / "recorded"
OPTIONAL = HERE.parent / "shared" / "data" / "candles"
BOTH_LONG = {"BTCUSDT": Side.LONG, "ETHUSDT": Side.LONG}
BOTH_SHORT = {"BTCUSDT": Side.SHORT, "ETHUSDT": Side.SHORT}
PENNY = Decimal("1e-9")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def agree(done: Replayed, sides: Mapping[str, Side]) -> None:
    """Everything that happened is what the rule book says must happen."""
    for symbol in sides:
        mine = [t for t in done.mine.trades if t.symbol == symbol]
        assert mine == [t for t in done.reference.trades if t.symbol == symbol]
        rested = [stops for name, _, stops in done.mine.stops if name == symbol]
        assert rested == [stops for name, _, stops in done.reference.stops if name == symbol]
        assert abs(done.mine.paid[symbol] - done.reference.paid[symbol]) < PENNY
    assert done.mine.ended == done.reference.ended
    assert done.mine.rungs == done.reference.rungs
    assert BALANCE + sum(done.mine.paid.values()) == done.balance, (
        "the ledger and the exchange, to the last unit"
    )


@pytest.mark.long
async def test_the_shipped_month_goes_as_the_rule_book_says(tmp_path: Path) -> None:
    files = [SHIPPED / f"{coin}USDT-perp-1m-2025-05.csv.gz" for coin in ("BTC", "ETH")]
    done = await replay(tmp_path, files, BOTH_LONG, until=ms("2025-06-03T15:31"))
    agree(done, BOTH_LONG)
    assert done.mine.rungs == {"BTCUSDT": 2, "ETHUSDT": 0}
    assert done.mine.ended == {"BTCUSDT": "", "ETHUSDT": "liquidation"}


@pytest.mark.parametrize(
    ("name", "sides", "start", "until"),
    [
        pytest.param(
            "2024-08", BOTH_SHORT, "2024-08-04T12:00", "2024-08-05T23:59", id="2024-08-05, on its side"
        ),
        pytest.param(
            "2024-08", BOTH_LONG, "2024-08-04T12:00", "2024-08-05T23:59", id="2024-08-05, against it"
        ),
        pytest.param(
            "2024-08", BOTH_LONG, "2024-08-05T06:30", "2024-08-06T12:00", id="2024-08-05, the rebound"
        ),
        pytest.param(
            "2021-04", {"BTCUSDT": Side.SHORT}, "2021-04-17T12:00", "2021-04-18T23:59", id="2021-04-18, on it"
        ),
        pytest.param(
            "2021-04",
            {"BTCUSDT": Side.LONG},
            "2021-04-17T12:00",
            "2021-04-18T23:59",
            id="2021-04-18, under it",
        ),
    ],
)
async def test_crash_hours_gap_through_triggers_and_stops_as_the_rule_book_says(
    tmp_path: Path, name: str, sides: Mapping[str, Side], start: str, until: str
) -> None:
    files = [OPTIONAL / f"{symbol}-spot-1m-{name}.csv.gz" for symbol in sides]
    if not all(file.exists() for file in files):
        pytest.skip(f"the recording of {name} is not ours to ship; put it into {OPTIONAL.name}/ to run this")
    agree(await replay(tmp_path, files, sides, start=ms(start), until=ms(until)), sides)
