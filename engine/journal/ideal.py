"""An exchange without delay, slippage or trouble, for the example journal: it fills at the mark, at once.

One symbol, isolated margin, one-way mode, a short position; Bitget's arithmetic from engine.core.margin.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from engine.core.actions import (
    CancelOrder,
    CancelStop,
    LookUp,
    MoveStop,
    PlaceLimit,
    PlaceMarket,
    PlaceStop,
    Read,
    Reading,
    SetLeverage,
    Work,
)
from engine.core.events import (
    Answered,
    AnyBody,
    BalanceRead,
    FillSeen,
    FillsRead,
    LookedUp,
    OrderSeen,
    OrdersRead,
    PositionsRead,
    StopSeen,
)
from engine.core.exchange import (
    Accepted,
    Balance,
    Cause,
    Fill,
    OrderKind,
    OrderRow,
    OrderState,
    Position,
    RestingOrder,
)
from engine.core.instrument import ZERO, Instrument, Side, Tier
from engine.core.margin import initial_margin, liquidation_price, unrealised

BTC: Final = Instrument(
    symbol="BTCUSDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.0001"),
    min_qty=Decimal("0.0001"),
    min_notional=Decimal(5),
    max_market_qty=Decimal(220),
    max_leverage=Decimal(125),
    taker=Decimal("0.0006"),
    maker=Decimal("0.0002"),
    tiers=(Tier(ZERO, Decimal(150_000), Decimal(125), Decimal("0.004")),),
)
LEVERAGE: Final = Decimal(20)
SIDE: Final = Side.SHORT


class IdealExchange:
    """An account of 100 USDT. `mark` is the price at which everything fills."""

    def __init__(self) -> None:
        self.mark = Decimal(100_000)
        self._cash = Decimal(100)
        self._qty = self._entry = self._margin = ZERO
        self._opened = 0
        self._numbers = 0
        self._stops: dict[str, RestingOrder] = {}
        self._rows: dict[str, OrderRow] = {}

    def trader_sells(self, qty: Decimal, at: int) -> list[AnyBody]:
        """The trader's own hand: a market order that opens."""
        return self._fill("", qty, opens=True, at=at)

    def do(self, work: Work, at: int) -> list[AnyBody]:
        """Carry an action out; what the exchange answers and pushes."""
        match work:
            case PlaceMarket():
                pushed = self._fill(work.id, work.qty, opens=work.opens, at=at)
                return [Answered(work.id, Accepted(self._rows[work.id].order_id)), *pushed]
            case PlaceStop():
                kind = OrderKind.POS_LOSS if work.qty is None else OrderKind.LOSS_PLAN
                stop = RestingOrder(
                    *(
                        self._number(),
                        work.id,
                        BTC.symbol,
                        kind,
                        work.side,
                        True,
                        work.qty,
                        work.trigger,
                        None,
                    )
                )
                return [Answered(work.id, Accepted(stop.order_id)), self._rests(stop)]
            case MoveStop():
                old = self._stops[work.order_id]
                moved = RestingOrder(
                    *(old.order_id, old.client_id, old.symbol, old.kind, old.side, True),
                    *(work.qty, work.trigger, None),
                )
                return [Answered(work.id, Accepted(old.order_id)), self._rests(moved)]
            case CancelStop():
                gone = self._stops.pop(work.order_id)
                return [
                    Answered(work.id, Accepted(gone.order_id)),
                    StopSeen(gone, self._row_of(gone, OrderState.CANCELLED)),
                ]
            case CancelOrder() | PlaceLimit() | SetLeverage():
                raise AssertionError("no order of the example waits to be filled")
            case LookUp():
                return [LookedUp(work.id, work.client_id, self._rows.get(work.client_id))]
            case Read():
                told = [body for reading in work.what for body in self._read(reading, work.since, at)]
                return [*told, Answered(work.id, Accepted())]

    def _read(self, reading: Reading, since: int, at: int) -> list[AnyBody]:
        match reading:
            case Reading.POSITIONS:
                return [PositionsRead(self._positions(), rest=True)]
            case Reading.ORDERS:
                return [OrdersRead(tuple(self._stops.values()), at)]
            case Reading.BALANCE:
                return [self._balance()]
            case Reading.FILLS:
                return [FillsRead(since)]
            case Reading.BILLS:
                return []

    def _fill(self, client_id: str, qty: Decimal, *, opens: bool, at: int) -> list[AnyBody]:
        """A market order, filled whole at the mark; what is pushed of it."""
        fee, profit = BTC.taker * qty * self.mark, ZERO
        if opens:
            self._opened = self._opened or at
            total = self._qty + qty
            self._entry = (self._qty * self._entry + qty * self.mark) / total
            self._margin += initial_margin(qty, self.mark, LEVERAGE)
            self._qty = total
        else:
            profit = unrealised(SIDE, qty, self._entry, self.mark)
            self._margin -= self._margin * qty / self._qty
            self._qty -= qty
        self._cash += profit - fee
        order_id = self._number()
        row = OrderRow(
            *(order_id, client_id, BTC.symbol, OrderKind.MARKET, OrderState.FILLED, qty, qty, self.mark)
        )
        self._rows[client_id] = row
        money = (qty, self.mark, fee, profit)
        buy = not opens
        fill = Fill(self._number(), order_id, client_id, BTC.symbol, buy, None, *money, Cause.ORDER, at)
        positions = PositionsRead(self._positions(), rest=False)
        return [OrderSeen(row), FillSeen(fill), self._balance(), positions]

    def _rests(self, stop: RestingOrder) -> StopSeen:
        self._stops[stop.order_id] = stop
        return StopSeen(stop, self._row_of(stop, OrderState.LIVE))

    def _row_of(self, stop: RestingOrder, state: OrderState) -> OrderRow:
        row = OrderRow(stop.order_id, stop.client_id, stop.symbol, stop.kind, state, stop.qty, ZERO, ZERO)
        self._rows[stop.client_id] = row
        return row

    def _positions(self) -> tuple[Position, ...]:
        if not self._qty:
            return ()
        rate = BTC.maintenance(self._qty * self._entry)
        liquidation = liquidation_price(SIDE, self._qty, self._entry, self._margin, rate, BTC.taker)
        return (
            Position(
                symbol=BTC.symbol,
                side=SIDE,
                qty=self._qty,
                entry=self._entry,
                margin=self._margin,
                leverage=LEVERAGE,
                liquidation=liquidation,
                isolated=True,
                auto_margin=False,
                hedged=False,
                opened=self._opened,
            ),
        )

    def _balance(self) -> BalanceRead:
        equity = self._cash + unrealised(SIDE, self._qty, self._entry, self.mark)
        return BalanceRead(Balance(equity, self._cash - self._margin))

    def _number(self) -> str:
        self._numbers += 1
        return str(1_300_000_000_000_000_000 + self._numbers)
