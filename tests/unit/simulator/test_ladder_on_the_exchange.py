"""Example A of the ladder, traded by hand on the ideal exchange: every cell that an exchange can know."""

from __future__ import annotations

from decimal import Decimal

import pytest
from trading_floor import Trader

A = [
    # price, bank, add | qty, average, margin, liquidation, realised, fees, free, equity
    ("100000", None, "0.002", "0.002 100000.00 10.0000 104519.21 0.0000 0.1200 89.8800 99.8800"),
    ("95000", "0.001", "0.0021", "0.0031 96612.90 14.9750 100979.04 5.0000 0.2967 89.7283 109.7033"),
    ("90250", "0.001", "0.0022", "0.0043 93357.46 20.0719 97576.49 11.3629 0.4700 90.8211 124.2550"),
    ("85737.5", "0.0011", "0.0023", "0.0055 90170.93 24.7970 94245.95 19.7449 0.6449 94.3030 143.4839"),
]


def test_example_a_traded_by_hand_shows_every_cell_of_the_table() -> None:
    trader = Trader(ideal=True)
    for price, bank, add, cells in A:
        trader.quote(price)
        if bank:
            trader.reduce("buy", bank)
        trader.order("sell", add)
        row = trader.position()
        shown = [
            row["total"],
            *(
                f"{Decimal(row[k]):.2f}" if k.endswith(("Avg", "Price")) else f"{Decimal(row[k]):.4f}"
                for k in FIELDS
            ),
            f"{trader.free():.4f}",
            f"{trader.equity():.4f}",
        ]
        assert " ".join(shown) == cells
    assert trader.books_balance()


FIELDS = ("openPriceAvg", "marginSize", "liquidationPrice", "achievedProfits", "deductedFee")


@pytest.mark.parametrize("leverage", ["10", "20", "40", "50"])
def test_half_at_one_hundred_percent_books_half_the_margin_and_frees_the_other_half(leverage: str) -> None:
    trader = Trader(ideal=True, leverage=leverage, taker=Decimal(0))
    trader.order("buy", "0.002")
    margin = Decimal(trader.position()["marginSize"])
    trader.quote(str(100_000 + 100_000 // int(leverage)))
    trader.reduce("sell", "0.001")
    row = trader.position()
    assert Decimal(row["achievedProfits"]) == margin / 2
    assert Decimal(row["marginSize"]) == margin / 2
