"""What must hold for every ladder: sums, directions of rounding, the guard, and a worst case that the
exchange agrees with.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.cycle import Cycle, tally
from engine.core.exchange import Position
from engine.core.instrument import ZERO, Instrument, Side, Tier
from engine.core.ladder import after_rung, trigger_price
from engine.core.ledger import begin, fund, liquidation_of, net_so_far, parts_of, reduce
from engine.core.settings import Bank, Basis, Ladder, Sequence, StopMode
from engine.core.stops import guard_price, is_nearer, wanted_stops, worst_case
from engine.simulator.contract import Contract
from engine.simulator.exchange import Exchange
from engine.simulator.private import PrivateEndpoints
from engine.simulator.quote import Quote

TIERS = (Tier(Decimal(0), Decimal(10) ** 9, Decimal(125), Decimal("0.004")),)
ROW = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
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
    "minTradeNum": "0.0001",
    "volumePlace": "4",
    "pricePlace": "1",
    "sizeMultiplier": "0.0001",
    "maxLever": "125",
    "maxMarketOrderQty": "220",
    "maxOrderQty": "1200",
}
CONTRACT = Contract.from_wire(ROW, TIERS)
BTC: Instrument = CONTRACT.instrument
DUST = Decimal("1e-20")
"""What dividing an average out of 28 digits may leave behind."""

sides = st.sampled_from(list(Side))
modes = st.sampled_from(list(StopMode))
prices = st.decimals("20000", "150000", places=1)
leverages = st.sampled_from([Decimal(n) for n in (5, 10, 20, 40, 75)])
margins = st.decimals("10", "60", places=2)
ladders = st.builds(
    Ladder,
    basis=st.sampled_from(list(Basis)),
    bank=st.sampled_from(list(Bank)),
    sequence=st.sampled_from(list(Sequence)),
    stops=modes,
    net=st.booleans(),
)


def opened(side: Side, price: Decimal, leverage: Decimal, margin: Decimal, mode: StopMode) -> Cycle:
    qty = max(BTC.floor_qty(margin * leverage / price), 2 * BTC.lot)
    position = Position(
        "BTCUSDT", side, qty, price, qty * price / leverage, leverage, ZERO, True, False, False, opened=1
    )
    return begin(position, cycle_id="c", at=1, equity=Decimal(1000), fee=BTC.taker * qty * price, mode=mode)


def climbed(cycle: Cycle, ladder: Ladder, rungs: int) -> Cycle:
    leverage = cycle.seen.leverage
    for _ in range(rungs):
        trigger = trigger_price(cycle, ladder, BTC)
        if trigger <= cycle.legs[0].entry / 10:
            break  # the fixed grid of a short ends at zero
        cycle = after_rung(cycle, ladder, BTC, price=trigger, leverage=leverage)
    return cycle


@given(sides, prices, leverages, margins, ladders, st.integers(0, 5))
def test_the_legs_add_up_to_the_position(
    side: Side, price: Decimal, leverage: Decimal, margin: Decimal, ladder: Ladder, rungs: int
) -> None:
    cycle = climbed(opened(side, price, leverage, margin, ladder.stops), ladder, rungs)
    assert tally(cycle.legs) == cycle.held_qty
    assert all(leg.qty > ZERO and leg.qty % BTC.lot == ZERO for leg in cycle.legs)
    assert sum((leg.fees for leg in cycle.legs), ZERO) <= cycle.fees + DUST
    assert len({leg.number for leg in cycle.legs}) == len(cycle.legs)


@given(sides, prices, leverages, margins, ladders, st.integers(1, 5))
def test_stops_lie_on_the_tick_and_on_the_near_side_of_the_guard(
    side: Side, price: Decimal, leverage: Decimal, margin: Decimal, ladder: Ladder, rungs: int
) -> None:
    cycle = climbed(opened(side, price, leverage, margin, ladder.stops), ladder, rungs)
    limit = guard_price(side, liquidation_of(cycle, BTC), ladder.guard)
    for stop in wanted_stops(cycle, BTC, guard=ladder.guard):
        assert stop.trigger % BTC.tick == ZERO
        if limit is not None:
            assert not is_nearer(side, limit, stop.trigger), "a stop beyond the guard can be liquidated first"


@given(sides, prices, leverages, margins, modes, st.integers(1, 4), st.decimals("-2", "2", places=4))
def test_a_whole_stop_at_the_cycle_breakeven_returns_the_money_the_cycle_began_with(
    side: Side,
    price: Decimal,
    leverage: Decimal,
    margin: Decimal,
    mode: StopMode,
    rungs: int,
    funding: Decimal,
) -> None:
    ladder = Ladder(stops=mode)
    cycle = fund(climbed(opened(side, price, leverage, margin, mode), ladder, rungs), funding)
    whole = replace(cycle, mode=StopMode.CYCLE_BREAKEVEN)
    (stop,) = wanted_stops(whole, BTC, guard=ladder.guard)
    closed = reduce(
        cycle,
        parts_of(cycle, cycle.held_qty, tuple(leg.number for leg in cycle.legs)),
        price=stop.trigger,
        fee=BTC.taker * cycle.held_qty * stop.trigger,
    )
    assert abs(worst_case(cycle, BTC, [(stop.trigger, None)]) - net_so_far(closed)) < DUST
    if stop.why.value == "cycle":
        assert -DUST <= net_so_far(closed) <= DUST + cycle.held_qty * BTC.tick * (1 + BTC.taker), (
            "at most a tick above zero"
        )


class Desk:
    """A trader at the ideal exchange who does by hand what the ladder says."""

    def __init__(self, side: Side, price: Decimal, leverage: Decimal) -> None:
        self.exchange = Exchange([CONTRACT], ideal=True, now_ms=1_746_403_200_000)
        self.exchange.open_account("trader", Decimal(10_000))
        self.api = PrivateEndpoints(self.exchange, "trader")
        self.side = side
        self.mark(price)
        common = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginCoin": "USDT"}
        self.common = common
        self.api.set_margin_mode(common | {"marginMode": "isolated"})
        self.api.set_leverage(common | {"leverage": str(leverage)})

    def mark(self, price: Decimal) -> None:
        level = ((price, Decimal(10) ** 9),)
        self.exchange.on_quote(
            Quote("BTCUSDT", self.exchange.now_ms + 1000, price, price, price, level, level)
        )

    def trade(self, qty: Decimal, *, opens: bool) -> None:
        buys = (self.side is Side.LONG) is opens
        order = {
            "size": str(qty),
            "side": "buy" if buys else "sell",
            "orderType": "market",
            "marginMode": "isolated",
            "reduceOnly": "NO" if opens else "YES",
        }
        self.api.place_order(self.common | order)

    def stop(self, trigger: Decimal, qty: Decimal | None) -> None:
        kind = {"planType": "pos_loss"} if qty is None else {"planType": "loss_plan", "size": str(qty)}
        holds = "buy" if self.side is Side.LONG else "sell"
        where = {"triggerPrice": str(trigger), "triggerType": "mark_price", "holdSide": holds}
        self.api.place_tpsl_order(self.common | kind | where)

    def position(self) -> dict[str, str] | None:
        rows = self.api.all_position({"productType": "USDT-FUTURES", "marginCoin": "USDT"})
        return rows[0] if rows else None

    def balance(self) -> Decimal:
        (row,) = self.api.accounts({"productType": "USDT-FUTURES"})
        return Decimal(row["accountEquity"])


@settings(max_examples=60)
@given(
    sides, prices, st.sampled_from([Decimal(10), Decimal(20), Decimal(40)]), margins, modes, st.integers(0, 4)
)
def test_the_worst_case_is_what_the_simulated_exchange_pays_when_it_happens(
    side: Side, price: Decimal, leverage: Decimal, margin: Decimal, mode: StopMode, rungs: int
) -> None:
    ladder = Ladder(stops=mode)
    desk = Desk(side, price, leverage)
    before = desk.balance()
    cycle = opened(side, price, leverage, margin, mode)
    desk.trade(cycle.held_qty, opens=True)
    for _ in range(rungs):
        trigger = trigger_price(cycle, ladder, BTC)
        desk.mark(trigger)
        after = after_rung(cycle, ladder, BTC, price=trigger, leverage=leverage)
        banked = cycle.front.qty - next(leg.qty for leg in after.legs if leg.number == cycle.front.number)
        desk.trade(banked, opens=False)
        desk.trade(after.front.qty, opens=True)
        cycle = after
    row = desk.position()
    assert row is not None and Decimal(row["total"]) == cycle.held_qty
    stops = wanted_stops(cycle, BTC, guard=ladder.guard)
    for stop in stops:
        desk.stop(stop.trigger, stop.qty)
    told = worst_case(cycle, BTC, [(s.trigger, s.qty) for s in stops])
    liquidation = Decimal(row["liquidationPrice"])
    for stop in stops:
        desk.mark(stop.trigger)
    if desk.position() is not None:
        desk.mark(liquidation * (1 - side.d * Decimal("0.0001")))
    assert desk.position() is None
    assert abs((desk.balance() - before) - told) < Decimal("1e-9")
