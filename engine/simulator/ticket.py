"""From the words of a request to an order: WIRE §5's one-way and hedge semantics."""

from __future__ import annotations

from decimal import Decimal

from engine.core.instrument import Side
from engine.simulator import params as p
from engine.simulator.account import Account
from engine.simulator.errors import refusal
from engine.simulator.floor import Floor
from engine.simulator.listing import Listing
from engine.simulator.orders import Effect, Order, Preset
from engine.simulator.params import Params
from engine.simulator.position import CROSSED, ISOLATED
from engine.simulator.protection import check_side

FORCES = ("gtc", "ioc", "fok", "post_only")
TRIGGER_TYPES = ("fill_price", "mark_price")


def read_order(floor: Floor, account: Account, listing: Listing, params: Params) -> Order:
    """The order that a place-order body asks for; not yet checked against the market, not yet registered.

    Raises 40019, 40017, 40305 and 40786 for missing, wrong or used values, 40774 for the other position
    mode's shape.
    """
    client_oid = p.client_oid(params)
    if client_oid in account.client_oids:
        raise refusal("40786")
    order_type = p.choice(params, "orderType", ("limit", "market"))
    price = p.positive(params, "price") if order_type == "limit" else None
    wire_side, buying, effect, side, trade_side = read_direction(account, params)
    margin_mode = p.choice(params, "marginMode", (ISOLATED, CROSSED))
    order_id = floor.ids.next()
    order = Order(
        order_id=order_id,
        client_oid=client_oid or floor.ids.next(),
        symbol=listing.symbol,
        wire_side=wire_side,
        buying=buying,
        effect=effect,
        side=side,
        qty=p.positive(params, "size"),
        price=price,
        force=p.choice(params, "force", FORCES, "gtc") if price is not None else "gtc",
        margin_mode=margin_mode,
        leverage=account.settings(listing.symbol).leverage(margin_mode, side),
        position_mode=account.position_mode,
        c_time=floor.now_ms,
        u_time=floor.now_ms,
        source="market" if price is None else "normal",
        trade_side=trade_side,
    )
    if not order.is_closing:
        order.take_profit, order.stop_loss = read_presets(listing, params, side, price)
    adopt_position(account, order)
    return order


def adopt_position(account: Account, order: Order) -> None:
    """A closing order takes margin mode and leverage from its position; what the request says does not
    matter."""
    position = account.position(order.symbol, order.side)
    if order.is_closing and position is not None:
        order.margin_mode, order.leverage = position.margin_mode, position.leverage


def read_direction(account: Account, params: Params) -> tuple[str, bool, Effect, Side, str]:
    """Wire side, whether the market sees a buyer, effect, position side and tradeSide.

    Hedge: `side` names the position, `tradeSide` says open or close, reduceOnly is ignored. One-way:
    `tradeSide` is ignored and reduceOnly makes it a closing order.
    """
    wire_side = p.choice(params, "side", ("buy", "sell"))
    named = Side.LONG if wire_side == "buy" else Side.SHORT
    if account.is_one_way:
        trade_side = f"{wire_side}_single"
        if p.choice(params, "reduceOnly", ("yes", "no", "true", "false"), "no") in ("yes", "true"):
            return wire_side, wire_side == "buy", Effect.CLOSE, named.opposite, trade_side
        return wire_side, wire_side == "buy", Effect.NET, named, trade_side
    trade_side = p.text(params, "tradeSide").lower()
    if trade_side not in ("open", "close"):
        raise refusal("40774")
    if trade_side == "open":
        return wire_side, wire_side == "buy", Effect.OPEN, named, trade_side
    return wire_side, wire_side == "sell", Effect.CLOSE, named, trade_side


def read_presets(
    listing: Listing, params: Params, side: Side, price: Decimal | None
) -> tuple[Preset | None, Preset | None]:
    """presetStopSurplusPrice and presetStopLossPrice with their execution prices; a wrong side is refused."""
    presets = [
        _read_preset(listing, params, side, price, f"presetStop{name}", is_loss=name == "Loss")
        for name in ("Surplus", "Loss")
    ]
    return presets[0], presets[1]


def _read_preset(
    listing: Listing, params: Params, side: Side, price: Decimal | None, name: str, *, is_loss: bool
) -> Preset | None:
    trigger = p.price_or_none(params, f"{name}Price")
    if trigger is None:
        return None
    trigger_type = p.choice(params, f"{name}TriggerType", TRIGGER_TYPES, "fill_price")
    if price is None:
        check_side(listing, side, trigger, trigger_type, is_loss=is_loss)
    elif (trigger < price) != (is_loss == (side is Side.LONG)):
        raise refusal("40895")
    return Preset(trigger, p.price_or_none(params, f"{name}ExecutePrice"), trigger_type)
