"""REST rows as typed values: one struct a list, each with its way into the core's words.

Shapes: Bitget classic V2, recorded rows. `where` in errors is the endpoint's last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from engine.core.exchange import Balance, Bill, OrderKind, OrderRow, Position, RestingOrder
from engine.core.instrument import ZERO, Instrument, Side, Tier
from engine.venue.malformed import Malformed, Row, number, number_or, shaped
from engine.venue.terms import HEDGE, OPENING_PLANS, WHOLE, direction_of, kind_of, state_of


class PositionRow(Row, frozen=True, kw_only=True):
    """A row of all-position; the websocket's differs in the symbol's key only."""

    symbol: str
    hold_side: Side
    total: Decimal
    open_price_avg: Decimal
    margin_size: Decimal
    leverage: Decimal
    liquidation_price: str
    margin_mode: str
    pos_mode: str
    auto_margin: str
    total_fee: str = ""
    c_time: int
    u_time: int = 0

    def position(self) -> Position:
        """The position; a blank or negative liquidation price means that there is none."""
        liquidation = number_or("positions", "liquidationPrice", self.liquidation_price, ZERO)
        return Position(
            symbol=self.symbol,
            side=self.hold_side,
            qty=self.total,
            entry=self.open_price_avg,
            margin=self.margin_size,
            leverage=self.leverage,
            liquidation=max(liquidation, ZERO),
            isolated=self.margin_mode == "isolated",
            auto_margin=self.auto_margin == "on",
            hedged=self.pos_mode == HEDGE,
            opened=self.c_time,
            funding=number("positions", "totalFee", self.total_fee) if self.total_fee else None,
            updated=self.u_time,
        )


def positions_of(rows: Sequence[PositionRow]) -> tuple[Position, ...]:
    """The open positions among `rows`; a row of size 0 is none."""
    return tuple(row.position() for row in rows if row.total > ZERO)


class AccountRow(Row, frozen=True, kw_only=True):
    """The answer of account/account: the balance, and the only read of the position mode."""

    account_equity: Decimal
    isolated_max_available: Decimal
    pos_mode: str

    def balance(self) -> Balance:
        return Balance(self.account_equity, self.isolated_max_available)


class OrderDetail(Row, frozen=True, kw_only=True):
    """A normal order: detail says `state`, orders-pending and orders-history say `status`."""

    symbol: str
    size: str
    order_id: str
    client_oid: str
    base_volume: str = ""
    price: str = ""
    price_avg: str = ""
    state: str = ""
    status: str = ""
    side: str
    pos_side: str
    order_type: str
    reduce_only: str
    trade_side: str
    pos_mode: str
    order_source: str = ""

    def order(self) -> OrderRow:
        """How the order stands."""
        return OrderRow(
            order_id=self.order_id,
            client_id=self.client_oid,
            symbol=self.symbol,
            kind=OrderKind.MARKET if self.order_type == "market" else OrderKind.LIMIT,
            state=state_of("order", self.state or self.status),
            qty=number("order", "size", self.size),
            filled=number_or("order", "baseVolume", self.base_volume, ZERO),
            price=number_or("order", "priceAvg", self.price_avg, ZERO),
        )

    def resting(self) -> RestingOrder:
        """The order as it rests in orders-pending."""
        way = direction_of(
            "order",
            side=self.side,
            trade_side=self.trade_side,
            pos_mode=self.pos_mode,
            pos_side=self.pos_side,
            reduce_only=self.reduce_only,
        )
        reduces = bool(way.reduces)
        price = number_or("order", "price", self.price, ZERO)
        return RestingOrder(
            order_id=self.order_id,
            client_id=self.client_oid,
            symbol=self.symbol,
            kind=OrderKind.MARKET if self.order_type == "market" else OrderKind.LIMIT,
            side=way.side or position_side(way.buy, reduces),
            reduces=reduces,
            qty=number("order", "size", self.size),
            trigger=None,
            price=price or None,
        )


def position_side(buy: bool, reduces: bool) -> Side:
    """The position that a one-way order belongs to: a selling reduce-only order closes a long."""
    return Side.LONG if buy != reduces else Side.SHORT


class PlanRow(Row, frozen=True, kw_only=True):
    """A plan or TP/SL order. A pos_* row has size "0" and means the whole position."""

    symbol: str
    plan_type: str
    size: str = ""
    order_id: str
    client_oid: str
    execute_order_id: str | None = ""
    plan_status: str = ""
    price: str | None = ""
    execute_price: str | None = ""
    base_volume: str | None = ""
    price_avg: str | None = ""
    trigger_price: str
    trigger_type: str = "mark_price"
    side: str
    pos_side: str = ""
    trade_side: str = ""
    pos_mode: str = ""
    reduce_only: str | None = ""

    @property
    def status(self) -> str:
        return self.plan_status

    def kind(self) -> OrderKind:
        return kind_of("plan order", self.plan_type)

    def qty(self) -> Decimal | None:
        return None if self.kind() in WHOLE else number("plan order", "size", self.size)

    def order(self) -> OrderRow:
        """How the plan order stands; FILLED means triggered, `child` is the order it became."""
        return OrderRow(
            order_id=self.order_id,
            client_id=self.client_oid,
            symbol=self.symbol,
            kind=self.kind(),
            state=state_of("plan order", self.status),
            qty=self.qty(),
            filled=number_or("plan order", "baseVolume", self.base_volume, ZERO),
            price=number_or("plan order", "priceAvg", self.price_avg, ZERO),
            child=self.execute_order_id or "",
        )

    def resting(self) -> RestingOrder:
        """The plan order as it rests. All TP/SL only close; other plans say so by their trade side."""
        kind = self.kind()
        way = direction_of(
            "plan order",
            side=self.side,
            trade_side=self.trade_side or "close",
            pos_mode=self.pos_mode,
            pos_side=self.pos_side,
            reduce_only=self.reduce_only or "",
        )
        reduces = kind not in OPENING_PLANS or bool(way.reduces)
        price = number_or("plan order", "executePrice", self.execute_price, ZERO)
        return RestingOrder(
            order_id=self.order_id,
            client_id=self.client_oid,
            symbol=self.symbol,
            kind=kind,
            side=way.side or position_side(way.buy, reduces),
            reduces=reduces,
            qty=self.qty(),
            trigger=number("plan order", "triggerPrice", self.trigger_price),
            price=price or None,
            by_mark=self.trigger_type == "mark_price",
        )


class FeeRow(Row, frozen=True, kw_only=True):
    """One entry of `feeDetail`; negative is paid."""

    fee_coin: str = "USDT"
    total_fee: Decimal


class FillRow(Row, frozen=True, kw_only=True):
    """A trade: a row of fills, and of the fill channel. It carries neither client id nor position side.

    `profit` may be blank, never missing: a closing trade would be booked without its result.
    """

    trade_id: str
    order_id: str
    symbol: str
    side: str
    price: Decimal
    base_volume: Decimal
    profit: str
    trade_side: str
    pos_mode: str
    fee_detail: list[FeeRow]
    c_time: int

    def fee(self) -> Decimal:
        """USDT, positive when paid. A fee taken in another coin leaves this balance alone."""
        return -sum((entry.total_fee for entry in self.fee_detail if entry.fee_coin == "USDT"), ZERO)


class BillRow(Row, frozen=True, kw_only=True):
    """A movement of the futures account."""

    bill_id: str
    symbol: str | None = ""
    amount: Decimal
    fee: str | None = ""
    business_type: str
    c_time: int

    def bill(self) -> Bill:
        """The whole movement: `amount` and what was charged for it."""
        moved = self.amount + number_or("bills", "fee", self.fee, ZERO)
        return Bill(self.bill_id, self.symbol or "", self.business_type, moved, self.c_time)


class TierRow(Row, frozen=True, kw_only=True):
    """A row of query-position-lever; units are USDT of notional."""

    start_unit: Decimal
    end_unit: Decimal
    leverage: Decimal
    keep_margin_rate: Decimal

    def tier(self) -> Tier:
        return Tier(self.start_unit, self.end_unit, self.leverage, self.keep_margin_rate)


class FeeRates(Row, frozen=True, kw_only=True):
    """The account's own rates for one symbol (trade-rate)."""

    maker_fee_rate: Decimal
    taker_fee_rate: Decimal


class ContractRow(Row, frozen=True, kw_only=True):
    """A row of contracts. The tick is priceEndStep · 10^−pricePlace, the lot sizeMultiplier."""

    symbol: str
    price_place: int
    price_end_step: Decimal
    size_multiplier: Decimal
    min_trade_num: Decimal
    min_trade_usdt: Decimal = msgspec.field(name="minTradeUSDT")
    max_market_order_qty: str = ""
    max_order_qty: str = ""
    max_lever: Decimal
    symbol_status: str

    def instrument(self, tiers: list[TierRow], rates: FeeRates) -> Instrument:
        """The contract with its tiers and the account's own fees. Raises Malformed when it has no tier."""
        if not tiers:
            raise Malformed("query-position-lever", f"{self.symbol} has no tier")
        largest = self.max_market_order_qty or self.max_order_qty
        return Instrument(
            symbol=self.symbol,
            tick=self.price_end_step.scaleb(-self.price_place),
            lot=self.size_multiplier,
            min_qty=self.min_trade_num,
            min_notional=self.min_trade_usdt,
            max_market_qty=number("contracts", "maxMarketOrderQty", largest),
            max_leverage=self.max_lever,
            taker=rates.taker_fee_rate,
            maker=rates.maker_fee_rate,
            tiers=tuple(sorted((row.tier() for row in tiers), key=lambda tier: tier.over)),
            status=self.symbol_status,
        )


class Page(Row, frozen=True, kw_only=True):
    """One page of a list: its rows, still plain, and where the next, older page begins."""

    rows: list[dict[str, Any]]
    end_id: str


def page_of(where: str, data: object, key: str) -> Page:
    """The rows under `key`, which may be null. Raises Malformed when `data` has no such list."""
    if not isinstance(data, dict) or key not in data:
        raise Malformed(where, f"{key} is missing")
    return shaped(where, {"rows": data[key] or [], "endId": str(data.get("endId") or "")}, Page)
