"""A futures account: wallet, settings, positions, orders, and every bill that ever moved the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from engine.core import margin as formulas
from engine.core.instrument import ONE, ZERO, Side
from engine.simulator.contract import Contract
from engine.simulator.digits import booked
from engine.simulator.errors import refusal
from engine.simulator.listing import Listing
from engine.simulator.orders import Effect, Fill, Order
from engine.simulator.plan_orders import PlanOrder
from engine.simulator.position import CROSSED, ClosedPosition, Position

ONE_WAY: Final = "one_way_mode"
HEDGE: Final = "hedge_mode"

MARGIN_MOVES: Final = frozenset(
    {"append_margin", "reduce_margin", "auto_append_margin", "adjust_down_lever_append_margin"}
)
"""Bills that move money between wallet and position margin. They leave the balance as it is (Bitget's
`onlyFunding` filter leaves the same four out)."""


class Bill(msgspec.Struct, frozen=True):
    """One movement of money. The balance changes by `amount + fee`, by nothing when `business` is a margin
    move."""

    bill_id: str
    symbol: str
    business: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    c_time: int


class SymbolSettings(msgspec.Struct):
    """What the account chose for a symbol; Bitget starts everyone crossed at 20x."""

    margin_mode: str = CROSSED
    crossed_leverage: Decimal = Decimal(20)
    long_leverage: Decimal = Decimal(20)
    short_leverage: Decimal = Decimal(20)

    def leverage(self, margin_mode: str, side: Side) -> Decimal:
        """The leverage of a position of `side` in `margin_mode`."""
        if margin_mode == CROSSED:
            return self.crossed_leverage
        return self.long_leverage if side is Side.LONG else self.short_leverage


class Account:
    """One futures account. `wallet` includes the isolated margins; it is always the sum of the financial
    bills."""

    def __init__(
        self,
        account_id: str,
        listings: Mapping[str, Listing],
        *,
        position_mode: str,
        taker: Decimal | None,
        maker: Decimal | None,
    ) -> None:
        self.account_id = account_id
        self.position_mode = position_mode
        self.wallet = ZERO
        self.positions: dict[tuple[str, Side], Position] = {}
        self.orders: dict[str, Order] = {}
        self.resting: dict[str, dict[str, Order]] = {symbol: {} for symbol in listings}
        self.plans: dict[str, PlanOrder] = {}
        self.waiting: dict[str, dict[str, PlanOrder]] = {symbol: {} for symbol in listings}
        self.client_oids: dict[str, str] = {}
        self.fills: list[Fill] = []
        self.bills: list[Bill] = []
        self.history: list[ClosedPosition] = []
        self._listings = listings
        self._settings = {symbol: SymbolSettings() for symbol in listings}
        self._taker = taker
        self._maker = maker

    def __repr__(self) -> str:
        orders, plans = (sum(map(len, books.values())) for books in (self.resting, self.waiting))
        held = f"{len(self.positions)} positions, {orders} orders, {plans} plan orders"
        return f"<Account {self.account_id} {self.wallet} USDT, {held}>"

    @property
    def is_one_way(self) -> bool:
        return self.position_mode == ONE_WAY

    def settings(self, symbol: str) -> SymbolSettings:
        return self._settings[symbol]

    def taker(self, contract: Contract) -> Decimal:
        """The rate the account pays for taking."""
        return contract.instrument.taker if self._taker is None else self._taker

    def maker(self, contract: Contract) -> Decimal:
        """The rate the account pays for a resting order's fill."""
        return contract.instrument.maker if self._maker is None else self._maker

    def book(
        self, bill_id: str, now_ms: int, symbol: str, business: str, *, amount: Decimal, fee: Decimal = ZERO
    ) -> None:
        """Write a bill and move the wallet by it; `amount` and `fee` are signed."""
        if business not in MARGIN_MOVES:
            self.wallet += amount + fee
        self.bills.append(Bill(bill_id, symbol, business, amount, fee, self.wallet, now_ms))

    # -- positions -------------------------------------------------------------------------------------------

    def position(self, symbol: str, side: Side) -> Position | None:
        return self.positions.get((symbol, side))

    def positions_of(self, symbol: str) -> list[Position]:
        return [p for side in Side if (p := self.positions.get((symbol, side))) is not None]

    def mark(self, symbol: str) -> Decimal:
        return self._listings[symbol].current().mark

    def contract(self, symbol: str) -> Contract:
        return self._listings[symbol].contract

    def maintenance_rate(self, position: Position, mark: Decimal) -> Decimal:
        """The tier's rate: by the position's notional, for crossed margin by long and short of the symbol
        together."""
        qty = position.qty
        if not position.is_isolated:
            qty = sum((p.qty for p in self.positions_of(position.symbol) if not p.is_isolated), ZERO)
        return self.contract(position.symbol).instrument.maintenance(qty * mark)

    def liquidation_price(self, position: Position) -> Decimal:
        """The mark at which the position is liquidated, other things equal; 0 when there is none."""
        mark = self.mark(position.symbol)
        cushion = position.margin
        if not position.is_isolated:
            other = self._crossed_maintenance() - self._maintenance(position)
            cushion = self.crossed_equity() - position.unrealised(mark) - other
        return formulas.liquidation_price(
            position.side,
            position.qty,
            position.average,
            cushion,
            self.maintenance_rate(position, mark),
            self.taker(self.contract(position.symbol)),
        )

    def margin_ratio(self, position: Position) -> Decimal:
        """1 is liquidation. Isolated: of the position; crossed: of all crossed positions together."""
        if not position.is_isolated:
            return self.crossed_risk()
        mark = self.mark(position.symbol)
        taker = self.taker(self.contract(position.symbol))
        rate = self.maintenance_rate(position, mark)
        return formulas.margin_ratio(
            position.side, position.qty, position.average, position.margin, mark, rate, taker
        )

    def _maintenance(self, position: Position) -> Decimal:
        mark = self.mark(position.symbol)
        rate = self.maintenance_rate(position, mark) + self.taker(self.contract(position.symbol))
        return position.qty * mark * rate

    def _crossed(self) -> list[Position]:
        return [p for p in self.positions.values() if not p.is_isolated]

    def _crossed_maintenance(self) -> Decimal:
        return sum((self._maintenance(p) for p in self._crossed()), ZERO)

    def crossed_equity(self) -> Decimal:
        """What stands behind all crossed positions: the wallet without isolated margins, plus their
        profit."""
        isolated = sum((p.margin for p in self.positions.values() if p.is_isolated), ZERO)
        return self.wallet - isolated + self.crossed_unrealised()

    def crossed_risk(self) -> Decimal:
        """Maintenance of all crossed positions over their equity; 0 without any, Infinity when nothing is
        left."""
        needed = self._crossed_maintenance()
        if needed == ZERO:
            return ZERO
        equity = self.crossed_equity()
        return needed / equity if equity > ZERO else Decimal("Infinity")

    # -- money -----------------------------------------------------------------------------------------------

    def crossed_unrealised(self) -> Decimal:
        return sum((p.unrealised(self.mark(p.symbol)) for p in self._crossed()), ZERO)

    def isolated_unrealised(self) -> Decimal:
        positions = (p for p in self.positions.values() if p.is_isolated)
        return sum((p.unrealised(self.mark(p.symbol)) for p in positions), ZERO)

    def equity(self) -> Decimal:
        return self.wallet + self.crossed_unrealised() + self.isolated_unrealised()

    def isolated_margin(self) -> Decimal:
        return sum((p.margin for p in self.positions.values() if p.is_isolated), ZERO)

    def frozen(self) -> Decimal:
        """What resting orders and crossed positions occupy of the money outside isolated margins."""
        orders = (self.lock(o) for book in self.resting.values() for o in book.values())
        return sum(orders, ZERO) + sum((p.margin for p in self._crossed()), ZERO)

    def free(self) -> Decimal:
        """What a new isolated position may use: no margin, no order lock, no unrealised crossed loss in
        it."""
        loss = min(self.crossed_unrealised(), ZERO)
        return self.wallet - self.isolated_margin() - self.frozen() + loss

    def lock(self, order: Order) -> Decimal:
        """What a resting order holds back: the margin and taker fee of what it would open."""
        if order.is_closing or order.price is None:
            return ZERO
        opening = self.opening_qty(order, order.remaining)
        cost = ONE / order.leverage + self.taker(self.contract(order.symbol))
        return booked(opening * order.price * cost)

    def opening_qty(self, order: Order, qty: Decimal) -> Decimal:
        """How much of `qty` would open rather than close."""
        if order.effect is Effect.CLOSE:
            return ZERO
        against = self.position(order.symbol, order.side.opposite) if order.effect is Effect.NET else None
        return max(qty - against.qty, ZERO) if against else qty

    # -- orders ----------------------------------------------------------------------------------------------

    def claim(self, client_oid: str, order_id: str) -> None:
        """Remember a client id for good. Raises 40786 when it was used before."""
        if client_oid in self.client_oids:
            raise refusal("40786")
        self.client_oids[client_oid] = order_id

    def closing_orders(self, symbol: str, side: Side) -> list[Order]:
        """The resting orders that only reduce the position, oldest first."""
        return [o for o in self.resting[symbol].values() if o.is_closing and o.side is side]

    def reserved(self, symbol: str, side: Side) -> Decimal:
        """The size that resting closing orders hold."""
        return sum((o.remaining for o in self.closing_orders(symbol, side)), ZERO)

    def is_idle(self, symbol: str | None = None) -> bool:
        """Whether there is no position and no order of any kind, on `symbol` or on all."""
        symbols = [symbol] if symbol else list(self.resting)
        return not any(self.positions_of(s) or self.resting[s] or self.waiting[s] for s in symbols)
