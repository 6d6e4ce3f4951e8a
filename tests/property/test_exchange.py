"""Whatever a trader and a market do to the exchange, its books balance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.instrument import Side, Tier
from engine.simulator.account import MARGIN_MOVES
from engine.simulator.contract import Contract
from engine.simulator.errors import BitgetError
from engine.simulator.exchange import Exchange
from engine.simulator.private import PrivateEndpoints
from engine.simulator.push import Push
from engine.simulator.quote import Quote

ROW = {
    "symbol": "BTCUSDT",
    "minTradeNum": "0.0001",
    "minTradeUSDT": "5",
    "volumePlace": "4",
    "pricePlace": "1",
    "priceEndStep": "1",
    "sizeMultiplier": "0.0001",
    "maxLever": "125",
    "minLever": "1",
    "maxMarketOrderQty": "220",
    "maxOrderQty": "1200",
    "buyLimitPriceRatio": "0.05",
    "sellLimitPriceRatio": "0.05",
    "makerFeeRate": "0.0002",
    "takerFeeRate": "0.0006",
    "maxSymbolOrderNum": "20",
    "symbolStatus": "normal",
    "fundInterval": "8",
}
TIER = Tier(over=Decimal(0), up_to=Decimal(10**7), max_leverage=Decimal(125), maintenance=Decimal("0.004"))
EIGHT_HOURS_MS = 8 * 3_600_000

prices = st.integers(800_000, 1_250_000).map(lambda tenth: Decimal(tenth) / 10)
triggers = st.integers(80_000, 125_000).filter(lambda price: price != 100_000)
sizes = st.integers(1, 60).map(lambda lots: Decimal(lots) / 10_000)
sides = st.sampled_from(["buy", "sell"])

quote_acts = st.tuples(st.just("move"), st.integers(-250, 250), st.integers(0, 300), st.integers(1, 40))
order_acts = st.tuples(
    st.just("order"),
    sides,
    sizes,
    st.sampled_from(["YES", "NO"]),
    st.sampled_from(["market", "gtc", "ioc", "fok", "post_only"]),
    st.integers(-400, 400),
)
stop_acts = st.tuples(
    st.just("stop"),
    st.sampled_from(["pos_loss", "pos_profit", "loss_plan", "profit_plan", "moving_plan"]),
    st.booleans(),
    sizes,
    st.integers(-20, 3000),
)
plan_acts = st.tuples(
    st.just("plan"), sides, sizes, st.integers(-3000, 3000), st.sampled_from(["normal_plan", "track_plan"])
)
other_acts = st.one_of(
    st.tuples(st.just("leverage"), st.integers(1, 60)),
    st.tuples(st.just("margin"), st.integers(-5, 5)),
    st.tuples(st.just("auto"), st.sampled_from(["on", "off"])),
    st.tuples(st.just("funding"), st.integers(-200, 200)),
    st.tuples(st.just("flash")),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("adl"), sizes),
)
opening = st.tuples(st.just("order"), sides, sizes, st.just("NO"), st.just("market"), st.just(0))
acts = st.tuples(
    opening,
    st.lists(
        st.one_of(
            quote_acts, quote_acts, quote_acts, order_acts, order_acts, stop_acts, plan_acts, other_acts
        ),
        min_size=10,
        max_size=60,
    ),
).map(lambda parts: [parts[0], *parts[1]])


class Bench:
    """An exchange, one account, and the acts as requests."""

    def __init__(self, *, hedge: bool, ideal: bool, crossed: bool) -> None:
        self.exchange = Exchange([Contract.from_wire(ROW, [TIER])], ideal=ideal, now_ms=1)
        mode = "hedge_mode" if hedge else "one_way_mode"
        self.account = self.exchange.open_account("a", Decimal(200), position_mode=mode)
        self.rest = PrivateEndpoints(self.exchange, "a")
        self.hedge = hedge
        self.common = {"symbol": "BTCUSDT", "marginMode": "crossed" if crossed else "isolated"}
        self.rest.set_margin_mode(self.common)
        self.mark = Decimal(100_000)
        self.last_push: dict[str, list[dict[str, Any]]] = {}
        self.exchange.subscribe(self.hear)
        self.quote(self.mark, 0, 100)

    def hear(self, push: Push) -> None:
        self.last_push[push.channel] = push.rows

    def quote(self, mark: Decimal, spread: int, depth: int) -> None:
        self.mark = mark
        half, size = Decimal(spread) / 10, Decimal(depth) / 10_000
        bids = tuple((mark - half - level, size) for level in range(3))
        asks = tuple((mark + half + level, size) for level in range(3))
        self.exchange.on_quote(Quote("BTCUSDT", self.exchange.now_ms + 1000, mark, mark, mark, bids, asks))

    def move(self, basis_points: int, spread: int, depth: int) -> None:
        self.quote((self.mark * (10_000 + basis_points) / 10_000).quantize(Decimal("0.1")), spread, depth)

    def order(self, side: str, size: Decimal, reduce: str, force: str, offset: int) -> None:
        body = self.common | {"side": side, "size": str(size), "reduceOnly": reduce}
        body |= {"tradeSide": "close" if reduce == "YES" else "open"}
        if force == "market":
            self.rest.place_order(body | {"orderType": "market"})
        else:
            price = str(self.mark + offset)
            self.rest.place_order(body | {"orderType": "limit", "force": force, "price": price})

    def stop(self, plan_type: str, of_first: bool, size: Decimal, distance: int) -> None:
        """`distance` is how far the trigger lies on its right side; a negative one is refused."""
        held = list(self.account.positions.values()) or [None]
        position = held[0 if of_first else -1]
        side = position.side if position else Side.LONG
        is_below = (side is Side.LONG) == (plan_type in ("pos_loss", "loss_plan"))
        trigger = int(self.mark) + (-distance if is_below else distance)
        self.place_stop(plan_type, side, size, trigger)

    def place_stop(self, plan_type: str, side: Side, size: Decimal, trigger: int) -> None:
        body = self.common | {
            "planType": plan_type,
            "holdSide": side.value,
            "size": str(size),
            "rangeRate": "1",
        }
        self.rest.place_tpsl_order(body | {"triggerPrice": str(trigger), "triggerType": "mark_price"})

    def plan(self, side: str, size: Decimal, offset: int, plan_type: str) -> None:
        body = self.common | {"side": side, "tradeSide": "open", "size": str(size), "orderType": "market"}
        body |= {"planType": plan_type, "triggerType": "fill_price", "callbackRatio": "1"}
        self.rest.place_plan_order(body | {"triggerPrice": str(self.mark + offset)})

    def leverage(self, leverage: int) -> None:
        self.rest.set_leverage(self.common | {"leverage": str(leverage)})

    def margin(self, amount: int) -> None:
        self.rest.set_margin(self.common | {"amount": str(amount)})

    def auto(self, on: str) -> None:
        self.rest.set_auto_margin(self.common | {"autoMargin": on})

    def funding(self, rate: int) -> None:
        self.exchange.set_funding_rate("BTCUSDT", Decimal(rate) / 10_000)
        self.exchange.advance(self.exchange.now_ms + EIGHT_HOURS_MS)

    def flash(self) -> None:
        self.rest.close_positions({})

    def cancel(self) -> None:
        self.rest.cancel_all_orders({})

    def adl(self, size: Decimal) -> None:
        side = next(iter(self.account.positions.values()), None)
        self.exchange.force_adl("a", "BTCUSDT", side.side if side else Side.LONG, size)

    def act(self, name: str, *details: Any) -> None:
        """Do it; a refusal is an answer like any other."""
        held = {side: self.size(side) for side in Side}
        try:
            getattr(self, name)(*details)
        except BitgetError:
            return
        if name == "order" and details[2] == "YES":
            assert all(self.size(side) <= held[side] for side in Side), "a reduce-only order never opens"

    def size(self, side: Side) -> Decimal:
        position = self.account.position("BTCUSDT", side)
        return position.qty if position else Decimal(0)

    def check(self) -> None:
        account = self.account
        financial = (b for b in account.bills if b.business not in MARGIN_MOVES)
        assert account.wallet == sum((b.amount + b.fee for b in financial), Decimal(0))
        self.check_positions()
        self.check_fills()
        for order in account.orders.values():
            assert Decimal(0) <= order.filled <= order.qty
            assert (order.order_id in account.resting["BTCUSDT"]) is (not order.status.is_final)
        for side in Side:
            assert account.reserved("BTCUSDT", side) <= self.size(side)

    def check_positions(self) -> None:
        positions = self.account.positions
        assert self.hedge or len(positions) <= 1
        for position in positions.values():
            assert position.qty > 0
            assert self.account.margin_ratio(position) < 1
            assert position.opened_qty - position.closed_qty == position.qty
        told = [row["total"] for row in self.last_push.get("positions", [])]
        assert told == [row["total"] for row in self.rest.all_position({})]
        if not positions:
            assert not any(plan.plan_type.is_tpsl for plan in self.account.waiting["BTCUSDT"].values())

    def check_fills(self) -> None:
        bought = sum(
            ((f.qty if self.account.orders[f.order_id].buying else -f.qty) for f in self.account.fills),
            Decimal(0),
        )
        assert bought == self.size(Side.LONG) - self.size(Side.SHORT)
        profits = sum((f.profit for f in self.account.fills), Decimal(0))
        open_profits = sum((p.realised for p in self.account.positions.values()), Decimal(0))
        assert profits == open_profits + sum((c.profit for c in self.account.history), Decimal(0))


@settings(max_examples=100)
@given(acts=acts, hedge=st.booleans(), ideal=st.booleans(), crossed=st.booleans())
def test_the_books_balance_after_every_act(
    acts: list[tuple[Any, ...]], hedge: bool, ideal: bool, crossed: bool
) -> None:
    bench = Bench(hedge=hedge, ideal=ideal, crossed=crossed)
    for act in acts:
        bench.act(*act)
        bench.check()


@settings(max_examples=80)
@given(path=st.lists(prices, min_size=1, max_size=30), trigger=triggers, side=sides)
def test_an_ideal_stop_fills_at_its_trigger_on_any_path(path: list[Decimal], trigger: int, side: str) -> None:
    bench = Bench(hedge=False, ideal=True, crossed=True)
    bench.rest.set_leverage(bench.common | {"leverage": "5"})
    bench.order(side, Decimal("0.001"), "NO", "market", 0)
    held = Side.LONG if side == "buy" else Side.SHORT
    is_loss = (trigger < bench.mark) == (held is Side.LONG)
    plan_type = "pos_loss" if is_loss else "pos_profit"
    bench.place_stop(plan_type, held, Decimal(1), trigger)
    reached = False
    for price in path:
        bench.quote(price, 0, 100)
        reached = reached or (price >= trigger if trigger > 100_000 else price <= trigger)
        assert (bench.size(held) == 0) is reached
    if reached:
        assert bench.account.fills[-1].price == trigger
