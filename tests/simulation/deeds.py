"""What happens to the account from outside: the trader's hands, funding, auto-deleveraging, clocks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from engine.core.instrument import Side, floor_to
from engine.simulator.errors import BitgetError
from engine.simulator.plan_orders import PlanOrder

from .misfortune import SECOND
from .scenario import Deed
from .world import World


def do(world: World, deed: Deed) -> None:
    """Let it happen; what Bitget refuses does not."""
    try:
        DEEDS[deed.what](world, deed)
    except BitgetError:
        return
    world.happened[deed.what] += 1
    world.done.append(deed.what)


def _open(world: World, deed: Deed) -> None:
    world.open(deed.symbol, deed.side, deed.amount)


def _close(world: World, deed: Deed) -> None:
    """`amount` is the share."""
    position = world.account.position(deed.symbol, deed.side)
    if position is not None:
        lot = world.exchange.floor.listings[deed.symbol].contract.instrument.lot
        qty = position.qty if deed.amount >= 1 else floor_to(position.qty * deed.amount, lot)
        if qty:
            world.close(deed.symbol, deed.side, qty)


def _flip(world: World, deed: Deed) -> None:
    position = world.account.position(deed.symbol, deed.side)
    if position is not None and not world.hedged:
        world.flip(deed.symbol, deed.side, position.qty + deed.amount)


def _stop(world: World, deed: Deed) -> PlanOrder | None:
    """The desk's stop that is the nearest to the market."""
    plans = [p for p in world.watch.our_plans() if (p.symbol, p.side) == (deed.symbol, deed.side)]
    return min(plans, key=lambda p: abs(p.trigger - world.mark(p.symbol)), default=None)


def _move_stop(world: World, deed: Deed) -> None:
    """By `amount` of the way to the market; a negative one loosens."""
    plan = _stop(world, deed)
    if plan is not None:
        tick = world.exchange.floor.listings[deed.symbol].contract.instrument.tick
        moved = plan.trigger + (world.mark(deed.symbol) - plan.trigger) * deed.amount
        world.move_stop(deed.symbol, plan.order_id, floor_to(moved, tick), plan.qty)


def _cancel_stop(world: World, deed: Deed) -> None:
    plan = _stop(world, deed)
    if plan is not None:
        world.cancel_stop(deed.symbol, plan.order_id, plan.plan_type.value)


def _own_stop(world: World, deed: Deed) -> None:
    """The trader's own stop for `amount`, three quarters of the way to the liquidation; every other one for
    the whole position.
    """
    is_whole = int(deed.at * 1000) % 2 == 0
    _place_stop(world, deed, **({"planType": "pos_loss", "size": ""} if is_whole else {}))


def _second_engine(world: World, deed: Deed) -> None:
    """Another Ratchet places a stop under an id of our space, or takes away the one that it had placed."""
    for plan in world.account.waiting[deed.symbol].values():
        if plan.client_oid == SECOND:
            world.cancel_stop(plan.symbol, plan.order_id, plan.plan_type.value)
            return
    _place_stop(world, deed, clientOid=SECOND)


def _another_bot(world: World, deed: Deed) -> None:
    """It adds to the position with orders under names of its own, and takes that away again."""
    position = world.account.position(deed.symbol, deed.side)
    if position is None:
        return
    way = {"tradeSide": "open"} if world.hedged else {}
    buys = deed.side is Side.LONG
    order = {"symbol": deed.symbol, "size": str(deed.amount), "orderType": "market", "marginMode": "isolated"}
    side = {True: "buy", False: "sell"}
    world.bots += 1
    world.by_hand("place_order", side=side[buys], clientOid=f"bot-{world.bots}", **order, **way)
    if world.hedged:
        back = {"side": side[buys], "tradeSide": "close"}
    else:
        back = {"side": side[not buys], "reduceOnly": "YES"}
    world.by_hand("place_order", clientOid=f"bot-{world.bots}-out", **order, **back)


def _margin_mode(world: World, deed: Deed) -> None:
    """Crossed, where Bitget allows it: not while a position is open."""
    world.by_hand("set_margin_mode", symbol=deed.symbol, marginMode="crossed")


def _place_stop(world: World, deed: Deed, **more: str) -> None:
    position = world.account.position(deed.symbol, deed.side)
    if position is None:
        return
    tick = world.exchange.floor.listings[deed.symbol].contract.instrument.tick
    mark, end = world.mark(deed.symbol), world.account.liquidation_price(position)
    trigger = floor_to(mark + (end - mark) * Decimal("0.75"), tick)
    hold = deed.side.value if world.hedged else ("buy" if deed.side is Side.LONG else "sell")
    asked = {
        "symbol": deed.symbol,
        "planType": "loss_plan",
        "triggerPrice": str(trigger),
        "triggerType": "mark_price",
        "executePrice": "0",
        "holdSide": hold,
        "size": str(deed.amount),
    }
    world.by_hand("place_tpsl_order", **(asked | more))


def _leverage(world: World, deed: Deed) -> None:
    held = {"holdSide": deed.side.value} if world.hedged else {}
    world.by_hand("set_leverage", symbol=deed.symbol, leverage=str(deed.amount), **held)


def _margin(world: World, deed: Deed) -> None:
    world.by_hand("set_margin", symbol=deed.symbol, amount=str(deed.amount), holdSide=deed.side.value)


def _auto_margin(world: World, deed: Deed) -> None:
    on = "on" if deed.amount else "off"
    world.by_hand("set_auto_margin", symbol=deed.symbol, autoMargin=on, holdSide=deed.side.value)


def _limit(world: World, deed: Deed) -> None:
    """An order of the trader's that adds, a little away from the market."""
    tick = world.exchange.floor.listings[deed.symbol].contract.instrument.tick
    away = Decimal("0.99") if deed.side is Side.LONG else Decimal("1.01")
    way = {"tradeSide": "open"} if world.hedged else {}
    world.by_hand(
        "place_order",
        symbol=deed.symbol,
        side="buy" if deed.side is Side.LONG else "sell",
        size=str(deed.amount),
        price=str(floor_to(world.mark(deed.symbol) * away, tick)),
        orderType="limit",
        marginMode="isolated",
        **way,
    )


def _adl(world: World, deed: Deed) -> None:
    world.catch_up()
    world.touched_at = world.timeline.now
    world.exchange.force_adl(world.account.account_id, deed.symbol, deed.side, deed.amount)
    world.look()


def _rate(world: World, deed: Deed) -> None:
    world.exchange.set_funding_rate(deed.symbol, deed.amount)


def _transfer(world: World, deed: Deed) -> None:
    world.catch_up()
    world.exchange.transfer(world.account.account_id, deed.amount)


def _clock(world: World, deed: Deed) -> None:
    """The engine's clock is set `amount` seconds ahead of the true one."""
    world.skew_ms = int(deed.amount * 1000)


def _status(world: World, deed: Deed) -> None:
    """Maintenance begins (1) or ends (0)."""
    world.exchange.set_status(deed.symbol, "maintain" if deed.amount else "normal")


DEEDS: dict[str, Callable[[World, Deed], None]] = {
    "open": _open,
    "close": _close,
    "flip": _flip,
    "move stop": _move_stop,
    "cancel stop": _cancel_stop,
    "own stop": _own_stop,
    "leverage": _leverage,
    "margin": _margin,
    "auto margin": _auto_margin,
    "limit order": _limit,
    "second engine": _second_engine,
    "another bot": _another_bot,
    "margin mode": _margin_mode,
    "adl": _adl,
    "funding rate": _rate,
    "transfer": _transfer,
    "clock": _clock,
    "maintenance": _status,
}
