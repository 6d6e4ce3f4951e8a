"""The ladder's worked examples, traded by hand on the ideal exchange: every cell that an exchange knows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from trading_floor import Trader

Rung = tuple[str, str | None, str, str]
"""Price, banked, added; then quantity, average, margin, liquidation, realised, fees, free, equity."""

A: list[Rung] = [
    ("100000", None, "0.002", "0.002 100000.00 10.0000 104519.21 0.0000 0.1200 89.8800 99.8800"),
    ("95000", "0.001", "0.0021", "0.0031 96612.90 14.9750 100979.04 5.0000 0.2967 89.7283 109.7033"),
    ("90250", "0.001", "0.0022", "0.0043 93357.46 20.0719 97576.49 11.3629 0.4700 90.8211 124.2550"),
    ("85737.5", "0.0011", "0.0023", "0.0055 90170.93 24.7970 94245.95 19.7449 0.6449 94.3030 143.4839"),
]
B: list[Rung] = [
    ("95000", None, "0.0021", "0.0021 95000.00 9.9750 99293.25 0.0000 0.1197 89.9053 99.8803"),
    ("90250", "0.001", "0.0022", "0.0033 91833.33 15.1525 95983.48 4.7500 0.2930 89.3045 109.6820"),
    ("85737.5", "0.0011", "0.0023", "0.0045 88717.69 19.9615 92727.03 11.4554 0.4679 91.0261 124.3984"),
]
C: list[Rung] = [
    ("3000", None, "0.13", "0.13 3000.00 9.7500 2938.52 0.0000 0.2340 90.0160 99.7660"),
    ("3075", "0.06", "0.12", "0.19 3047.37 14.4750 2984.91 4.5000 0.5661 89.4589 109.1839"),
    ("3151.875", "0.06", "0.12", "0.25 3097.53 19.3596 3034.05 10.7704 0.9065 90.5043 123.4497"),
    ("3230.671875", "0.06", "0.12", "0.31 3149.07 24.4053 3084.53 18.7588 1.2554 93.0981 142.8001"),
]
D: list[Rung] = [
    ("100000", None, "0.002", "0.002 100000.00 10.0000 104519.21 0.0000 0.1200 89.8800 99.8800"),
    ("95000", "0.001", "0.0021", "0.0031 97439.02 15.1030 101842.50 2.4390 0.2967 87.0393 109.7033"),
    ("90250", "0.001", "0.0022", "0.0043 94454.90 20.3078 98723.52 6.6439 0.4700 85.8661 124.2550"),
]


def cells(trader: Trader, symbol: str) -> str:
    row = trader.position(symbol)
    prices = [f"{Decimal(row[key]):.2f}" for key in ("openPriceAvg", "liquidationPrice")]
    money = [f"{Decimal(row[key]):.4f}" for key in ("marginSize", "achievedProfits", "deductedFee")]
    account = [f"{trader.free():.4f}", f"{trader.equity():.4f}"]
    return " ".join([row["total"], prices[0], money[0], prices[1], *money[1:], *account])


@pytest.mark.parametrize(
    ("symbol", "side", "leverage", "rungs", "bank_first"),
    [
        pytest.param("BTCUSDT", "sell", "20", A, True, id="A"),
        pytest.param("BTCUSDT", "sell", "20", B, True, id="B"),
        pytest.param("ETHUSDT", "buy", "40", C, True, id="C"),
        pytest.param("BTCUSDT", "sell", "20", D, False, id="D-add-first"),
    ],
)
def test_an_example_traded_by_hand_shows_every_cell_of_its_table(
    symbol: str, side: str, leverage: str, rungs: list[Rung], bank_first: bool
) -> None:
    trader = Trader(ideal=True, leverage=leverage)
    other = "buy" if side == "sell" else "sell"
    for price, bank, add, expected in rungs:
        trader.quote(price, symbol=symbol)
        if bank and bank_first:
            trader.reduce(other, bank, symbol=symbol)
        trader.order(side, add, symbol=symbol)
        if bank and not bank_first:
            trader.reduce(other, bank, symbol=symbol)
        assert cells(trader, symbol) == expected
    assert trader.books_balance()


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
