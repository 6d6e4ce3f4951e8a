"""A contract of the simulated exchange: the row that Bitget publishes, and the rules that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from engine.core.instrument import Instrument, Tier


class Contract(msgspec.Struct, frozen=True):
    """A USDT perpetual as `GET v2/mix/market/contracts` describes it. Sizes in base coin, prices in USDT.

    `instrument` holds the steps, minima, public fee rates and tiers; `buy_band` and `sell_band` are the
    fractions by which a limit price may leave the market; `funding_hours` is the distance of two funding
    times.
    """

    instrument: Instrument
    row: dict[str, Any]
    max_qty: Decimal
    buy_band: Decimal
    sell_band: Decimal
    min_leverage: Decimal
    funding_hours: int
    max_orders: int
    price_places: int
    qty_places: int

    @classmethod
    def from_wire(cls, row: Mapping[str, Any], tiers: Sequence[Tier]) -> Contract:
        """The contract of a recorded row (WIRE §3) and its margin tiers, lowest first.

        Raises `ValueError` when the row lacks a field that a rule needs, or no tier is given.
        """
        try:
            return cls._parsed(row, tiers)
        except KeyError as missing:
            raise ValueError(
                f"contract row {row.get('symbol', '?')}: field {missing} is missing; give the recorded row"
            ) from missing

    @classmethod
    def _parsed(cls, row: Mapping[str, Any], tiers: Sequence[Tier]) -> Contract:
        if not tiers:
            raise ValueError(f"contract {row['symbol']}: no margin tier; give at least one")
        price_places = int(row["pricePlace"])
        instrument = Instrument(
            symbol=str(row["symbol"]),
            tick=Decimal(str(row["priceEndStep"])).scaleb(-price_places),
            lot=Decimal(str(row["sizeMultiplier"])),
            min_qty=Decimal(str(row["minTradeNum"])),
            min_notional=Decimal(str(row["minTradeUSDT"])),
            max_market_qty=Decimal(str(row["maxMarketOrderQty"])),
            max_leverage=Decimal(str(row["maxLever"])),
            taker=Decimal(str(row["takerFeeRate"])),
            maker=Decimal(str(row["makerFeeRate"])),
            tiers=tuple(tiers),
            status=str(row["symbolStatus"]),
        )
        return cls(
            instrument=instrument,
            row=dict(row),
            max_qty=Decimal(str(row["maxOrderQty"])),
            buy_band=Decimal(str(row["buyLimitPriceRatio"])),
            sell_band=Decimal(str(row["sellLimitPriceRatio"])),
            min_leverage=Decimal(str(row["minLever"])),
            funding_hours=int(row["fundInterval"]),
            max_orders=int(row["maxSymbolOrderNum"]),
            price_places=price_places,
            qty_places=int(row["volumePlace"]),
        )

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def tier_rows(self) -> list[dict[str, str]]:
        """The rows of `GET v2/mix/market/query-position-lever`; units are USDT of notional."""
        return [
            {
                "symbol": self.symbol,
                "level": str(level),
                "startUnit": format(tier.over, "f"),
                "endUnit": format(tier.up_to, "f"),
                "leverage": format(tier.max_leverage, "f"),
                "keepMarginRate": format(tier.maintenance, "f"),
            }
            for level, tier in enumerate(self.instrument.tiers, start=1)
        ]
