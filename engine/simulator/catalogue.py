"""The contracts that the simulated exchange lists: Bitget's recorded rows and a table of margin tiers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.core.instrument import Tier
from engine.simulator.contract import Contract

RECORDED: Final = Path(__file__).parent / "recorded"
STILL_PRICES: Final = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(3_000), "SOLUSDT": Decimal(150)}
"""Where a market without a recording stands until somebody moves it."""


def recorded_contracts(
    symbols: Iterable[str], maintenance: Decimal | None = None, like: Mapping[str, str] | None = None
) -> list[Contract]:
    """The contracts of `symbols`; `maintenance` replaces the maintenance rate of every first tier. `like`
    lists further symbols, each on the terms of a recorded one: `{"XYZUSDT": "SOLUSDT"}`.

    Raises ValueError for a symbol without a contract.
    """
    rows = {row["symbol"]: row for row in _table("contracts.json")}
    tiers = _tiers()
    for symbol, known in (like or {}).items():
        if known in rows:
            rows[symbol] = {**rows[known], "symbol": symbol, "baseCoin": symbol.removesuffix("USDT")}
            tiers[symbol] = tiers[known]
    contracts = []
    for symbol in symbols:
        if symbol not in rows:
            raise ValueError(f"{symbol}: the simulated exchange lists {', '.join(rows)} only")
        contracts.append(Contract.from_wire(rows[symbol], _with_first(tiers[symbol], maintenance)))
    return contracts


def _with_first(tiers: list[Tier], maintenance: Decimal | None) -> list[Tier]:
    if maintenance is None:
        return tiers
    if not 0 < maintenance < 1:
        raise ValueError(
            f"maintenance rate {maintenance}: a fraction between 0 and 1 is expected, such as 0.004"
        )
    return [msgspec.structs.replace(tiers[0], maintenance=maintenance), *tiers[1:]]


def _tiers() -> dict[str, list[Tier]]:
    return {
        symbol: [
            Tier(Decimal(over), Decimal(up_to), Decimal(leverage), Decimal(maintenance))
            for over, up_to, leverage, maintenance in rows
        ]
        for symbol, rows in _table("tiers.json")["tiers"].items()
    }


def _table(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))
