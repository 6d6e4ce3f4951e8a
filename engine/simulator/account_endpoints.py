"""Endpoints of account and position: balances, settings, margin, open and past positions, estimates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core import margin as formulas
from engine.core.instrument import ONE, ZERO, Side, floor_to
from engine.simulator import params as p
from engine.simulator import rows
from engine.simulator.account import HEDGE, ONE_WAY, SymbolSettings
from engine.simulator.adjustments import add_margin, change_leverage
from engine.simulator.checks import largest_notional
from engine.simulator.digits import plain
from engine.simulator.endpoint import Endpoints, page
from engine.simulator.errors import refusal
from engine.simulator.listing import Listing
from engine.simulator.params import Params
from engine.simulator.position import CROSSED, ISOLATED, Position


class AccountEndpoints(Endpoints):
    """v2/mix/account/… and v2/mix/position/…"""

    def accounts(self, params: Params) -> list[dict[str, Any]]:
        """GET accounts: the USDT row of the futures account."""
        p.check_product(params)
        return [rows.account_row(self._account)]

    def account(self, params: Params) -> dict[str, Any]:
        """GET account: the row and the settings of one symbol; the only read of posMode."""
        settings = self._account.settings(self._listing(params).symbol)
        return rows.account_row(self._account) | {
            "crossedMarginLeverage": int(settings.crossed_leverage),
            "isolatedLongLever": int(settings.long_leverage),
            "isolatedShortLever": int(settings.short_leverage),
            "marginMode": settings.margin_mode,
            "posMode": self._account.position_mode,
        }

    def set_leverage(self, params: Params) -> dict[str, Any]:
        """POST set-leverage. Isolated hedge mode: `holdSide` (or longLeverage, shortLeverage) sets one
        side."""
        listing = self._listing(params)
        settings = self._account.settings(listing.symbol)
        wanted = self._wanted_leverage(listing, params, settings)
        with self._floor.operation():
            for side, leverage in wanted.items():
                self._remargin(listing, side, leverage)
        for side, leverage in wanted.items():
            if settings.margin_mode == CROSSED:
                settings.crossed_leverage = leverage
            elif side is Side.LONG:
                settings.long_leverage = leverage
            else:
                settings.short_leverage = leverage
        return self._leverage_answer(listing, settings)

    def _wanted_leverage(
        self, listing: Listing, params: Params, settings: SymbolSettings
    ) -> dict[Side, Decimal]:
        one_side = p.text(params, "holdSide").lower()
        general = p.number(params, "leverage")
        wanted = {
            Side.LONG: p.number(params, "longLeverage"),
            Side.SHORT: p.number(params, "shortLeverage"),
        }
        if general is not None:
            is_single = one_side in ("long", "short") and settings.margin_mode == ISOLATED
            sides = [Side(one_side)] if is_single and not self._account.is_one_way else list(Side)
            wanted |= dict.fromkeys(sides, general)
        chosen = {side: leverage for side, leverage in wanted.items() if leverage is not None}
        if not chosen:
            raise refusal("40019", "leverage")
        for leverage in chosen.values():
            if leverage != leverage.to_integral_value() or leverage < listing.contract.min_leverage:
                raise refusal("40017", "leverage")
            if leverage > listing.contract.instrument.max_leverage:
                raise refusal("40797")
        return chosen

    def _remargin(self, listing: Listing, side: Side, leverage: Decimal) -> None:
        position = self._account.position(listing.symbol, side)
        if position is None or position.leverage == leverage:
            return
        if position.qty * listing.current().mark > largest_notional(listing.contract, leverage):
            raise refusal("40797")
        change_leverage(self._floor, self._account, position, leverage)

    def _leverage_answer(self, listing: Listing, settings: SymbolSettings) -> dict[str, Any]:
        is_crossed = settings.margin_mode == CROSSED
        return {
            "symbol": listing.symbol,
            "marginCoin": "USDT",
            "longLeverage": plain(settings.crossed_leverage if is_crossed else settings.long_leverage),
            "shortLeverage": plain(settings.crossed_leverage if is_crossed else settings.short_leverage),
            "crossMarginLeverage": plain(settings.crossed_leverage),
            "marginMode": settings.margin_mode,
        }

    def set_margin_mode(self, params: Params) -> dict[str, Any]:
        """POST set-margin-mode. Raises 45117 with a position or an order on the symbol."""
        listing = self._listing(params)
        mode = p.choice(params, "marginMode", (ISOLATED, CROSSED))
        settings = self._account.settings(listing.symbol)
        if mode != settings.margin_mode:
            if not self._account.is_idle(listing.symbol):
                raise refusal("45117")
            settings.margin_mode = mode
        return self._leverage_answer(listing, settings)

    def set_position_mode(self, params: Params) -> dict[str, Any]:
        """POST set-position-mode, for the whole product. Raises 40920 with any position or order."""
        p.check_product(params)
        mode = p.choice(params, "posMode", (ONE_WAY, HEDGE))
        if mode != self._account.position_mode:
            if not self._account.is_idle():
                raise refusal("40920")
            self._account.position_mode = mode
        return {"posMode": mode}

    def set_margin(self, params: Params) -> str:
        """POST set-margin: `amount` USDT to (or, negative, from) an isolated position. The answer is empty
        text."""
        position = self._held(params, "40802")
        amount = p.signed(params, "amount")
        if not amount:
            raise refusal("40017", "amount")
        if not position.is_isolated:
            raise refusal("40875")
        with self._floor.operation():
            add_margin(self._floor, self._account, position, amount)
        return ""

    def set_auto_margin(self, params: Params) -> str:
        """POST set-auto-margin on or off for an isolated position. The answer is empty text."""
        position = self._held(params, "40838")
        if not position.is_isolated:
            raise refusal("40874")
        position.auto_margin = p.choice(params, "autoMargin", ("on", "off")) == "on"
        return ""

    def _held(self, params: Params, code: str) -> Position:
        """The open position that symbol and holdSide name; `code` is raised without it."""
        listing = self._listing(params)
        held = self._account.positions_of(listing.symbol)
        side = p.text(params, "holdSide").lower()
        names = {Side.LONG: ("long", "buy"), Side.SHORT: ("short", "sell")}
        if side and not (self._account.is_one_way and side in ("net", "")):
            held = [position for position in held if side in names[position.side]]
        if len(held) != 1:
            raise refusal(code)
        return held[0]

    # -- positions -------------------------------------------------------------------------------------------

    def all_position(self, params: Params) -> list[dict[str, Any]]:
        """GET all-position: one row an open position, [] when flat."""
        p.check_product(params)
        p.check_coin(params)
        return [rows.position_row(self._account, position) for position in self._account.positions.values()]

    def single_position(self, params: Params) -> list[dict[str, Any]]:
        """GET single-position: a list of 0, 1 or (hedge) 2 rows."""
        symbol = self._listing(params).symbol
        return [rows.position_row(self._account, position) for position in self._account.positions_of(symbol)]

    def history_position(self, params: Params) -> dict[str, Any]:
        """GET history-position, newest first."""
        symbol = self._symbol_filter(params)
        entries, end_id = page(
            (entry for entry in self._account.history if symbol in (None, entry.symbol)),
            params,
            row_id=lambda entry: entry.pos_id,
            row_time=lambda entry: entry.u_time,
            now_ms=self._floor.now_ms,
            limit=20,
        )
        return {"list": [rows.closed_position_row(entry) for entry in entries], "endId": end_id}

    # -- estimates and rates ---------------------------------------------------------------------------------

    def trade_rate(self, params: Params) -> dict[str, str]:
        """GET v2/common/trade-rate: the account's own rates of futures, the only business there is here."""
        p.choice(params, "businessType", ("mix",))
        contract = self._listing({"symbol": params.get("symbol")}).contract
        return {
            "makerFeeRate": plain(self._account.maker(contract)),
            "takerFeeRate": plain(self._account.taker(contract)),
        }

    def info(self, params: Params) -> dict[str, Any]:
        """GET v2/spot/account/info: whose key it is, and what it may: futures, read and write."""
        may = ["coor", "coow"]
        return {"userId": self._account.account_id, "ips": "", "authorities": may, "traderType": "trader"}

    def max_open(self, params: Params) -> dict[str, str]:
        """GET max-open: what the free margin could open at `openPrice` (default: the market), fees
        included."""
        listing = self._listing(params)
        rules = listing.contract.instrument
        side = self._asked_side(params)
        price = p.number(params, "openPrice") or (
            listing.current().ask if side is Side.LONG else listing.current().bid
        )
        settings = self._account.settings(listing.symbol)
        leverage = settings.leverage(settings.margin_mode, side)
        by_margin = self._account.free() / (price * (ONE / leverage + self._account.taker(listing.contract)))
        by_tier = largest_notional(listing.contract, leverage) / price
        size = max(min(by_margin, by_tier, listing.contract.max_qty), ZERO)
        return {"maxOpen": plain(floor_to(size, rules.lot))}

    def liq_price(self, params: Params) -> dict[str, str]:
        """GET liq-price: where a position would be liquidated if `openAmount` were opened at `openPrice`.

        Without an amount it is the open position's own; "0" when there is none.
        """
        listing = self._listing(params)
        side = self._asked_side(params)
        amount = p.number(params, "openAmount")
        held = self._account.position(listing.symbol, side)
        if amount is None or amount == ZERO:
            return {"liqPrice": rows.shown_liquidation(self._account, held) if held else "0"}
        price = p.number(params, "openPrice") or listing.current().last
        settings = self._account.settings(listing.symbol)
        leverage = settings.leverage(settings.margin_mode, side)
        qty = amount + (held.qty if held else ZERO)
        cost = amount * price + (held.qty * held.average if held else ZERO)
        cushion = formulas.initial_margin(amount, price, leverage) + (held.margin if held else ZERO)
        if settings.margin_mode == CROSSED:
            cushion = max(self._account.crossed_equity(), ZERO)
        rate = listing.contract.instrument.maintenance(qty * listing.current().mark)
        taker = self._account.taker(listing.contract)
        liquidation = formulas.liquidation_price(side, qty, cost / qty, cushion, rate, taker)
        return {"liqPrice": plain(liquidation)}

    def _asked_side(self, params: Params) -> Side:
        return Side(p.choice(params, "posSide", ("long", "short", "net"), "long").replace("net", "long"))
