"""An exchange with one trader at it, in the words of a test: quotes in, orders through the real endpoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core.instrument import Tier
from engine.simulator.contract import Contract
from engine.simulator.errors import BitgetError
from engine.simulator.exchange import Exchange
from engine.simulator.private import PrivateEndpoints
from engine.simulator.push import Push
from engine.simulator.quote import Level, Quote

COMMON = {
    "quoteCoin": "USDT",
    "buyLimitPriceRatio": "0.05",
    "sellLimitPriceRatio": "0.05",
    "makerFeeRate": "0.0002",
    "takerFeeRate": "0.0006",
    "priceEndStep": "1",
    "symbolType": "perpetual",
    "minTradeUSDT": "5",
    "maxSymbolOrderNum": "200",
    "symbolStatus": "normal",
    "fundInterval": "8",
    "minLever": "1",
}
BTC_ROW = COMMON | {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "minTradeNum": "0.0001",
    "volumePlace": "4",
    "pricePlace": "1",
    "sizeMultiplier": "0.0001",
    "maxLever": "125",
    "maxMarketOrderQty": "220",
    "maxOrderQty": "1200",
}
ETH_ROW = COMMON | {
    "symbol": "ETHUSDT",
    "baseCoin": "ETH",
    "minTradeNum": "0.01",
    "volumePlace": "2",
    "pricePlace": "2",
    "sizeMultiplier": "0.01",
    "maxLever": "100",
    "maxMarketOrderQty": "1900",
    "maxOrderQty": "9900",
}
TIERS = [
    Tier(over=Decimal(0), up_to=Decimal(150_000), max_leverage=Decimal(125), maintenance=Decimal("0.004")),
    Tier(
        over=Decimal(150_000), up_to=Decimal(900_000), max_leverage=Decimal(100), maintenance=Decimal("0.005")
    ),
    Tier(
        over=Decimal(900_000), up_to=Decimal(5_000_000), max_leverage=Decimal(50), maintenance=Decimal("0.01")
    ),
]
DEEP = "1000"
START_MS = 1_746_403_200_000
"""2025-05-05 00:00 UTC, a funding time."""


def contracts() -> list[Contract]:
    return [Contract.from_wire(BTC_ROW, TIERS), Contract.from_wire(ETH_ROW, TIERS)]


class Trader:
    """One account, the market it sees, and what was pushed to it."""

    def __init__(
        self,
        *,
        balance: str = "100",
        hedge: bool = False,
        ideal: bool = False,
        mode: str = "isolated",
        leverage: str = "20",
        **account: Any,
    ) -> None:
        self.exchange = Exchange(contracts(), seed=1, ideal=ideal, now_ms=START_MS)
        position_mode = "hedge_mode" if hedge else "one_way_mode"
        self.account = self.exchange.open_account(
            "trader", Decimal(balance), position_mode=position_mode, **account
        )
        self.rest = PrivateEndpoints(self.exchange, "trader")
        self.mode = mode
        self.pushes: list[Push] = []
        self.exchange.subscribe(self.pushes.append)
        self.ts = START_MS
        self.quote("100000")
        self.quote("3000", symbol="ETHUSDT")
        for symbol in ("BTCUSDT", "ETHUSDT"):
            self.rest.set_margin_mode({"symbol": symbol, "marginMode": mode})
            self.rest.set_leverage({"symbol": symbol, "leverage": leverage})

    # -- the market ------------------------------------------------------------------------------------------

    def quote(
        self,
        mark: str,
        *,
        last: str | None = None,
        bids: list[tuple[str, str]] | None = None,
        asks: list[tuple[str, str]] | None = None,
        symbol: str = "BTCUSDT",
    ) -> None:
        """The market at `mark`; without levels the book is deep and without spread."""
        self.ts += 1000
        self.exchange.on_quote(
            Quote(
                symbol=symbol,
                ts=self.ts,
                mark=Decimal(mark),
                index=Decimal(mark),
                last=Decimal(last or mark),
                bids=levels(bids or [(mark, DEEP)]),
                asks=levels(asks or [(mark, DEEP)]),
            )
        )

    # -- what the trader does --------------------------------------------------------------------------------

    def order(self, side: str, size: str, *, symbol: str = "BTCUSDT", **more: str) -> dict[str, Any]:
        """place-order; a market order unless a price is given."""
        body = {
            "symbol": symbol,
            "productType": "USDT-FUTURES",
            "marginCoin": "USDT",
            "marginMode": self.mode,
            "side": side,
            "size": size,
            "orderType": "limit" if "price" in more else "market",
        }
        return self.rest.place_order(body | more)

    def reduce(self, side: str, size: str, **more: str) -> dict[str, Any]:
        return self.order(side, size, reduceOnly="YES", **more)

    def stop(self, plan_type: str, trigger: str, **more: str) -> dict[str, Any]:
        """place-tpsl-order on the mark price, for the only position there is unless holdSide is given."""
        held = next(iter(self.account.positions.values()), None)
        side = held.side.value if held else "long"
        body = {
            "symbol": held.symbol if held else "BTCUSDT",
            "productType": "USDT-FUTURES",
            "marginCoin": "USDT",
            "planType": plan_type,
            "triggerPrice": trigger,
            "triggerType": "mark_price",
            "holdSide": side,
        }
        return self.rest.place_tpsl_order(body | more)

    # -- what the trader sees --------------------------------------------------------------------------------

    def position(self, symbol: str = "BTCUSDT") -> dict[str, Any]:
        rows = self.rest.single_position({"symbol": symbol})
        assert len(rows) == 1, rows
        return rows[0]

    def is_flat(self) -> bool:
        return self.rest.all_position({}) == []

    def free(self) -> Decimal:
        return Decimal(self.rest.accounts({})[0]["maxTransferOut"])

    def equity(self) -> Decimal:
        return Decimal(self.rest.accounts({})[0]["accountEquity"])

    def detail(self, order_id: str, symbol: str = "BTCUSDT") -> dict[str, Any]:
        return self.rest.detail({"symbol": symbol, "orderId": order_id})

    def fills(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(reversed(self.rest.fills({})["fillList"] or []))

    def plans(self, *, history: bool = False, family: str = "profit_loss") -> list[dict[str, Any]]:
        read = self.rest.orders_plan_history if history else self.rest.orders_plan_pending
        return read({"planType": family})["entrustedList"] or []

    def bills(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(reversed(self.rest.bill({"limit": "100"})["bills"]))

    def told(self) -> list[tuple[str, str]]:
        """Channel and status (or sizes) of every push since the last look."""
        pushes, self.pushes[:] = list(self.pushes), []
        return [(push.channel, _gist(push)) for push in pushes]

    def books_balance(self) -> bool:
        """Whether the wallet is the sum of its financial bills, to the last unit."""
        rows = self.rest.bill({"limit": "100", "onlyFunding": "yes"})["bills"]
        return self.account.wallet == sum(
            (Decimal(r["amount"]) + Decimal(r["fee"]) for r in rows), Decimal(0)
        )


def levels(pairs: list[tuple[str, str]]) -> tuple[Level, ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in pairs)


def refused(act: Any, *args: Any, **kwargs: Any) -> str:
    """The code with which a request is refused."""
    try:
        act(*args, **kwargs)
    except BitgetError as error:
        assert error.msg, "a refusal says why"
        return error.code
    raise AssertionError("the request was accepted")


def _gist(push: Push) -> str:
    if push.channel == "positions":
        return " ".join(f"{row['holdSide']} {row['total']}" for row in push.rows)
    if push.channel == "fill":
        return " ".join(f"{row['baseVolume']}@{row['price']}" for row in push.rows)
    return " ".join(str(row.get("status", "")) for row in push.rows)
