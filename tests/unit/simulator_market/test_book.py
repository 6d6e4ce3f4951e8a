"""The book has depth around its best prices, and a checksum that clients can follow."""

from __future__ import annotations

import zlib
from decimal import Decimal

from engine.simulator.book import LEVELS, Depth, checksum, thinned

TICK, LOT = Decimal("0.1"), Decimal("0.0001")


def depth(seed: str = "0") -> Depth:
    return Depth(seed, Decimal(95_000), TICK, LOT, Decimal(2_700_000))


def test_bids_fall_and_asks_rise_on_the_tick_and_the_lot() -> None:
    bids, asks = depth().bids(950_000, 5), depth().asks(950_001, 5)
    assert len(bids) == len(asks) == LEVELS
    assert [price for price, _ in bids] == sorted({price for price, _ in bids}, reverse=True)
    assert [price for price, _ in asks] == sorted({price for price, _ in asks})
    assert bids[0][0] == Decimal("95000.0") and asks[0][0] == Decimal("95000.1")
    assert all(price % TICK == 0 and size % LOT == 0 and size > 0 for price, size in (*bids, *asks))


def test_a_side_holds_a_few_minutes_of_turnover_within_some_basis_points() -> None:
    for turn in range(40):
        bids = depth().bids(950_000, turn)
        assert Decimal(1_000_000) < sum(price * size for price, size in bids) < Decimal(15_000_000)
        assert Decimal(95_000) * Decimal("0.999") < bids[-1][0]


def test_the_same_seed_draws_the_same_book() -> None:
    assert depth("7").asks(950_000, 3) == depth("7").asks(950_000, 3)
    assert depth("7").asks(950_000, 3) != depth("8").asks(950_000, 3)


def test_bids_never_reach_zero() -> None:
    cheap = Depth("0", Decimal("0.5"), TICK, LOT, Decimal(1_000))
    assert [price for price, _ in cheap.bids(3, 0)] == [Decimal("0.3"), Decimal("0.2"), Decimal("0.1")]


def test_a_thinned_book_holds_exactly_the_cap() -> None:
    levels = ((Decimal(10), Decimal(2)), (Decimal(9), Decimal(2)))
    assert thinned(levels, Decimal(3)) == ((Decimal(10), Decimal(2)), (Decimal(9), Decimal(1)))
    assert thinned(levels, Decimal(1)) == ((Decimal(10), Decimal(1)),)


def test_the_checksum_is_bitgets_over_alternating_levels() -> None:
    bids, asks = [["9", "1"], ["8", "2"]], [["10", "3"]]
    crc = zlib.crc32(b"9:1:10:3:8:2")
    assert checksum(bids, asks) == (crc - 2**32 if crc >= 2**31 else crc)
